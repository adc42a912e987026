"""A headless member of a room: joins, publishes, receives, and comes back after a server restart.

Used by the demonstration's simulated site, the tests and the load tests. One `Participant` outlives
many sessions: a dropped socket is resumed with the media untouched (`ProtocolClient` does it); a
session that is gone is begun anew, with new peer connections. Only being dismissed or refused ends
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import aiohttp
from aiortc import MediaStreamTrack, RTCPeerConnection

from clients import peer
from clients.backoff import Backoff
from clients.data import DataChannels
from clients.protocol_client import ConnectionLost, ProtocolClient, RequestError, SessionOver
from clients.reception import Reception, count_decoded, count_encoded
from clients.room_view import RoomView
from signaling import protocol as p

log = logging.getLogger(__name__)

FINAL_CODES = {"unauthorized", "forbidden", "unsupported_version", "malformed", "not_found"}
AnswerT = TypeVar("AnswerT", bound=p.AnyAnswer)
State = Literal["connecting", "waiting", "joined", "over"]


@dataclass(frozen=True)
class Publication:
    """One track to publish. `codec` names what an already encoded track holds."""

    track: MediaStreamTrack
    source: p.Source
    service_class: p.ServiceClass = "talk"
    label: str = ""
    codec: str | None = None


Publications = Callable[[p.CodecPreferences], Awaitable[Sequence[Publication]]]


class Dismissed(Exception):
    """A moderator, a second login or a revoked token ended it for good."""


class Participant:
    """A member of the room that `token` names.

    `token` may be a function, asked anew for every session. `publish` is asked for fresh tracks at
    every join, with the codecs that the room takes. `receive` counts encoded frames, or decodes
    them. `data` is opened on the main publishing transport. `run()` lives until dismissed; as a
    context manager it runs in the background from the first join on.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str],
        *,
        name: str | None = None,
        publish: Publications | None = None,
        receive: Literal["count", "decode"] = "count",
        capabilities: p.Capabilities | None = None,
        on_event: Callable[[p.AnyEvent], Awaitable[None]] | None = None,
        data: DataChannels | None = None,
    ) -> None:
        self.url = url
        self.state: State = "connecting"
        self.client: ProtocolClient | None = None
        self.view: RoomView | None = None
        self.id: str | None = None
        self.published: dict[str, str] = {}  # track id → source
        self.received: dict[str, Reception] = {}  # by track id
        self.publishing: dict[str, RTCPeerConnection] = {}  # by transport id
        self.receiving: dict[str, RTCPeerConnection] = {}
        self._token = token
        self._name = name
        self._publish = publish
        self._decode = receive == "decode"
        self._capabilities = capabilities or p.Capabilities()
        self._on_event = on_event
        self._data = data
        self._offered: dict[str, dict[str, str]] = {}  # transport id → mid → track id
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._run: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Participant:
        self._run = asyncio.create_task(self.run())
        try:
            await self.until(lambda: self.state != "connecting")
        except BaseException:
            await self.close()
            raise
        if self.state == "over":
            await self._run  # raises what ended it
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self) -> None:
        """Live in the room. Raises Dismissed, or RequestError when refused for good."""
        backoff = Backoff()
        try:
            while True:
                try:
                    await self._session(backoff)
                except SessionOver as over:
                    if isinstance(over.closing, p.Removed):
                        raise Dismissed(over.closing.reason) from over
                    if isinstance(over.closing, p.ServerClosing):
                        await asyncio.sleep(over.closing.reconnect_after_ms / 1000)
                    log.info("session over: %s", over)
                except RequestError as error:
                    if error.code in FINAL_CODES:
                        raise
                    log.warning("refused, trying again: %s", error)
                except (OSError, aiohttp.ClientError) as error:
                    log.info("no connection: %s", type(error).__name__)
                self._now("connecting")
                await asyncio.sleep(backoff.next_s())
        finally:
            self._now("over")

    async def close(self) -> None:
        """Leave the room and free everything."""
        if self.client is not None and self.client.online:
            with contextlib.suppress(ConnectionError, RequestError, TimeoutError):
                await self.client.request(p.Leave(id=0), p.Ok)
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Wait for a condition over this participant's state; raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                if self._run is not None and self._run.done():
                    self._run.result()
                self._changed.clear()
                with contextlib.suppress(TimeoutError):  # frames are counted without an event
                    await asyncio.wait_for(self._changed.wait(), 0.05)

    async def until_receiving(self, track: str, frames: int, timeout_s: float = 20.0) -> None:
        """Wait for `frames` more frames of a track than have arrived by now."""
        seen = self.frames(track)
        await self.until(lambda: self.frames(track) >= seen + frames, timeout_s)

    def frames(self, track: str) -> int:
        """Complete frames received of a track."""
        reception = self.received.get(track)
        return reception.frames if reception else 0

    async def request(self, request: p.AnyRequest, answer: type[AnswerT]) -> AnswerT:
        """Ask the server, on whatever session there is now."""
        if self.client is None:
            raise ConnectionLost("not connected")
        return await self.client.request(request, answer)

    async def say(self, text: str) -> None:
        """Write one line into the chat."""
        await self.request(p.Chat(id=0, text=text), p.Ok)

    # --- one session ---------------------------------------------------------------------------

    async def _session(self, backoff: Backoff) -> None:
        token = self._token if isinstance(self._token, str) else self._token()
        client = ProtocolClient(self.url, token)
        try:
            welcome = await client.connect()
            self.client, self.id = client, welcome.participant
            joined = await client.ask(
                p.Join(id=0, name=self._name, capabilities=self._capabilities)
            )
            if isinstance(joined, p.Joined):
                await self._enter(client, joined.state)
            else:
                self._now("waiting")
            backoff.reset()
            async for event in client.events():
                await self._take(client, event)
                self._changed.set()
        finally:
            await self._forget(client)

    async def _forget(self, client: ProtocolClient) -> None:
        """Free what the session held; nothing of it can be used again."""
        for task in list(self._tasks):
            task.cancel()
        connections = [*self.publishing.values(), *self.receiving.values()]
        self.client, self.view = None, None
        self.publishing, self.receiving, self.published = {}, {}, {}
        self.received, self._offered = {}, {}
        await asyncio.gather(client.close(), *(pc.close() for pc in connections))

    async def _take(self, client: ProtocolClient, event: p.AnyEvent) -> None:
        if isinstance(event, p.Admitted):
            await self._enter(client, event.state)
        elif isinstance(event, p.SubscribeOffer):
            await self._answer(client, event)
        elif isinstance(event, p.TrackRemoved):
            self.received.pop(event.track, None)
        elif isinstance(event, p.CodecsChanged):
            await self._republish(client, event.codecs)
        if self.view is not None:
            self.view.apply(event)
        if self._on_event is not None:
            await self._on_event(event)

    async def _enter(self, client: ProtocolClient, state: p.RoomState) -> None:
        self.view = RoomView(state)
        self._now("joined")
        await self._publish_all(client, state.codecs)

    # --- publishing ----------------------------------------------------------------------------

    async def _publish_all(self, client: ProtocolClient, codecs: p.CodecPreferences) -> None:
        if client.welcome is None:
            return
        groups: dict[str, list[Publication]] = {}
        if self._data is not None:
            groups["publish:main"] = []
        for publication in await self._publish(codecs) if self._publish else ():
            name = next(
                group.name
                for group in client.welcome.transports
                if publication.service_class in group.classes
            )
            groups.setdefault(f"publish:{name}", []).append(publication)
        for transport, publications in groups.items():
            await self._publish_on(client, transport, publications)

    async def _publish_on(
        self, client: ProtocolClient, transport: str, publications: list[Publication]
    ) -> None:
        pc = self.publishing[transport] = peer.connection()
        for publication in publications:
            transceiver = pc.addTransceiver(publication.track, direction="sendonly")
            if publication.codec:
                peer.prefer_codec(transceiver, publication.codec)
        if self._data is not None and transport == "publish:main":
            self._data.open_on(pc)
        sdp = await peer.offer(pc)
        media = [
            p.PublishedMedia(
                mid=transceiver.mid or "",
                source=publication.source,
                service_class=publication.service_class,
                label=publication.label,
            )
            for transceiver, publication in zip(pc.getTransceivers(), publications, strict=True)
        ]
        request = p.Publish(id=0, transport=transport, sdp=sdp, media=media)
        published = await _insist(client, request, p.Published)
        await peer.take_answer(pc, published.sdp)
        sources = {described.mid: described.source for described in media}
        self.published |= {track.track: sources[track.mid] for track in published.tracks}
        self._watch(client, transport, pc)

    async def _republish(self, client: ProtocolClient, codecs: p.CodecPreferences) -> None:
        """An encoded track cannot change its codec: close, and publish what the room takes now."""
        sent = {
            codec.name.lower()
            for pc in self.publishing.values()
            for sender in pc.getTransceivers()
            if sender.kind == "video"
            for codec in sender._codecs[:1]
        }
        if sent <= {codec.lower() for codec in codecs.video}:
            return
        await self._publish_anew(client, codecs)

    async def _publish_anew(self, client: ProtocolClient, codecs: p.CodecPreferences) -> None:
        gone, self.publishing, self.published = self.publishing, {}, {}
        for transport, pc in gone.items():
            await pc.close()
            await _insist(client, p.ResetTransport(id=0, transport=transport), p.Ok)
        await self._publish_all(client, codecs)

    # --- receiving -----------------------------------------------------------------------------

    async def _answer(self, client: ProtocolClient, offer: p.SubscribeOffer) -> None:
        tracks = {track.mid: track.track for track in offer.tracks}
        known = self._offered.get(offer.transport, {})
        if any(known.get(mid, track) != track for mid, track in tracks.items()):
            # aiortc starts a receiver once, for the SSRC it had then: take everything afresh.
            await self._reset_receiving(client, offer.transport)
            return
        self._offered[offer.transport] = known | tracks
        pc = self.receiving.get(offer.transport)
        if pc is None:
            pc = self.receiving[offer.transport] = peer.connection()
            pc.on("track", lambda track: self._receive(offer.transport, track))
            self._watch(client, offer.transport, pc)
        request = p.SubscribeAnswer(
            id=0,
            transport=offer.transport,
            revision=offer.revision,
            sdp=await peer.answer(pc, offer.sdp),
        )
        try:
            await _insist(client, request, p.Ok)
        except RequestError as error:
            if error.code != "conflict":  # a newer offer is on its way
                raise

    def _receive(self, transport: str, track: MediaStreamTrack) -> None:
        pc = self.receiving[transport]
        transceiver = next(t for t in pc.getTransceivers() if t.receiver.track is track)
        name = self._offered[transport][transceiver.mid or ""]
        reception = self.received[name] = Reception(name, track.kind)
        if self._decode:
            self._spawn(count_decoded(track, reception))
        else:
            count_encoded(transceiver.receiver, reception)

    async def _reset_receiving(self, client: ProtocolClient, transport: str) -> None:
        pc = self.receiving.pop(transport, None)
        for track in self._offered.pop(transport, {}).values():
            self.received.pop(track, None)
        if pc is not None:
            await pc.close()
        await _insist(client, p.ResetTransport(id=0, transport=transport), p.Ok)

    # --- both ----------------------------------------------------------------------------------

    def _watch(self, client: ProtocolClient, transport: str, pc: RTCPeerConnection) -> None:
        """A connection that fails is built again, while the session lives."""

        @pc.on("connectionstatechange")
        def changed() -> None:
            self._changed.set()
            if pc.connectionState in ("failed", "closed"):  # closed: no consent for 30 s
                self._spawn(self._rebuild(client, transport, pc))

    async def _rebuild(self, client: ProtocolClient, transport: str, pc: RTCPeerConnection) -> None:
        log.info("the media connection %s failed; building it again", transport)
        if self.receiving.get(transport) is pc:
            await self._reset_receiving(client, transport)
        elif self.publishing.get(transport) is pc and self.view is not None:
            await self._publish_anew(client, self.view.codecs)

    def _now(self, state: State) -> None:
        self.state = state
        self._changed.set()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _insist(client: ProtocolClient, request: p.AnyRequest, answer: type[AnswerT]) -> AnswerT:
    """Ask again after a resume; only for what may be done twice."""
    while True:
        try:
            return await client.request(request, answer)
        except (ConnectionLost, TimeoutError):
            log.debug("asking again after a dropped socket")


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except (ConnectionError, RequestError, TimeoutError) as error:
        log.info("given up: %s", error)
