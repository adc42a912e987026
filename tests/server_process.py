"""The real server as a child process on free ports, for tests that talk to it from outside."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from loadtests.ports import free_udp_port

ROOT = Path(__file__).parent.parent
START_S = 60.0  # a cold start takes 3 s; on a machine that is busy with much else, ten times that
STOP_S = 15.0  # above the server's own bound of 10 s


class DistalServer:
    """`async with DistalServer(tmp_path) as server: ...`, or `with` in a plain test."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        command: str = "serve",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.media_port = free_udp_port()
        self.url = ""
        self.command = command
        self._arguments: Sequence[str] = arguments
        self._environment = {
            key: value for key, value in os.environ.items() if not key.startswith("DISTAL_")
        } | {
            "PYTHONUNBUFFERED": "1",
            "DISTAL_DICOM_PORT": "0",
            "DISTAL_CONTROL_PORT": "0",
            **(environment or {}),
        }
        self._stdout = data_dir / "stdout.txt"
        self._stderr = data_dir / "stderr.txt"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def ws_url(self) -> str:
        """Address of the signaling WebSocket."""
        return self.url.replace("http", "ws", 1) + "/ws"

    def token(
        self, room: str, role: str, name: str | None = None, institution: str = "", ttl: int = 600
    ) -> str:
        """Make a bearer token with this server's own key."""
        from server.identity import make_token  # here: import costs, and not every test needs it

        return make_token(self.data_dir, room, role, name, institution, ttl)

    def stdout(self) -> str:
        """What it has printed so far."""
        return self._stdout.read_text(encoding="utf-8")

    def stderr(self) -> str:
        """What it has logged so far."""
        return self._stderr.read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "server.cli", self.command]
        command += ["--port", "0", "--media-port", str(self.media_port)]
        command += ["--media-threads", "1"]  # emulated networks stand before one port
        command += ["--data-dir", str(self.data_dir), *self._arguments]
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=out, stderr=err
            )
        deadline = time.monotonic() + START_S
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not start: {self.stdout()}{self.stderr()}")
            time.sleep(0.02)

    def stop(self) -> int:
        """Ask it to stop as an operator would, and give its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"the server did not stop: {self.stderr()}") from None

    def _ready(self) -> bool:
        found = re.search(r"https?://[^\s/]+:\d+", self.stdout())
        if not found:
            return False
        self.url = found[0]
        if self.url.startswith("https"):
            return True
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def __enter__(self) -> DistalServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> DistalServer:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)
