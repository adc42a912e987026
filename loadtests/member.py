"""A member of a Distal room as a browser is one: a WebSocket, and a transport each way."""

from __future__ import annotations

import asyncio
import contextlib

from clients.protocol_client import ConnectionLost, ProtocolClient, RequestError, SessionOver
from loadtests import sdp
from loadtests.peer import Network, Peer
from loadtests.server import Session
from signaling import protocol as p

READY_S = 30.0


class Member:
    """Publishes a picture and a voice, and receives whatever the room offers.

    `receiving` is the transport that the others' tracks come on; `tracks` names them by their mid.
    """

    def __init__(self, network: Network, url: str, token: str, name: str) -> None:
        self.network = network
        self.name = name
        self.client = ProtocolClient(url, token)
        self.publishing: Session | None = None
        self.receiving: Peer | None = None
        self.tracks: dict[str, str] = {}
        self._connected = asyncio.Event()
        self._changed = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def enter(self, ssrcs: dict[sdp.Kind, int]) -> Session:
        """Join and publish; the session that a publisher sends on."""
        await self.client.connect()
        capabilities = p.Capabilities(audio=["opus"], video=["VP8"])
        await self.client.request(p.Join(id=0, name=self.name, capabilities=capabilities), p.Joined)
        self._reading = asyncio.create_task(self._read())
        peer = Peer(self.network)
        sources: dict[sdp.Kind, p.Source] = {"video": "camera", "audio": "microphone"}
        media = [p.PublishedMedia(mid=str(n), source=sources[k]) for n, k in enumerate(ssrcs)]
        offer = sdp.publish_offer(peer.local, ssrcs)
        request = p.Publish(id=0, transport="publish:main", sdp=offer, media=media)
        published = await self.client.request(request, p.Published)
        remote = sdp.parse(published.sdp)
        await peer.connect(remote)
        self.publishing = Session(peer, remote, self.leave)
        return self.publishing

    async def until_offered(self, tracks: int) -> Peer:
        """Wait until as many tracks are received, on a connected transport."""
        async with asyncio.timeout(READY_S):
            await self._connected.wait()
            while len(self.tracks) != tracks:
                self._changed.clear()
                await self._changed.wait()
        assert self.receiving is not None
        return self.receiving

    async def leave(self) -> None:
        """Say goodbye and free everything."""
        if self._reading is not None:
            with contextlib.suppress(ConnectionError, RequestError, TimeoutError):
                await self.client.request(p.Leave(id=0), p.Ok)
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self.client.close()
        for peer in self._peers:
            await peer.close()

    async def vanish(self) -> None:
        """Be gone without a word on any way."""
        for peer in self._peers:
            peer.vanish()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self.client.close()

    @property
    def _peers(self) -> list[Peer]:
        publishing = self.publishing.peer if self.publishing else None
        return [peer for peer in (self.receiving, publishing) if peer is not None]

    async def _read(self) -> None:
        connecting: asyncio.Task[None] | None = None
        try:
            async for event in self.client.events():
                if not isinstance(event, p.SubscribeOffer):
                    continue
                first, remote = self.receiving is None, sdp.parse(event.sdp)
                self.receiving = peer = self.receiving or Peer(self.network)
                peer.receive(remote)
                await self._answer(event, peer, remote)
                if first:
                    connecting = asyncio.create_task(self._connect(peer, remote))
        except SessionOver:
            pass
        finally:
            if connecting is not None:
                connecting.cancel()

    async def _answer(self, offer: p.SubscribeOffer, peer: Peer, remote: sdp.Remote) -> None:
        answer = p.SubscribeAnswer(
            id=0,
            transport=offer.transport,
            revision=offer.revision,
            sdp=sdp.watch_answer(peer.local, remote),
        )
        try:
            await self.client.request(answer, p.Ok)
        except (ConnectionLost, TimeoutError):
            pass  # it was taken, or the offer comes again
        except RequestError as error:
            if error.code != "conflict":  # a newer offer is on its way
                raise
            return
        self.tracks = {track.mid: track.track for track in offer.tracks}
        self._changed.set()

    async def _connect(self, peer: Peer, remote: sdp.Remote) -> None:
        await peer.connect(remote)
        self._connected.set()
