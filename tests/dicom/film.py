"""DICOMweb as it is served, in a thread of its own, for clients that wait."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import requests
from aiohttp import web

from dicom.door import Door
from dicom.ingest import Ingest, Outcome, Sender
from dicom.intake import Doorway
from server.config import Settings
from server.dicom_api import DicomApi
from server.identity import sign
from server.keys import load_or_create
from server.web_client import security_headers
from signaling.film import Given
from signaling.problem import problem_middleware
from signaling.protocol import Role
from signaling.sitting import Sitting
from signaling.tokens import TokenVerifier


class Film:
    """The application around one data directory."""

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        self.data_dir = data_dir
        self.key = load_or_create(data_dir)
        self.settings = Settings(data_dir=data_dir, **settings)
        self.ingest = Ingest(data_dir / "dicom")
        self.given: tuple[Given, ...] | None = None  # in the room that everybody is in, if any
        self.sitting: Sitting | None = None  # the consultation in that room
        self.url = ""
        self.http = requests.Session()
        self.as_role("specialist")
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self._started.wait(60)
        if not self.url:
            raise RuntimeError("it did not start")

    @property
    def root(self) -> str:
        return self.url + "/dicomweb"

    def token(self, role: Role, institution: str = "", ttl_s: int = 600) -> str:
        """For a person of that role."""
        return sign(self.key, "room", role, institution=institution, ttl_s=ttl_s)

    def as_role(self, role: Role, institution: str = "") -> None:
        """Who `http` speaks for from now on."""
        self.http.headers["Authorization"] = f"Bearer {self.token(role, institution)}"

    def get(self, path: str, **more: Any) -> requests.Response:
        """Of an address below /dicomweb."""
        return self.http.get(self.root + path, **more)

    def store(self, content: bytes, institution: str = "default") -> Outcome:
        """Take a file in, not by HTTP."""
        draft = self.ingest.draft()
        draft.path.write_bytes(content)
        return self.ingest.take(draft, Sender(institution))

    def call(self, coroutine: Any) -> Any:
        """Run something in the application's own loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def close(self) -> None:
        """Stop it."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self.ingest.close()
        self.http.close()

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        finally:
            self._started.set()  # or it will never be

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        theirs, ours = socket.socketpair()
        door = Door(theirs, self.ingest)
        door.start()
        doorway = await Doorway.open(ours)

        async def intake() -> Doorway:
            return doorway

        verifier = TokenVerifier({self.key.kid: self.key.public})
        self.api = DicomApi(
            self.settings, verifier, intake, lambda _: self.given, lambda _: self.sitting
        )
        app = web.Application(middlewares=[security_headers, problem_middleware])
        app.add_routes(self.api.routes())
        app.cleanup_ctx.append(self.api.running)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._started.set()
            await self._stop.wait()
        finally:
            await runner.cleanup()
            await doorway.close()
            door.stop()
            door.close()
