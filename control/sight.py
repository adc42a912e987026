"""What the operator knows of the robot, and how old that is; all on the robot's own clock.

The round trip: since the robot sent the newest observation that a command answers. The picture's
age: since the frame was captured whose RTP timestamp a command names. What is not known is not
guessed: a frame or observation that the robot does not remember has no age, and nothing moves.
"""

from __future__ import annotations

from collections import OrderedDict

FRAMES_MAX = 512  # eight seconds at 60 a second
OBSERVATIONS_MAX = 512  # five seconds


class Sight:
    """Of one lease."""

    def __init__(self) -> None:
        self._frames: OrderedDict[int, int] = OrderedDict()
        self._sent: OrderedDict[int, int] = OrderedDict()

    def frame(self, rtp: int, captured_us: int) -> None:
        """A frame was captured, and goes out with this timestamp."""
        _remember(self._frames, rtp, captured_us, FRAMES_MAX)

    def sent(self, sequence: int, now_us: int) -> None:
        """An observation goes out."""
        _remember(self._sent, sequence, now_us, OBSERVATIONS_MAX)

    def granted(self) -> None:
        """Whoever has control now has answered nothing yet. The frames go on."""
        self._sent.clear()

    def forget(self) -> None:
        """The clock has leaped: no time from before means anything."""
        self._sent.clear()
        self._frames.clear()

    def round_trip_us(self, seen_sequence: int, now_us: int) -> int | None:
        """For a command that comes now."""
        return _age(self._sent, seen_sequence, now_us)

    def picture_age_us(self, seen_rtp: int | None, now_us: int) -> int | None:
        """Of a frame that she was looking at when she sent her last command."""
        return None if seen_rtp is None else _age(self._frames, seen_rtp, now_us)


def _remember(times: OrderedDict[int, int], key: int, at_us: int, most: int) -> None:
    times[key] = at_us
    if len(times) > most:
        times.popitem(last=False)


def _age(times: OrderedDict[int, int], key: int, now_us: int) -> int | None:
    at_us = times.get(key)
    return None if at_us is None or at_us > now_us else now_us - at_us
