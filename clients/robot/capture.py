"""A capture card at the machine's video output, or a film of one, through FFmpeg.

A device counts a picture as captured when it gives it; a file is played at its own pace, for ever.
The knobs stay at the machine; frozen is done here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import av
import av.container

from clients.robot.source import WHOLE, Picture, Pose, SourceLost, frozen_only, now_us
from control.orders import Imaging
from control.vectors import Vector

# FFmpeg shall neither look ahead nor keep pictures back.
DEVICE = {"fflags": "nobuffer", "analyzeduration": "0", "probesize": "32"}


class Capture:
    """`address` is a device (with its `form`at for FFmpeg, for example v4l2) or a file."""

    def __init__(self, address: str, form: str = "") -> None:
        self._address, self._form = address, form
        self._imaging = WHOLE
        self._over = threading.Event()
        self._shown: Picture | None = None
        try:
            if form:
                self._container = av.open(address, format=form, options=DEVICE)
            else:
                self._container = av.open(address)
        except av.FFmpegError as error:
            raise SourceLost(f"{address}: {error}") from error
        if not self._container.streams.video:
            raise SourceLost(f"{address} has no video")
        self._pictures = self._play()

    @property
    def imaging(self) -> Imaging:
        return self._imaging

    def adjust(self, imaging: Imaging) -> None:
        self._imaging = frozen_only(imaging)

    def follow(self, pose: Pose, force: Vector) -> None:
        """A machine on the other side of a cable has its own eyes."""

    def next(self) -> Picture | None:
        try:
            picture = next(self._pictures, None)
        except av.FFmpegError as error:
            raise SourceLost(f"{self._address}: {error}") from error
        if picture is None:
            raise SourceLost(f"{self._address} has ended")
        if not self._imaging.frozen or self._shown is None:
            self._shown = picture
        return self._shown

    def close(self) -> None:
        self._over.set()

    def _play(self) -> Iterator[Picture]:
        """A file again and again, each frame when it is due; a device as it comes."""
        with self._container as container:
            while not self._over.is_set():
                began_s: float | None = None
                for frame in container.decode(video=0):
                    if not self._form:
                        at_s = frame.time or 0.0
                        began_s = time.monotonic() - at_s if began_s is None else began_s
                        self._over.wait(max(began_s + at_s - time.monotonic(), 0.0))
                    if self._over.is_set():
                        return
                    yield Picture(frame.to_ndarray(format="bgr24"), now_us())
                if self._form or began_s is None:
                    return
                container.seek(0)
