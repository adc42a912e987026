"""One run of a fault: a scan, the fault at some moment of it, and somebody who tries again."""

from __future__ import annotations

import math
import random
from typing import NamedTuple

from clients.robot.mujoco_arm import OUTWARD, SKIN
from control import lease
from control.presets import preset
from loadtests.robot_faults.faults import FAULTS, FREE_MS
from loadtests.robot_faults.sleeping import Sleeping
from loadtests.robot_faults.trajectory import Meta, Trajectory
from loadtests.robot_faults.world import World

PLACES = ("abdomen", "thyroid", "heart")
SETTLE_S = 0.3  # after a fault, before anybody tries again


class Plan(NamedTuple):
    """What distinguishes one run; all of it follows from the seed."""

    seed: int
    fault: str
    watchdog: bool = True


def run(plan: Plan) -> Trajectory:
    """The whole run, in virtual time."""
    chance = random.Random(plan.seed)
    fault = FAULTS[plan.fault]
    place = chance.choice(PLACES)
    delay_ms, jitter_ms = chance.uniform(2, 60), chance.uniform(0, 20)
    world = World(plan.seed, place, delay_ms, jitter_ms, chance.choice((0.0, 0.01, 0.03)))
    if not plan.watchdog:
        world.robot.watchdog = Sleeping(world.preset.ladder)
        world.robot.lease.renew_us = lease.NEVER_US
    world.later(0.1, lambda w: w.grant(0))
    world.later(0.8, lambda w: w.hold(0, True))
    onset_s = chance.uniform(3.0, 7.0)
    for_s = 0.0 if fault.seconds is None else chance.uniform(*fault.seconds)

    def begin(w: World) -> None:
        w.fault = True
        fault.begin(w)

    def end(w: World) -> None:
        w.fault = False
        fault.end(w)

    world.later(onset_s, begin)
    end_s = onset_s + 5.0
    if for_s < math.inf and plan.fault != "released":
        if fault.seconds is not None:
            world.later(onset_s + for_s, end)
        still_s = for_s if fault.frees == "end" else 0.0
        end_s = onset_s + max(for_s, still_s + FREE_MS / 1000) + SETTLE_S
        _try_again(world, end_s)
        end_s += 2.5
    world.run(end_s)
    free_ms = None
    if fault.still_ms is not None and fault.frees != "never":
        free_ms = FREE_MS + (round(for_s * 1000) if fault.frees == "end" else 0)
    meta = told(plan.seed, plan.fault, place, onset_s, fault.still_ms, free_ms)
    return Trajectory(meta, world.rows)


def told(
    seed: int, fault: str, place: str, onset_s: float, still_ms: int | None, free_ms: int | None
) -> Meta:
    """What the verdict has to know of a run, with the limits of its preset."""
    limits = preset(place, SKIN, OUTWARD).limits
    space = limits.workspace
    return Meta(
        seed=seed,
        fault=fault,
        onset_s=onset_s,
        preset=place,
        still_ms=still_ms,
        free_ms=free_ms,
        hard_n=limits.hard_n,
        speed_m_s=limits.speed_m_s,
        turning_rad_s=limits.turning_rad_s,
        centre=SKIN,
        outward=OUTWARD,
        radius_m=space.radius_m,
        in_m=space.in_m,
        out_m=space.out_m,
        tilt_rad=space.tilt_rad,
    )


def _try_again(world: World, at_s: float) -> None:
    """Without a grant, then with one under a hand that clings, then as it should be."""
    world.later(at_s, lambda w: w.hold(0, False))
    world.later(at_s + 0.2, lambda w: w.hold(0, True))
    world.later(at_s + 0.8, lambda w: w.grant(0))
    world.later(at_s + 1.3, lambda w: w.hold(0, False))
    world.later(at_s + 1.5, lambda w: w.hold(0, True))
