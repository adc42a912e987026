"""A machine's pictures as a track, and the RTP timestamp of each, which commands refer to.

While the machine gives none, the track shows its last one darkened and crossed out: a picture that
stands still must not pass for a live one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from aiortc import MediaStreamTrack, RTCRtpSender

from clients.robot.source import Picture, Pixels, Source, now_us

CLOCK_HZ = 90_000  # of RTP
GREY = 128  # both colour planes of a grey picture
STAMPS = 2**32
STILL_S = 0.5
LOST_US = 500_000  # without a picture, frozen or not


class Pictures:
    """Reads a source in a thread of its own; of what comes only the newest waits."""

    def __init__(self, source: Source) -> None:
        self.newest: Picture | None = None
        self._heard_us = 0
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._came = asyncio.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """The source gives nothing, not even what is frozen."""
        return now_us() - self._heard_us > LOST_US

    async def next(self, after_us: int) -> Picture:
        """The newest, once there is one that was captured later than that."""
        while self.newest is None or self.newest.captured_us <= after_us:
            self._came.clear()
            await self._came.wait()
        return self.newest

    def close(self) -> None:
        self._ended.set()
        self._source.close()

    def _read(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: everything ends
            while not self._ended.is_set():
                if picture := self._source.next():
                    self._loop.call_soon_threadsafe(self._put, picture)

    def _put(self, picture: Picture) -> None:
        self.newest, self._heard_us = picture, now_us()
        self._came.set()


class PictureTrack(MediaStreamTrack):
    """`sent(rtp, captured_us)` is called for each picture, before it is encoded."""

    kind = "video"

    def __init__(self, pictures: Pictures, sent: Callable[[int, int], None]) -> None:
        super().__init__()
        self.sender: RTCRtpSender | None = None  # set once it is published
        self._pictures = pictures
        self._sent = sent
        self._first_us: int | None = None
        self._last_us = self._before_us = 0
        self._stamp: int | None = None  # of the picture before, without the sender's origin

    async def recv(self) -> av.VideoFrame:
        picture, at_us = await self._next()
        if self._first_us is None:
            self._first_us = at_us
        stamp = (at_us - self._first_us) // 100 * 9  # whole in µs too, in which PyAV counts
        origin = self._origin()
        self._stamp = stamp
        if origin is not None and at_us == picture.captured_us:
            self._sent((origin + stamp) % STAMPS, at_us)
        frame = as_frame(picture.pixels)
        frame.pts, frame.time_base = stamp, Fraction(1, CLOCK_HZ)
        return frame

    async def _next(self) -> tuple[Picture, int]:
        """A picture and its time. What is frozen, or lost, is shown again now and then, to those
        who come later; its time is then nobody's capture, and who looks at it is blind."""
        while True:
            try:
                picture = await asyncio.wait_for(self._pictures.next(self._last_us), STILL_S)
                at_us = self._last_us = picture.captured_us
            except TimeoutError:
                if self._pictures.newest is None:
                    continue
                picture, at_us = self._pictures.newest, now_us()
                if self._pictures.lost:
                    picture = picture._replace(pixels=crossed_out(picture.pixels))
            if at_us > self._before_us:
                self._before_us = at_us
                return picture, at_us

    def _origin(self) -> int | None:
        """What aiortc's sender adds: it has sent the picture before whole when it asks for this."""
        if self.sender is None or self._stamp is None:
            return None
        last: int = self.sender._RTCRtpSender__rtp_timestamp  # type: ignore[attr-defined]
        return last - self._stamp


def crossed_out(pixels: Pixels) -> Pixels:
    """Dark, under a cross from corner to corner."""
    dark = np.ascontiguousarray(pixels // 3)
    height, width = dark.shape[:2]
    thick = max(height // 60, 2)
    for left, right in ((0, width - 1), (width - 1, 0)):
        cv2.line(dark, (left, 0), (right, height - 1), (255, 255, 255), thick, cv2.LINE_AA)
    return dark


def as_frame(pixels: Any) -> av.VideoFrame:
    """A grey (H, W) or BGR (H, W, 3) picture; odd edges are cut off."""
    pixels = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
    if pixels.ndim == 3:
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgr24")
    height, width = pixels.shape
    planes = np.full((height * 3 // 2, width), GREY, np.uint8)
    planes[:height] = pixels
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")
