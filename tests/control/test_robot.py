"""Nobody moves the probe without control, deadman and sight, and it never presses unasked."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from control.errors import LeaseRefused
from control.messages import Cause, Flag, Mode, encode
from control.presets import preset
from control.robot import FORCE_FAR, LEAP_US, NOBODY
from control.vectors import ZERO, length, minus, plus
from tests.control.bench import HELD, KEY, OTHER_KEY, SKIN, UP, Bench


@pytest.fixture
def bench() -> Bench:
    """Following already."""
    bench = Bench()
    bench.engage()
    assert bench.robot.mode is Mode.FOLLOWING
    return bench


def pressing(bench: Bench, force_n: float = 8.0) -> Bench:
    bench.aim((SKIN[0], SKIN[1], SKIN[2] - force_n / 500))
    bench.run(1.5)
    assert bench.pressed_n == pytest.approx(force_n, abs=0.5)
    return bench


def state(bench: Bench) -> tuple[Mode, Cause]:
    return bench.robot.mode, bench.robot.cause


def test_it_goes_where_the_hand_leads(bench: Bench) -> None:
    target = plus(bench.position, (0.04, -0.02, 0.03))
    bench.aim(target)
    bench.run(2)
    assert length(minus(bench.position, target)) < 0.001


def test_a_leading_velocity_leaves_no_lag(bench: Bench) -> None:
    start = bench.position
    for step in range(100):
        at = plus(start, (0.0004 * step, 0.0, 0.0))
        bench.hand = replace(bench.hand, position=at, velocity=(0.04, 0.0, 0.0))
        bench.run(0.01)
    assert length(minus(bench.position, at)) < 0.002


@pytest.mark.parametrize("flags", [Flag.SEES, HELD | Flag.CLUTCH, Flag.DEADMAN])
def test_without_deadman_clutch_or_sight_nothing_follows(bench: Bench, flags: Flag) -> None:
    bench.hold(flags)
    bench.run(0.1)
    start = bench.position
    bench.aim(plus(start, (0.02, 0.0, 0.02)))
    bench.run(0.5)
    assert bench.position == start


def test_control_begins_with_a_released_deadman() -> None:
    bench = Bench()
    bench.hold()
    bench.hand = replace(bench.hand, epoch=bench.robot.grant("ann", KEY, bench.now_us).epoch)
    bench.run(0.5)
    assert state(bench) == (Mode.READY, Cause.RELEASED)


def test_it_does_not_go_to_a_target_far_away(bench: Bench) -> None:
    start = bench.position
    bench.aim(plus(start, (0.12, 0.0, 0.0)))
    bench.run(0.5)
    assert state(bench) == (Mode.READY, Cause.FAR)
    assert length(minus(bench.position, start)) < 0.001


@pytest.mark.parametrize("force_n", [8.0, 14.0])
def test_silence_freezes_then_frees_the_body(bench: Bench, force_n: float) -> None:
    pressing(bench, force_n)
    bench.hand = replace(bench.hand, position=(SKIN[0], SKIN[1], SKIN[2] - 0.06))
    bench.run(0.05)
    bench.sends = False
    bench.run(0.105)
    assert state(bench) == (Mode.FROZEN, Cause.SILENCE)
    assert bench.motion.linear == ZERO
    bench.run(0.2)
    assert state(bench) == (Mode.HOLDING, Cause.SILENCE)
    assert bench.motion.linear[2] > 0
    bench.run(3)
    assert bench.robot.mode is Mode.LATCHED
    assert bench.pressed_n < 1
    assert bench.robot.lease.ended == "silent"


def test_who_was_silent_needs_a_fresh_grant_and_a_released_deadman(bench: Bench) -> None:
    bench.sends = False
    bench.run(0.35)
    bench.sends = True
    bench.run(0.5)
    assert bench.robot.mode is not Mode.FOLLOWING
    bench.hold(Flag.SEES)
    bench.run(0.1)
    bench.hold()
    bench.run(0.1)
    assert bench.robot.mode is not Mode.FOLLOWING
    bench.engage()
    assert bench.robot.mode is Mode.FOLLOWING


def test_the_sender_s_clock_keeps_nothing_alive(bench: Bench) -> None:
    """Commands from the future, the past and by turns are followed alike; silence is silence."""
    for leap in (10**12, 0, 5 * 10**11):
        for _ in range(10):
            bench.sends = False
            bench.run(0.01)
            bench.send(sent_us=leap + bench.now_us)
    assert bench.robot.mode is Mode.FOLLOWING
    bench.run(0.12)
    assert bench.robot.mode is Mode.FROZEN


def test_a_lost_picture_freezes_and_clinging_to_it_ends_control(bench: Bench) -> None:
    pressing(bench)
    bench.films = False
    bench.run(0.35)
    assert state(bench) == (Mode.FROZEN, Cause.BLIND)
    bench.films = True
    bench.run(0.1)
    assert bench.robot.mode is Mode.FOLLOWING, "a short loss"
    bench.films = False
    bench.run(3.4)
    assert state(bench) == (Mode.HOLDING, Cause.BLIND)
    assert bench.pressed_n < 1


def test_after_a_long_freeze_the_deadman_is_pressed_anew(bench: Bench) -> None:
    bench.films = False
    bench.run(1)
    bench.films = True
    bench.run(0.2)
    assert state(bench) == (Mode.READY, Cause.RELEASED)
    bench.hold(Flag.SEES)
    bench.run(0.05)
    bench.hold()
    bench.run(0.05)
    assert bench.robot.mode is Mode.FOLLOWING


def test_answers_that_do_not_reach_her_stop_her(bench: Bench) -> None:
    """Commands come, but she hears nothing: the round trip grows until it is too long."""
    bench.sees = False
    bench.run(0.45)
    assert state(bench) == (Mode.FROZEN, Cause.BLIND)
    bench.films = True
    bench.run(0.25)
    bench.hand = replace(bench.hand, seen_rtp=bench.steps // 15 * 15 * 90)
    bench.run(0.02)
    assert state(bench) == (Mode.FROZEN, Cause.DELAY)


def test_what_the_hand_claims_to_have_seen_must_have_been_sent(bench: Bench) -> None:
    bench.sends = False
    bench.step()
    assert bench.send(seen_sequence=9999)
    bench.step()
    assert state(bench) == (Mode.FROZEN, Cause.DELAY)


@pytest.mark.parametrize("by", ["site", "console"])
def test_a_stop_is_at_once_and_wants_to_be_cleared(bench: Bench, by: str) -> None:
    bench.aim(plus(bench.position, (0.05, 0.0, 0.0)))
    bench.run(0.2)
    if by == "site":
        bench.robot.stop(bench.now_us, "operator")
    else:
        bench.send(flags=HELD | Flag.STOP)
    bench.step()
    assert bench.motion.linear == ZERO
    assert state(bench) == (Mode.HOLDING, Cause.STOP)
    with pytest.raises(LeaseRefused, match="clear"):
        bench.robot.grant("ann", KEY, bench.now_us)
    bench.robot.clear(bench.now_us)
    bench.engage()
    assert bench.robot.mode is Mode.FOLLOWING


def test_control_taken_back_is_gone_at_once(bench: Bench) -> None:
    pressing(bench)
    bench.robot.take_back(bench.now_us)
    bench.step()
    assert state(bench) == (Mode.IDLE, Cause.NONE)
    assert bench.motion.linear == ZERO
    assert not bench.send()
    bench.run(2)
    assert bench.pressed_n < 1


def test_whoever_had_control_before_is_refused(bench: Bench) -> None:
    old = bench.hand
    bench.key = OTHER_KEY
    bench.grant("bob")
    assert not bench.robot.command(encode(replace(old, sequence=10**6), KEY), bench.now_us)
    assert not bench.send(epoch=old.epoch)
    assert bench.robot.events.refused == {"of another lease": 1, "old or doubled": 1}


def test_forged_replayed_and_broken_commands_move_nothing(bench: Bench) -> None:
    bench.sends = False
    before = encode(bench.hand, KEY)
    for _ in range(300):
        bench.step()
        forged = replace(bench.hand, sequence=bench.hand.sequence + 1)
        assert not bench.robot.command(encode(forged, OTHER_KEY), bench.now_us)
        assert not bench.robot.command(before, bench.now_us)
        assert not bench.robot.command(b"\x01\x01", bench.now_us)
    assert bench.robot.lease.ended == "silent"
    assert set(bench.robot.events.refused) >= {"forged", "old or doubled", "malformed"}
    told = [event for event in bench.robot.drain() if event.kind == "refused"]
    assert len(told) < 10, "a flood is one event a second"


@pytest.mark.parametrize("leap_us", [-5_000_000, -1, LEAP_US + 1, 60_000_000])
def test_a_clock_that_leaps_is_a_fault(bench: Bench, leap_us: int) -> None:
    pressing(bench)
    bench.now_us += leap_us - 2000
    bench.step()
    assert state(bench) == (Mode.HOLDING, Cause.CLOCK)
    bench.run(3)
    assert bench.robot.mode is Mode.LATCHED
    assert bench.pressed_n < 1
    bench.engage()
    assert bench.robot.mode is Mode.FOLLOWING


def test_a_silent_force_sensor_is_no_zero(bench: Bench) -> None:
    pressing(bench)
    bench.sensor_us = bench.now_us
    bench.aim((SKIN[0], SKIN[1], SKIN[2] - 0.05))
    deepest = bench.position[2]
    bench.run(0.024)
    assert state(bench) == (Mode.HOLDING, Cause.SENSOR)
    assert deepest - bench.position[2] < 0.001
    bench.run(5)
    gone = bench.position[2] - deepest
    assert gone == pytest.approx(bench.robot.preset.unfelt_retreat_m, abs=0.002), "bounded"
    assert bench.robot.mode is Mode.LATCHED
    with pytest.raises(LeaseRefused, match="silent"):
        bench.robot.grant("ann", KEY, bench.now_us)
    bench.sensor_us = None
    bench.run(0.6)
    bench.aim(bench.position)
    bench.engage()
    assert bench.robot.mode is Mode.FOLLOWING


def test_without_force_and_without_leave_it_stays() -> None:
    made = replace(preset("abdomen", SKIN, UP), unfelt_retreat_m=0.0)
    bench = Bench(made)
    bench.engage()
    pressing(bench)
    bench.sensor_us = bench.now_us
    bench.run(0.1)
    there = bench.position
    bench.run(2)
    assert bench.position == there
    assert bench.robot.mode is Mode.LATCHED


def test_a_stuck_force_sensor_is_found_on_the_way_in(bench: Bench) -> None:
    bench.stuck = (0.0, 0.0, 0.01)
    bench.aim((SKIN[0], SKIN[1], SKIN[2] - 0.05))
    bench.run(0.2)
    assert state(bench) == (Mode.HOLDING, Cause.SENSOR)
    assert bench.pressed_n < 5


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 1e9])
def test_a_force_that_is_no_figure_is_a_fault(bench: Bench, wrong: float) -> None:
    bench.stuck = (0.0, 0.0, wrong)
    bench.step()
    assert state(bench) == (Mode.HOLDING, Cause.SENSOR)


def test_a_pose_that_is_no_figure_moves_nothing(bench: Bench) -> None:
    there = bench.position
    bench.position = (math.nan, 0.0, 0.0)
    bench.step()
    assert bench.motion.linear == ZERO
    assert state(bench) == (Mode.HOLDING, Cause.SENSOR)
    bench.position = there
    bench.run(0.02)
    assert bench.seen is not None
    assert bench.seen.mode is Mode.HOLDING


def test_pushing_on_comes_to_rest_below_the_hard_limit(bench: Bench) -> None:
    limits, most = bench.robot.preset.limits, 0.0
    for depth in range(60):
        bench.aim((SKIN[0], SKIN[1], SKIN[2] - 0.001 * depth))
        bench.run(0.05)
        most = max(most, bench.pressed_n)
    assert limits.soft_n < most < limits.even_n + 0.5


def test_a_body_that_presses_on_ends_control(bench: Bench) -> None:
    hard_n = bench.robot.preset.limits.hard_n
    bench.force = (0.0, 0.0, hard_n + 1)
    bench.run(0.2)
    assert bench.motion.linear[2] > 0, "it yields"
    assert bench.robot.mode is Mode.FOLLOWING
    bench.run(0.2)
    assert state(bench) == (Mode.HOLDING, Cause.FORCE)


def test_a_blow_ends_it_at_once(bench: Bench) -> None:
    bench.force = (0.0, 0.0, FORCE_FAR * bench.robot.preset.limits.hard_n + 1)
    bench.step()
    assert bench.robot.cause is Cause.FORCE


def test_a_preset_may_want_it_away() -> None:
    bench = Bench(preset("thyroid", SKIN, UP))
    bench.engage()
    bench.sends = False
    bench.run(1.1)
    assert state(bench) == (Mode.RETREATING, Cause.SILENCE)
    bench.run(8)
    assert bench.robot.mode is Mode.LATCHED
    out_m = bench.robot.preset.limits.workspace.out_m
    assert bench.position[2] - SKIN[2] == pytest.approx(out_m, abs=0.005)


def test_after_a_while_a_released_probe_does_not_press(bench: Bench) -> None:
    pressing(bench)
    bench.hold(Flag.SEES)
    bench.run(0.1)
    assert bench.pressed_n > 7, "a short look away costs no contact"
    bench.run(2)
    assert bench.pressed_n < 1


def test_the_clutch_keeps_the_contact(bench: Bench) -> None:
    pressing(bench)
    bench.hold(HELD | Flag.CLUTCH)
    bench.run(2)
    assert bench.pressed_n == pytest.approx(8, abs=0.5)


def test_an_observation_says_what_is(bench: Bench) -> None:
    pressing(bench)
    assert bench.seen is not None
    assert bench.seen.mode is Mode.FOLLOWING
    assert bench.seen.force[2] == pytest.approx(8, abs=0.6)
    assert bench.seen.epoch == bench.robot.lease.grant.epoch  # type: ignore[union-attr]
    assert bench.seen.applied_sequence >= bench.hand.sequence - 4
    assert bench.seen.energy_j < 0, "the body has taken what the hand gave"


def test_about_a_hundred_observations_a_second_go_out() -> None:
    bench = Bench()
    bench.run(1)
    first = bench.seen
    bench.run(1)
    assert first is not None and bench.seen is not None
    assert 95 <= bench.seen.sequence - first.sequence <= 101


@pytest.mark.parametrize("key", [b"", NOBODY, bytes(31)])
def test_control_without_a_key_of_its_own_is_not_given(key: bytes) -> None:
    with pytest.raises(LeaseRefused):
        Bench().robot.grant("ann", key, 0)


def test_every_turn_of_events_is_told_with_its_cause(bench: Bench) -> None:
    bench.sends = False
    bench.run(3)
    told = [(event.kind, event.cause.name, event.text) for event in bench.robot.drain()]
    assert [each for each in told if each[0] in ("granted", "ended")] == [
        ("granted", "NONE", "ann"),
        ("ended", "SILENCE", "silent"),
    ]
    modes = [(text, cause) for kind, cause, text in told if kind == "mode"]
    assert modes[-4:] == [
        ("following", "NONE"),
        ("frozen", "SILENCE"),
        ("holding", "SILENCE"),
        ("latched", "SILENCE"),
    ]
