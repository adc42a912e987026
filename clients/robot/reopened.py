"""A machine that goes away and comes back: its source is opened again, as often as it takes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import msgspec

from clients.backoff import Backoff
from clients.robot.source import WAIT_S, WHOLE, Picture, Pose, Source, SourceLost
from control.orders import Imaging
from control.vectors import Vector

log = logging.getLogger(__name__)

FIRST_S, LONGEST_S = 0.25, 5.0


class Reopened:
    """A source that never ends: while it is lost, no picture comes.

    A picture that was frozen is gone with the machine's connection, so the knob springs back.
    """

    def __init__(self, opened: Callable[[], Source]) -> None:
        """Raises SourceLost when it cannot be had the first time: most likely a wrong address."""
        self._open = opened
        self._source: Source | None = opened()
        self._imaging = WHOLE  # wanted, or as it stood last
        self._backoff = Backoff(FIRST_S, LONGEST_S)
        self._due_s = 0.0
        self._told = False
        self._closed = threading.Event()
        self._lock = threading.Lock()  # of `_source` and `_closed` together

    @property
    def imaging(self) -> Imaging:
        source = self._source
        return source.imaging if source else self._imaging

    def adjust(self, imaging: Imaging) -> None:
        self._imaging = imaging
        if source := self._source:
            source.adjust(imaging)

    def follow(self, pose: Pose, force: Vector) -> None:
        if source := self._source:
            source.follow(pose, force)

    def next(self) -> Picture | None:
        source = self._source or self._again()
        if source is None:
            return None
        try:
            picture = source.next()
        except SourceLost as lost:
            self._imaging, self._source = source.imaging, None
            source.close()
            self._wait(lost)
            return None
        if picture and self._told:
            self._told = False
            log.info("the ultrasound machine gives pictures again")
        if picture:
            self._backoff.reset()
        return picture

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            if self._source:
                self._source.close()

    def _again(self) -> Source | None:
        """None: it is not time yet, or it cannot be had."""
        wait_s = self._due_s - time.monotonic()
        if wait_s > 0:
            self._closed.wait(min(wait_s, WAIT_S))
            return None
        try:
            source = self._open()
        except SourceLost as lost:
            self._wait(lost)
            return None
        source.adjust(msgspec.structs.replace(self._imaging, frozen=False))
        with self._lock:
            self._source = source
            if self._closed.is_set():
                source.close()
        return source

    def _wait(self, lost: SourceLost) -> None:
        if not self._told:
            self._told = True
            log.warning("the ultrasound machine gives no pictures: %s", lost)
        self._due_s = time.monotonic() + self._backoff.next_s()
