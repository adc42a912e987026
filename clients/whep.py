"""A WHEP watcher: receives a room's publisher and counts its frames."""

from __future__ import annotations

import asyncio

import aiohttp
from aiortc import MediaStreamTrack, RTCPeerConnection

from clients import peer
from clients.reception import Reception, count_decoded, count_encoded
from clients.whip import HttpSession


class WhepWatcher:
    """Watches `url` as long as its `async with` block lasts; `received` counts by kind."""

    def __init__(self, url: str, token: str, *, decode: bool = False) -> None:
        self.url = url
        self.pc: RTCPeerConnection = peer.connection()
        self.received: dict[str, Reception] = {}
        self.session: HttpSession | None = None
        self._token = token
        self._decode = decode
        self._http: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> WhepWatcher:
        for kind in ("video", "audio"):
            self.pc.addTransceiver(kind, direction="recvonly")
        self.pc.on("track", self._receive)
        http = self._http = aiohttp.ClientSession()
        try:
            offer = await peer.offer(self.pc)
            self.session = await HttpSession.post(http, self.url, self._token, offer)
            await peer.take_answer(self.pc, self.session.answer)
        except BaseException:
            await self._free()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self.session is not None:
                await self.session.delete()
        finally:
            await self._free()

    def _receive(self, track: MediaStreamTrack) -> None:
        reception = self.received[track.kind] = Reception(track.id, track.kind)
        if self._decode:
            self._tasks.append(asyncio.create_task(count_decoded(track, reception)))
            return
        for transceiver in self.pc.getTransceivers():
            if transceiver.receiver.track is track:
                count_encoded(transceiver.receiver, reception)

    async def _free(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.pc.close()
        if self._http is not None:
            await self._http.close()
