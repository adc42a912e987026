"""One subscribing transport of one participant: which tracks he gets, and the offers for them.

Invariant: at most one offer is unanswered. A change meanwhile waits for the answer. An answer that
does not come in time, or got lost with a socket, is asked for again with a new revision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from media.contract import (
    CapacityError,
    MediaError,
    Place,
    SdpError,
    Shortage,
    SubscribeTransport,
    SubscriptionStats,
    TransportState,
)
from signaling import protocol as p
from signaling.layers import layer_for
from signaling.publisher import LiveTrack
from signaling.refusal import Refused
from signaling.tasks import Tasks

log = logging.getLogger(__name__)

REPEATS = 3  # then the client has other troubles, and says so by resetting the transport


class Subscriber:
    """Opened when the first track of its group is wanted."""

    def __init__(
        self,
        group: str,
        place: Place,
        answer_s: float,
        send: Callable[[p.Event], None],
        tasks: Tasks,
    ) -> None:
        self.group = group
        self.transport: SubscribeTransport | None = None
        self.revision = 0
        self.qualities: dict[str, p.ViewQuality] = {}  # high where it is silent
        self._asked: dict[str, bool] = {}  # on or off, by his own word
        self._hidden: frozenset[str] = frozenset()  # off unless he asks
        self._pinned: set[str] = set()
        self._told: dict[str, Shortage] = {}  # what he knows of; none where it is silent
        self._place = place
        self._answer_s = answer_s
        self._send = send
        self._tasks = tasks
        self._wanted: dict[str, LiveTrack] = {}
        self._unanswered = False
        self._changed = False
        self._repeats = 0
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    # --- what the room wants -------------------------------------------------------------------

    def want(self, track: LiveTrack) -> None:
        """From now on he gets this track, as it is coded now."""
        known = self._wanted.get(track.info.id)
        self._wanted[track.info.id] = track
        if known is None or known.info.codec != track.info.codec:
            self._change()

    def unwant(self, track_id: str) -> None:
        """The track has ended, or he may not have it any more."""
        track = self._wanted.pop(track_id, None)
        self._asked.pop(track_id, None)
        self._pinned.discard(track_id)
        self.qualities.pop(track_id, None)
        if track is None:
            return
        if self.transport and track_id in self.transport.subscriptions:
            self.transport.remove(track.media)
        self._change()

    def pause(self, track_id: str, paused: bool) -> bool:
        """Stop or start a track's packets; False when he does not get it anyway."""
        if track_id not in self._wanted:
            return False
        self._asked[track_id] = not paused
        self._apply(track_id)
        return True

    def hide(self, track_ids: frozenset[str]) -> frozenset[str]:
        """Send these only if he asks for them, all others unless he does not want them.

        Returns those for which that is a change.
        """
        changed = self._hidden ^ track_ids
        self._hidden = track_ids
        for track_id in changed:
            self._apply(track_id)
        return changed

    def on(self, track_id: str) -> bool:
        """Whether its packets are to flow."""
        return self._asked.get(track_id, track_id not in self._hidden)

    def prefer(self, track_id: str, quality: p.ViewQuality) -> None:
        """Send the layer that serves this quality, where the track has several."""
        self.qualities[track_id] = quality
        track = self._wanted.get(track_id)
        if track and self.transport and (held := self.transport.subscriptions.get(track_id)):
            held.prefer(layer_for(quality, max(1, len(track.media.rids))))

    def pin(self, track_id: str, pinned: bool) -> None:
        """Let this track be the last to lose quality."""
        (self._pinned.add if pinned else self._pinned.discard)(track_id)
        if self.transport and (held := self.transport.subscriptions.get(track_id)):
            held.pin(pinned)

    def figures(self) -> list[SubscriptionStats]:
        """What the relay counts of all that is on."""
        held = self.transport.subscriptions.items() if self.transport else ()
        return [subscription.stats() for track_id, subscription in held if self.on(track_id)]

    def shortages(self) -> dict[str, Shortage]:
        """What has changed, by track, since he was asked last: of what he is short of room for."""
        held = self.transport.subscriptions if self.transport else {}
        now: dict[str, Shortage] = {
            track_id: shortage
            for track_id, subscription in held.items()
            if subscription.track.kind == "video"
            and self.on(track_id)
            and (shortage := subscription.stats().shortage) != "none"
        }
        told, self._told = self._told, now
        return {
            track_id: now.get(track_id, "none")
            for track_id in {**told, **now}
            if told.get(track_id) != now.get(track_id)
        }

    def layer(self, track_id: str) -> int | None:
        """The layer that he needs of a track; None while he does not get it."""
        track = self._wanted.get(track_id)
        if track is None or not self.on(track_id):
            return None
        return layer_for(self.qualities.get(track_id, "high"), max(1, len(track.media.rids)))

    # --- what the client says ------------------------------------------------------------------

    async def answer(self, revision: int, sdp: str) -> None:
        """Take the answer to the newest offer. Raises Refused."""
        async with self._lock:
            if self.transport is None or not self._unanswered or revision != self.revision:
                raise Refused(
                    "conflict", f"the newest offer has revision {self.revision}", "revision"
                )
            try:
                await self.transport.answer(sdp)
            except SdpError as error:
                raise Refused("bad_sdp", str(error), "sdp") from None
            self._unanswered = False
            self._repeats = 0
            self._stop_timer()
        if self._changed:
            self._change()

    async def reset(self) -> None:
        """His peer connection is lost: begin again on a new transport."""
        async with self._lock:
            self._drop_transport()
        if self._wanted and not self._closed:
            self._change()

    async def restart(self) -> None:
        """His network was away: the same transport, with new credentials. Raises Refused."""
        async with self._lock:
            if self.transport is None or self.transport.state in ("failed", "closed"):
                raise Refused("not_found", "no such transport: reset it", "transport")
            self.transport.restart_ice()
            self._stop_timer()
            self._unanswered = False
            self._repeats = 0
        self._change()

    def again(self) -> None:
        """A socket came back: an answer may have got lost with the old one."""
        self._repeats = 0
        if self._unanswered:
            self._repeat()

    def close(self) -> None:
        """He has left."""
        self._closed = True
        if self._task:
            self._task.cancel()
        self._wanted.clear()
        self._drop_transport()

    # --- below ---------------------------------------------------------------------------------

    def _apply(self, track_id: str) -> None:
        if self.transport and (subscription := self.transport.subscriptions.get(track_id)):
            subscription.pause(not self.on(track_id))

    def _change(self) -> None:
        """Offer soon: changes of one turn of the loop go into one offer."""
        self._changed = True
        if not self._closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._offer())

    async def _offer(self) -> None:
        async with self._lock:
            if self._closed or self._unanswered or not self._changed:
                return
            if self.transport is None and not self._wanted:
                return
            self._changed = False
            try:
                transport = self._fill()
                sdp = await transport.offer()
            except MediaError:
                log.exception("a subscribing transport cannot be offered")
                return
            self._unanswered = True
            self.revision += 1
            self._send(
                p.SubscribeOffer(
                    transport=f"subscribe:{self.group}",
                    revision=self.revision,
                    sdp=sdp,
                    tracks=[
                        p.SubscribedTrack(
                            mid=subscription.mid,
                            track=track_id,
                            participant=self._wanted[track_id].info.participant,
                        )
                        for track_id, subscription in transport.subscriptions.items()
                        if track_id in self._wanted
                    ],
                )
            )
            self._stop_timer()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._answer_s, self._repeat)

    def _fill(self) -> SubscribeTransport:
        """Bring the transport's subscriptions up to what is wanted, as far as it can hold them."""
        if self.transport is None:
            self.transport = self._open()
        for track_id, track in self._wanted.items():
            if track_id in self.transport.subscriptions:
                continue
            try:
                subscription = self.transport.add(track.media)
            except CapacityError:
                log.warning("a subscribing transport is full at %d", len(self._wanted))
                break
            if not self.on(track_id):
                subscription.pause(True)
            if track_id in self._pinned:
                subscription.pin(True)
            if quality := self.qualities.get(track_id):
                subscription.prefer(layer_for(quality, max(1, len(track.media.rids))))
        return self.transport

    def _open(self) -> SubscribeTransport:
        """One that never gets connected is made anew; how one ended that was, his client knows."""
        transport = self._place.open_subscribe(self.group)

        def on_state(state: TransportState) -> None:
            transport.on_state = None
            if state == "failed" and transport is self.transport:
                self._tasks.spawn(self.reset())

        transport.on_state = on_state
        return transport

    def _repeat(self) -> None:
        self._stop_timer()
        if self._repeats < REPEATS:
            self._repeats += 1
            self._unanswered = False
            self._change()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _drop_transport(self) -> None:
        self._stop_timer()
        transport, self.transport = self.transport, None
        self._unanswered = False
        self._changed = False
        if transport:
            transport.on_state = None
            self._tasks.spawn(transport.close())
