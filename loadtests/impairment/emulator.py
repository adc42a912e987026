"""The emulator as tests use it: `with Emulator(("127.0.0.1", 10000), "4g_moving") as network:`."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from loadtests import _impairment
from loadtests.impairment.profiles import PROFILES, Profile
from loadtests.impairment.timeline import Direction, During, changes

SEED_MAX = (1 << 62) - 1
SECONDS_MAX = 86_400.0
CLIENTS_MAX = 1024  # descriptors
COUNTS = (
    "arrived", "delivered", "delivered_bytes", "dropped_queue", "dropped_outage", "dropped_full",
    "lost_random", "lost_burst", "duplicated", "reordered",
)  # fmt: skip


class Emulator:
    """A UDP relay to the server at `to`; clients send to `address`. Loopback only.

    One access network: all clients share its two links. Ends by itself after `seconds`. `during`
    counts from the start, or from the moment when `play` gives other spans.
    """

    def __init__(
        self,
        to: tuple[str, int],
        profile: Profile | str = "none",
        *,
        seed: int = 1,
        during: Sequence[During] = (),
        listen: tuple[str, int] = ("127.0.0.1", 0),
        seconds: float = 600.0,
        clients: int = 64,
    ) -> None:
        if not 0 <= seed <= SEED_MAX:
            raise ValueError(f"seed must be within 0 to {SEED_MAX}, not {seed}")
        if not 0 < seconds <= SECONDS_MAX:
            raise ValueError(f"seconds must be within 0 to {SECONDS_MAX}, not {seconds}")
        if not 1 <= clients <= CLIENTS_MAX:
            raise ValueError(f"clients must be within 1 to {CLIENTS_MAX}, not {clients}")
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.seed = seed
        self.seconds = seconds
        self._native = _impairment.Emulator(
            listen=listen,
            to=to,
            up=self.profile.up.numbers(),
            down=self.profile.down.numbers(),
            seed=seed,
            max_clients=clients,
            lifetime_ns=round(seconds * 1e9),
        )
        self.address = (listen[0], self._native.port)
        self.play(during)

    def __enter__(self) -> Emulator:
        self._native.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._native.stop()

    @property
    def running(self) -> bool:
        return self._native.running

    @property
    def realtime(self) -> bool:
        """Its thread runs before all ordinary ones; the right to that is root's."""
        return self._native.realtime

    def play(self, during: Sequence[During] = ()) -> None:
        """Begin the profile's own changes and these spans now, instead of what was planned."""
        spans = [*self.profile.spans(self.seed, self.seconds), *during]
        now_ns = self._native.now_ns
        self._native.schedule(
            up=changes(self.profile.up, spans, "up", now_ns),
            down=changes(self.profile.down, spans, "down", now_ns),
        )

    def roam(self) -> None:
        """The server sees every client at another port from now on, as when one leaves his Wi-Fi.

        Raises OSError when there is no port left.
        """
        self._native.roam()

    def counts(self) -> _impairment.EmulatorCounts:
        return self._native.counts()

    def queue_ms(self, direction: Direction) -> float:
        """How long a packet that came now would wait for its turn."""
        return self._native.queue_ns(direction == "up") / 1e6

    def lateness_us(self, *percentiles: float) -> list[int]:
        """How late packets left after the moment that their link had given them."""
        return of_histogram(self._native.lateness(), percentiles)

    def report(self) -> dict[str, Any]:
        """Everything counted, as plain numbers."""
        counts = self.counts()
        late = self.lateness_us(50, 99, 100)
        return {
            **{
                direction: {name: getattr(link, name) for name in COUNTS}
                for direction, link in (("up", counts.up), ("down", counts.down))
            },
            "clients": counts.clients,
            "refused": counts.refused,
            "oversized": counts.oversized,
            "send_errors": counts.send_errors,
            "late_us": dict(zip(("p50", "p99", "max"), late, strict=True)),
            "realtime": self.realtime,
        }


def of_histogram(counts: Sequence[int], percentiles: Sequence[float]) -> list[int]:
    """The places in a histogram below which these shares of its entries lie; 0 if it is empty."""
    sums = list(itertools.accumulate(counts))
    return [bisect.bisect_left(sums, max(1, sums[-1] * p / 100)) if sums[-1] else 0
            for p in percentiles]  # fmt: skip
