"""Who is speaking: the loudest microphone, with enough hysteresis that a cough takes nothing over.

Levels come in as dBov (0 the loudest, -127 silence) with the time; nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping

SPEECH_DBOV = -50.0  # above it somebody speaks; a quiet room is around -65
LOUDER_DB = 6.0  # clearly louder than the present speaker
TAKE_OVER_S = 0.6  # for so long; a cough is over
PAUSE_S = 1.0  # after such a silence the word is anybody's


class SpeakerChoice:
    """`current` is the speaker; he stays through silence, until he leaves or another speaks."""

    def __init__(self) -> None:
        self.current: str | None = None
        self._heard_at = 0.0  # when the current speaker last spoke
        self._challenger: tuple[str, float] | None = None  # who, and since when

    def update(self, levels: Mapping[str, float | None], now: float) -> bool:
        """Take the levels of all who are present; True when the speaker has changed."""
        speaking = {
            who: level for who, level in levels.items() if level is not None and level > SPEECH_DBOV
        }
        before = self.current
        if self.current not in levels:
            self.current = None
        if self.current in speaking:
            self._heard_at = now
        loudest = max(speaking, key=lambda who: (speaking[who], who), default=None)
        if loudest is None or loudest == self.current:
            self._challenger = None
        elif self._is_free(now):
            self._take(loudest, now)
        elif speaking[loudest] - self._level(speaking) < LOUDER_DB:
            self._challenger = None
        elif self._challenger is None or self._challenger[0] != loudest:
            self._challenger = (loudest, now)
        elif now - self._challenger[1] >= TAKE_OVER_S:
            self._take(loudest, now)
        return self.current != before

    def _is_free(self, now: float) -> bool:
        return self.current is None or now - self._heard_at >= PAUSE_S

    def _level(self, speaking: Mapping[str, float]) -> float:
        return speaking.get(self.current or "", SPEECH_DBOV - LOUDER_DB)

    def _take(self, who: str, now: float) -> None:
        self.current = who
        self._heard_at = now
        self._challenger = None
