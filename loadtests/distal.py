"""Distal as its users start it: `distal serve` with a free port, WHIP and WHEP over HTTP, rooms.

Every subscriber has an HTTP connection of its own, as separate clients would.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urljoin

import aiohttp

from loadtests import sdp
from loadtests.member import Member
from loadtests.peer import Network, Peer
from loadtests.ports import free_port, free_udp_port
from loadtests.process import Child
from loadtests.server import Person, Session

ROOM = "loadtest"
START_TIMEOUT_S = 20.0


class DistalError(Exception):
    """Distal refused a request."""


class Distal:
    """The server under test."""

    name = "Distal"

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._program = str(Path(sys.executable).parent / "distal")
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [self._program, "serve", "--port", self.url.rpartition(":")[2]]
        self.media_port = free_udp_port(following=(os.cpu_count() or 1) - 1)
        command += ["--media-port", str(self.media_port), "--data-dir", str(folder / "data")]
        command += ["--dicom-port", "0", "--control-port", "0"]
        command += options
        self._child = Child(command, folder / "log")
        self._token = ""
        self._http: aiohttp.ClientSession | None = None

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def ws_url(self) -> str:
        """Where a room's members connect."""
        return self.url.replace("http", "ws", 1) + "/ws"

    @property
    def version(self) -> str:
        shown = subprocess.run([self._program, "--version"], capture_output=True, text=True)
        return shown.stdout.split()[-1] if shown.stdout.strip() else "unknown"

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True)
        )
        await self.begin()
        self._token = await self.token(ROOM)

    async def begin(self) -> None:
        """Until it serves; once more, after it was killed."""
        await self._child.start()
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await self._ready():
                self._child.check()
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.close()
        await self._child.stop()

    async def invite(self, role: str, url: str) -> str:
        """A link into the room for somebody who reaches the server's web side at `url`."""
        assert self._http is not None
        headers = {"Authorization": f"Bearer {self._token}"}
        asked = {"role": role, "name": "Viewer"}
        link = f"{url}/api/rooms/{ROOM}/invitations"
        async with self._http.post(link, json=asked, headers=headers) as response:
            response.raise_for_status()
            return str((await response.json())["url"])

    async def publish(self, network: Network, ssrcs: dict[sdp.Kind, int]) -> Session:
        return await self.whip(network, ssrcs, ROOM, self._token)

    async def publish_simulcast(
        self, network: Network, rids: Sequence[str], audio_ssrc: int
    ) -> Session:
        """A camera in several encodings, and sound."""
        peer = Peer(network)
        offer = sdp.simulcast_offer(peer.local, rids, audio_ssrc)
        return await self._connect(peer, f"whip/{ROOM}", offer, self._token)

    async def watch(self, network: Network) -> Session:
        return await self.whep(network, ROOM, self._token)

    async def whip(
        self, network: Network, ssrcs: dict[sdp.Kind, int], room: str, token: str
    ) -> Session:
        """Publish into any room."""
        peer = Peer(network)
        offer = sdp.publish_offer(peer.local, ssrcs)
        return await self._connect(peer, f"whip/{room}", offer, token)

    async def whep(self, network: Network, room: str, token: str) -> Session:
        """Watch any room."""
        peer = Peer(network)
        return await self._connect(peer, f"whep/{room}", sdp.watch_offer(peer.local), token)

    async def token(self, room: str, role: str = "host", ttl_s: int = 7200) -> str:
        """One bearer token, as an operator makes it."""
        command = [self._program, "token", "--room", room, "--role", role, "--ttl", str(ttl_s)]
        command += ["--data-dir", str(self.folder / "data")]
        shown = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, check=True
        )
        return shown.stdout.strip()

    async def data_counters(self) -> dict[str, int]:
        """What its metrics say of messages on data channels."""
        assert self._http is not None
        async with self._http.get(f"{self.url}/metrics") as response:
            text = await response.text()
        found = re.findall(r"^distal_media_data_(\w+)_total (\S+)$", text, re.MULTILINE)
        return {name: round(float(value)) for name, value in found}

    async def fill_rooms(
        self, network: Network, rooms: int, ssrcs: list[dict[sdp.Kind, int]]
    ) -> list[Person]:
        """Room by room, with an equal share of the people in each."""
        people: list[Person] = []
        each = len(ssrcs) // rooms
        for room in range(rooms):
            token = await self.token(f"{ROOM}-{room}")
            own = ssrcs[room * each : (room + 1) * each]
            members = [Member(network, self.ws_url, token, f"person {n}") for n in range(each)]
            sessions = await asyncio.gather(
                *(member.enter(sent) for member, sent in zip(members, own, strict=True))
            )
            tracks = sum(map(len, own))
            for member, session, sent in zip(members, sessions, own, strict=True):
                receiving = await member.until_offered(tracks - len(sent))
                people.append(Person(sent, session, receiving, member.leave))
        return people

    async def _ready(self) -> bool:
        assert self._http is not None
        with contextlib.suppress(aiohttp.ClientError):
            async with self._http.get(f"{self.url}/readyz") as response:
                return response.status == 200
        return False

    async def _connect(self, peer: Peer, what: str, offer: str, token: str) -> Session:
        assert self._http is not None
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        url = f"{self.url}/{what}"
        try:
            async with self._http.post(url, data=offer, headers=headers) as response:
                text = await response.text()
                if response.status != 201:
                    raise DistalError(f"{what} answered {response.status}: {text[:500]}")
                resource = urljoin(url, response.headers["Location"])
            remote = sdp.parse(text)
            if what.startswith("whep"):
                peer.receive(remote)
            await peer.connect(remote)
        except BaseException:
            peer.vanish()
            raise
        return Session(peer, remote, self._leave(peer, resource, token))

    def _leave(self, peer: Peer, resource: str, token: str) -> Callable[[], Awaitable[None]]:
        async def leave() -> None:
            assert self._http is not None
            await peer.close()
            headers = {"Authorization": f"Bearer {token}"}
            async with self._http.delete(resource, headers=headers):
                pass

        return leave
