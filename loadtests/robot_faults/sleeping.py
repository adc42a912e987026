"""A watchdog that is switched off, to see what it is good for."""

from __future__ import annotations

from control.watchdog import Step, Watchdog


class Sleeping(Watchdog):
    """It is still woken by what does not wait for time."""

    def look(self, *_: object) -> Step:
        return self.step

    def rest(self, *_: object) -> None:
        pass
