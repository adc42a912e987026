"""SCTP that holds nothing back: what it takes leaves at once, or it is not `ready`.

The one place that leans on the private names of aiortc's SCTP (pinned by
`tests/media/test_private_names.py`). It adds what a relay for strangers needs: bounds on what a
peer may make it keep, and an answer to "would a message leave now, and not wait in the network?".
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport, SackChunk

# RFC 9260's second is for strangers on the internet of 1980; libwebrtc's dcSCTP has these. The
# least must be above the 200 ms that a peer may take to acknowledge a single packet.
RTO_INITIAL_S = 0.5
RTO_MIN_S = 0.4
RTO_MAX_S = 3.0
# What stands in the network on our account: once acknowledgements are so much later than they
# have been on a free path, nothing more is sent until one comes.
QUEUED_MAX_S = 0.05
LEAST_DELAY_S = 60.0
# A peer that waits to acknowledge a single packet acknowledges the second one at once.
UNACKNOWLEDGED_MIN = 2

STREAMS_MAX = 1024  # browsers use the numbers below
RECEIVED_MAX = 256 * 1024  # octets of unfinished messages; sixteen of the longest
MISORDERED_MAX = 1024  # packets received ahead of a missing one


class LeastDelay:
    """The least of what was measured lately: between one and two times LEAST_DELAY_S."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._before: float | None = None
        self._now: float | None = None

    def add(self, delay_s: float, now_s: float) -> None:
        if self._now is None or now_s - self._began_s > LEAST_DELAY_S:
            self._began_s, self._before, self._now = now_s, self._now, delay_s
        self._now = min(self._now, delay_s)

    @property
    def value(self) -> float | None:
        known = [one for one in (self._before, self._now) if one is not None]
        return min(known, default=None)


class BoundedSctp(RTCSctpTransport):
    """`on_ready` is called whenever `ready` may have become true again."""

    def __init__(self, dtls: RTCDtlsTransport) -> None:
        super().__init__(dtls)
        self.on_ready: Callable[[], None] | None = None
        self._rto = RTO_INITIAL_S
        self._advertised_rwnd = RECEIVED_MAX
        self._inbound_streams_max = STREAMS_MAX
        self._least_delay = LeastDelay()

    @property
    def ready(self) -> bool:
        """Whether a message handed over now leaves now."""
        return (
            self._association_state == self.State.ESTABLISHED
            and not self._data_channel_queue
            and not self._outbound_queue
            and self._flight_size < self._cwnd
            and not self._overdue()
        )

    def hand_over(self, stream: int, protocol: int, data: bytes, reliable: bool) -> None:
        """Send one message now. Raises ConnectionError when the association is gone.

        Nothing below awaits anything: a plane's sending never blocks. So no task is needed, and
        messages that come together leave together.
        """
        retransmits = None if reliable else 0
        sending = self._send(stream, protocol, data, max_retransmits=retransmits, ordered=reliable)
        try:
            sending.send(None)
        except StopIteration:
            return
        sending.close()
        raise RuntimeError("aiortc's SCTP waits in the midst of sending")

    def _overdue(self) -> bool:
        """Whether what is under way stands in a queue, judged before its acknowledgement comes.

        A packet that a later one has overtaken is lost, and says nothing of the queue.
        """
        least = self._least_delay.value
        if least is None:
            return False
        under_way, oldest_s = 0, 0.0
        for chunk in reversed(self._sent_queue):
            if chunk._acked:
                break
            under_way += 1
            oldest_s = chunk._sent_time or 0.0
        return under_way >= UNACKNOWLEDGED_MIN and time.time() - oldest_s > least + QUEUED_MAX_S

    def _update_rto(self, R: float) -> None:
        super()._update_rto(R)
        if self._srtt is not None and self._rttvar is not None:
            self._rto = max(RTO_MIN_S, min(self._srtt + 4 * self._rttvar, RTO_MAX_S))
        self._least_delay.add(R, time.monotonic())

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        await super()._receive_sack_chunk(chunk)
        self._maybe_ready()

    def _t3_expired(self) -> None:
        super()._t3_expired()
        self._maybe_ready()

    def _maybe_ready(self) -> None:
        if self.on_ready is not None:
            self.on_ready()

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        if (
            chunk.stream_id >= STREAMS_MAX
            or self._advertised_rwnd < 0
            or len(self._sack_misordered) > MISORDERED_MAX
        ):
            await self.stop()  # it does not keep to what it was told
            return
        await super()._receive_data_chunk(chunk)

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        """A message that cannot be read is dropped; aiortc would end the whole transport."""
        try:
            await super()._receive(stream_id, pp_id, data)
        except (AssertionError, UnicodeError, struct.error):
            return
