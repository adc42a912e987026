"""Whatever comes in whatever order, a step gives a motion that is within the limits."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from control.errors import LeaseRefused
from control.messages import Flag, Mode
from control.vectors import at_most, dot, finite, length
from tests.control.bench import HELD, OTHER_KEY, UP, Bench

wild = st.floats(allow_nan=True, allow_infinity=True)
near = st.floats(-0.05, 0.05)


class Anything(RuleBasedStateMachine):
    """A site where everything goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.bench.grant()
        self.limits = self.bench.robot.preset.limits

    @rule(steps=st.integers(1, 60))
    def time(self, steps: int) -> None:
        for _ in range(steps):
            self.bench.step()
            self.check()

    @rule(held=st.booleans(), clutch=st.booleans(), by=st.tuples(near, near, near))
    def hand(self, held: bool, clutch: bool, by: tuple[float, float, float]) -> None:
        bench = self.bench
        if bench.seen:
            here = bench.seen.position
            bench.aim(at_most((here[0] + by[0], here[1] + by[1], here[2] + by[2]), 9.0))
        bench.hold((HELD if held else Flag.SEES) | (Flag.CLUTCH if clutch else Flag(0)))

    @rule(films=st.booleans(), sends=st.booleans(), sees=st.booleans())
    def network(self, films: bool, sends: bool, sees: bool) -> None:
        self.bench.films, self.bench.sends, self.bench.sees = films, sends, sees

    @rule(force=st.tuples(wild, wild, wild))
    def sensor(self, force: tuple[float, float, float]) -> None:
        self.bench.stuck = force
        self.bench.step()
        self.check()
        self.bench.stuck = None

    @rule(leap=st.integers(-(10**8), 10**8))
    def clock(self, leap: int) -> None:
        self.bench.now_us += leap

    @rule(data=st.binary(max_size=120))
    def noise(self, data: bytes) -> None:
        assert not self.bench.robot.command(data, self.bench.now_us)

    @rule(clears=st.booleans())
    def grant(self, clears: bool) -> None:
        if clears:
            self.bench.robot.clear(self.bench.now_us)
        self.bench.key = OTHER_KEY
        with suppress(LeaseRefused):
            epoch = self.bench.robot.grant("bob", OTHER_KEY, self.bench.now_us).epoch
            self.bench.hand = replace(self.bench.hand, epoch=epoch, sequence=0)

    @rule(what=st.sampled_from(["stop", "take_back", "release"]))
    def end(self, what: str) -> None:
        robot = self.bench.robot
        if what == "stop":
            robot.stop(self.bench.now_us, "operator")
        elif what == "release":
            robot.release(self.bench.now_us)
        else:
            robot.take_back(self.bench.now_us)

    def check(self) -> None:
        robot, (linear, turning) = self.bench.robot, self.bench.motion
        assert finite(linear, turning)
        assert length(linear) <= self.limits.speed_m_s + 1e-9
        assert -dot(linear, UP) <= self.limits.inward_m_s + 1e-9
        if robot.mode is not Mode.FOLLOWING:
            assert dot(linear, UP) >= 0
            assert math.hypot(linear[0], linear[1]) < 1e-9
            assert length(turning) < 1e-9
        else:
            assert robot.lease.grant is not None
            assert robot.lease.deadman
            assert not robot.stopped

    @invariant()
    def events_are_bounded(self) -> None:
        assert len(self.bench.robot.drain()) <= 512


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
