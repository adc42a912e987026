"""What a server's processes have used: CPU time, memory, files; children included."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import psutil


def tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return []


def cpu_s(pid: int) -> float:
    """User and system time of the process tree, all threads, those that ended included.

    The process clock is utime + stime of /proc/PID/stat in nanoseconds instead of ticks.
    """
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            total += time.clock_gettime((~process << 3) | 2)  # MAKE_PROCESS_CPUCLOCK(pid, SCHED)
    return total


def memory_kb(pid: int) -> tuple[int, int]:
    """Resident and proportional set size of the process tree."""
    rss = pss = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name == "Rss":
                    rss += int(value.split()[0])
                elif name == "Pss":
                    pss += int(value.split()[0])
    return rss, pss


def fds(pid: int) -> int:
    """Open file descriptors of the process tree."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            total += len(list(Path(f"/proc/{process}/fd").iterdir()))
    return total


class Child:
    """A server started as our own child, its output kept in a file, ended with SIGTERM."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.command = command
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    async def start(self) -> None:
        with self.log.open("wb") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self.command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out
            )

    def check(self) -> None:
        """Raise RuntimeError, with the end of its output, when it has ended."""
        if self._process is None or self._process.returncode is not None:
            code = None if self._process is None else self._process.returncode
            raise RuntimeError(f"{self.command[0]} ended with {code}:\n{self.output()[-2000:]}")

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
