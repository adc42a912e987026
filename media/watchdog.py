"""Ends the process when a plane's thread is stuck, so that it is started again with ears.

A thread of its own, because the event loop waits for the plane's lock soon after the plane is
stuck. It counts its own looks instead of seconds: when the whole process was stopped for a while,
nothing is wrong.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from ._plane import Plane

LOOK_EVERY_S = 1.0
LOOKS_MAX = 10  # a plane turns a hundred times a second
FAILED = 70  # EX_SOFTWARE, as in plane/worker.h

log = structlog.get_logger("distal.media")


class Watchdog:
    """Looks at these planes until it is stopped."""

    def __init__(self, planes: Sequence[Plane]) -> None:
        self._planes = planes
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="plane-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        seen = [(plane.turns, 0) for plane in self._planes]
        while not self._stopped.wait(LOOK_EVERY_S):
            for n, plane in enumerate(self._planes):
                turns, still = seen[n]
                now = plane.turns
                seen[n] = (now, 0 if now != turns or plane.closed else still + 1)
                if seen[n][1] >= LOOKS_MAX:
                    log.critical("media_thread_stuck", port=plane.port)
                    os._exit(FAILED)
