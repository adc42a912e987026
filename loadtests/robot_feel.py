"""`python -m loadtests.robot_feel`: does a hand that feels the body through a network keep still?

In virtual time, on the code that runs at a site and at a console (control/, clients/console/, the
arm and the breathing body of loadtests/robot_faults/world.py): a hand on a haptic device, a mass
that muscles pull to where it wants to be, presses the probe onto the body and wants to stay there.
Network: 20 ms of jitter and 2 % of loss each way beside the round trip. Judged: how much the hand
still swings in the last seconds, above 1 Hz (it feels the breath, and that is as it should be), and
the energy that it has got out of the network at any moment, which the store bounds. The same hand
without passivity and drag shows what they are good for. The last line is JSON
(`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clients.console.device import SimulatedHand
from control.feel import Feel
from control.governor import Governor
from control.messages import Command, Flag, Mode, encode
from control.passivity import STORE_MAX_J
from control.vectors import ZERO, Vector, dot, length, minus
from loadtests import verdict
from loadtests.robot_faults.hand import Hand
from loadtests.robot_faults.world import STEP_US, World

ROUND_TRIPS_MS = (0, 50, 100, 150, 200, 250, 350)
GOVERNED_MS = 300  # beyond it there is no force in the hand at all
JITTER_MS, LOSS = 20.0, 0.02
SECONDS, LAST_S = 16.0, 6.0
PRESS_S, DEPTH_M, DOWN_M_S = 2.0, 0.11, 0.03
SWING_MAX_M = 0.0005  # RMS, at the end
BREATH_HZ = 1.0  # the body's own motion is below
LOOPS = 2  # of the device in a step of the world: a thousand a second


class Bare(Feel):
    """For comparison: the force goes to the hand as it comes, without passivity and drag."""

    def __init__(self) -> None:
        super().__init__(drag_n_s_m=0.0)
        self.passivity.show = lambda force, moved, velocity, step_s: force  # type: ignore[method-assign]


def presses(seconds: float) -> Vector:
    """Where the hand wants to be: down onto the body, and there it stays."""
    return 0.0, 0.0, -min(max(seconds - PRESS_S, 0.0) * DOWN_M_S, DEPTH_M)


class FeelingHand(Hand):
    """A hand with a device, in the world's time."""

    def __init__(self, feel: Feel) -> None:
        super().__init__("ann", 1)
        self.now_us = 0
        self.feel = feel
        self.device = SimulatedHand(presses)
        self.given_j = self.most_j = 0.0  # out of the network; the most at any moment
        self.path: list[tuple[float, float, float]] = []  # s, m, N
        self._sent: dict[int, int] = {}
        self._governor = Governor()
        self._round_trip_us: int | None = None

    def granted(self, epoch: int, key: bytes) -> None:
        super().granted(epoch, key)
        self._sent.clear()

    def see(self, data: bytes) -> None:
        before = self.seen
        super().see(data)
        if self.seen is None or self.seen is before:
            return
        self.feel.observe(self.seen, self.now_us)
        if (sent_us := self._sent.get(self.seen.applied_sequence)) is not None:
            self._round_trip_us = self.now_us - sent_us - self.seen.applied_age_us

    def advance(self, now_us: int) -> None:
        """The device's loop, up to now."""
        self.now_us = now_us
        step_s = STEP_US / 1e6 / LOOPS
        for _ in range(LOOPS):
            self.device.deadman = self.held
            hand = self.device.read()
            before = hand.position
            rule = self._governor.look(self._round_trip_us, 0, now_us)
            force = self.feel.step(hand, rule, now_us, step_s)
            self.device.show(force, step_s)
            self.given_j += dot(force, minus(self.device.position, before))
            self.most_j = max(self.most_j, self.given_j)
        self.path.append((now_us / 1e6, self.device.position[2], length(self.feel.shown)))

    def send(self, now_us: int) -> bytes | None:
        wish = self.feel.wish()
        if self.epoch == 0 or self.seen is None or wish is None:
            return None
        self.sequence += 1
        self._sent[self.sequence] = now_us
        sees = Flag.SEES if self.rtp is not None else Flag(0)
        command = Command(
            wish.flags | sees, self.epoch, self.sequence, now_us, self.seen.sequence,
            self.rtp or 0, wish.position, wish.orientation, wish.velocity, ZERO, wish.energy_j,
        )  # fmt: skip
        return encode(command, self.key)


class FeelWorld(World):
    """The world, with a device that runs through."""

    def _consoles(self) -> None:
        hand = self.hands[0]
        if isinstance(hand, FeelingHand):
            hand.advance(self.now_us)
        super()._consoles()


class Felt(NamedTuple):
    """One run."""

    swing_m: float  # RMS above the breath's frequency, at the end
    force_n: float  # at the end, in the hand
    contact_max_n: float
    hard_n: float
    given_most_j: float
    followed: float


def run(round_trip_ms: float, seed: int, feel: Feel) -> Felt:
    """One press."""
    world = FeelWorld(seed, "abdomen", round_trip_ms / 2, JITTER_MS, LOSS)
    hand = FeelingHand(feel)
    world.hands[0] = hand
    world.later(0.1, lambda w: w.grant(0))
    world.later(1.0, lambda w: w.hold(0, True))
    world.run(SECONDS)
    path = np.array(hand.path)
    last = path[path[:, 0] > SECONDS - LAST_S]
    rows = np.array(world.rows)
    end = rows[rows[:, 0] > SECONDS - LAST_S]
    return Felt(
        swing(last[:, 1], STEP_US / 1e6),
        float(last[:, 2].mean()),
        float(rows[:, 8].max()),
        world.preset.limits.hard_n,
        hand.most_j,
        float((end[:, -2] == Mode.FOLLOWING).mean()),
    )


def swing(path: NDArray[np.float64], step_s: float) -> float:
    """What of a motion is faster than breath: RMS, in its unit."""
    slope = np.linspace(path[0], path[-1], len(path))  # or its ends would ring
    parts = np.fft.rfft(path - slope)
    parts[np.fft.rfftfreq(len(path), step_s) < BREATH_HZ] = 0
    return float(np.std(np.fft.irfft(parts, len(path))))


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.robot_feel", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--round-trips", default=",".join(map(str, ROUND_TRIPS_MS)), help="ms")
    chosen = parser.parse_args(arguments)
    rows = [
        "| round trip, ms | | swing, mm RMS | force in the hand, N | most on the body, N "
        "| most out of the network, mJ |",
        "|---:|---|" + "---:|" * 4,
    ]
    print("\n".join(rows))
    bars, numbers = [], {}
    for round_trip_ms in map(int, chosen.round_trips.split(",")):
        for name, kind in (("passive", Feel), ("bare", Bare)):
            runs = [run(round_trip_ms, seed, kind()) for seed in range(1, chosen.seeds + 1)]
            worst = {field: max(getattr(one, field) for one in runs) for field in Felt._fields}
            rows.append(
                f"| {round_trip_ms} | {name} | {1000 * worst['swing_m']:.2f} "
                f"| {runs[0].force_n:.1f} "
                f"| {worst['contact_max_n']:.1f} | {1000 * worst['given_most_j']:.1f} |"
            )
            print(rows[-1], flush=True)
            numbers[f"{round_trip_ms} ms, {name}"] = worst
            if name == "passive":
                held = (
                    worst["swing_m"] <= SWING_MAX_M
                    and worst["given_most_j"] <= STORE_MAX_J + 1e-9
                    and worst["contact_max_n"] <= worst["hard_n"]
                )
                bars.append(
                    verdict.Bar(
                        f"force reflection at {round_trip_ms} ms of round trip",
                        f"swing ≤ {1000 * SWING_MAX_M:g} mm, energy bounded",
                        f"{1000 * worst['swing_m']:.2f} mm, {1000 * worst['given_most_j']:.1f} mJ",
                        held,
                    )
                )
    print(verdict.line("Force reflection", bars, numbers, markdown="\n".join(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
