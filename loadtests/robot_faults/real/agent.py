"""The site agent's process and its servo's, to be stopped and killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import psutil

from loadtests.ports import free_port
from loadtests.robot_faults.real import film

START_S, END_S = 60.0, 30.0
PAGE = "the operator's page: "
ARM = "loadtests.robot_faults.real.arm"


class Agent:
    """`python -m clients.robot`, with an arm in a process of its own."""

    def __init__(self, folder: Path, url: str, token: str, memory: Path, *, watchdog: bool) -> None:
        self.folder = folder
        (folder / "token").write_text(token)
        film.write(folder / "film.mkv")
        arm = f"{ARM}:{'RemoteArm' if watchdog else 'unwatched'}"
        self._command = [
            *(sys.executable, "-m", "clients.robot", "--url", url),
            *("--token-file", str(folder / "token"), "--data-dir", str(folder / "site")),
            *("--machine", f"file:{folder / 'film.mkv'}"),
            *("--arm", arm, "--arm-options", json.dumps({"path": str(memory)})),
        ]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, place: str) -> str:
        """With this preset; the address of the operator's page. Raises TimeoutError."""
        with (self.folder / "site.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                *("--preset", place, "--operator-port", str(free_port())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S):
            async for line in self._process.stdout:
                if line.decode().startswith(PAGE):
                    return line.decode().removeprefix(PAGE).strip()
        said = (self.folder / "site.log").read_text(errors="replace")
        raise RuntimeError(f"the site's agent ended:\n{said[-2000:]}")

    def servo(self) -> psutil.Process | None:
        """Its servo's process; None: there is none at the moment."""
        for child in psutil.Process(self.pid).children():
            if "clients.robot.servo" in child.cmdline():
                return child
        return None

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def stop(self) -> None:
        """As an operator ends it; the arm comes to rest."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), END_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
