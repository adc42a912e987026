"""Counting what aiortc receives: every complete frame, decoded only where somebody looks at it."""

from __future__ import annotations

import asyncio
import queue
from typing import Any

from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError


class Reception:
    """One received track: frames complete after aiortc's jitter buffer, NACK and PLI at work."""

    def __init__(self, track: str, kind: str) -> None:
        self.track = track
        self.kind = kind
        self.frames = 0
        self.octets = 0
        self.timestamp: int | None = None  # RTP, of the newest; not known of what is decoded
        self.width: int | None = None
        self.height: int | None = None

    def count(self, octets: int, timestamp: int | None = None) -> None:
        self.timestamp = timestamp
        self.frames += 1
        self.octets += octets


class _CountingQueue(queue.Queue[Any]):
    """In the place of aiortc's decoder queue: frames are counted, and only its end is passed on."""

    def __init__(self, reception: Reception, stamps: Any) -> None:
        super().__init__()
        self._reception = reception
        self._stamps = stamps  # the frame's own is from the first one on

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is None:
            super().put(None)
        else:
            _codec, frame = item
            self._reception.count(len(frame.data), self._stamps._last)


def count_encoded(receiver: RTCRtpReceiver, reception: Reception) -> None:
    """Count without decoding. Call before the connection starts the receiver."""
    # Private names of aiortc 1.16 (pinned): a bot that decodes HD costs a core for five tracks.
    private: Any = receiver
    stamps = private._RTCRtpReceiver__timestamp_mapper
    private._RTCRtpReceiver__decoder_queue = _CountingQueue(reception, stamps)


async def count_decoded(track: MediaStreamTrack, reception: Reception) -> None:
    """Decode and count until the track ends; notes the size of the picture."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        reception.count(0)
        reception.width = getattr(frame, "width", None)
        reception.height = getattr(frame, "height", None)
        await asyncio.sleep(0)  # a long queue must not hold up the loop
