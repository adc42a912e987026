"""A WHIP publisher (RFC 9725) of encoded or raw tracks; `clients/whep.py` is its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp
from aiortc import MediaStreamTrack, RTCPeerConnection

from clients import peer

SDP = "application/sdp"


class HttpRefusal(Exception):
    """The server answered with an error; `problem` is its problem document, if it sent one."""

    def __init__(self, status: int, problem: dict[str, object]) -> None:
        super().__init__(f"HTTP {status}: {problem.get('detail') or problem.get('title') or ''}")
        self.status = status
        self.problem = problem


@dataclass
class HttpSession:
    """One WHIP or WHEP session: made by POST of an offer, ended by DELETE of its resource."""

    http: aiohttp.ClientSession
    resource: str
    answer: str
    token: str

    @classmethod
    async def post(
        cls, http: aiohttp.ClientSession, url: str, token: str, offer: str
    ) -> HttpSession:
        """Raises HttpRefusal."""
        headers = {"Content-Type": SDP, **_bearer(token)}
        async with http.post(url, data=offer, headers=headers) as response:
            if response.status != 201:
                raise await _refusal(response)
            resource = urljoin(url, response.headers["Location"])
            return cls(http, resource, await response.text(), token)

    async def delete(self) -> None:
        """Raises HttpRefusal."""
        async with self.http.delete(self.resource, headers=_bearer(self.token)) as response:
            if response.status >= 400:
                raise await _refusal(response)


class WhipPublisher:
    """Publishes tracks to `url` as long as its `async with` block lasts.

    `codecs` names, by kind, what already encoded tracks hold.
    """

    def __init__(
        self,
        url: str,
        token: str,
        tracks: Sequence[MediaStreamTrack],
        codecs: dict[str, str] | None = None,
    ) -> None:
        self.url = url
        self.pc: RTCPeerConnection = peer.connection()
        self.session: HttpSession | None = None
        self._token = token
        self._tracks = tracks
        self._codecs = codecs or {}
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> WhipPublisher:
        for track in self._tracks:
            transceiver = self.pc.addTransceiver(track, direction="sendonly")
            if track.kind in self._codecs:
                peer.prefer_codec(transceiver, self._codecs[track.kind])
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

    async def _free(self) -> None:
        await self.pc.close()
        if self._http is not None:
            await self._http.close()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _refusal(response: aiohttp.ClientResponse) -> HttpRefusal:
    try:
        problem = await response.json(content_type=None)
    except ValueError:
        problem = {}
    return HttpRefusal(response.status, problem if isinstance(problem, dict) else {})
