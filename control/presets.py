"""What is gentle differs by where the probe lies: limits and ladder of each anatomy.

The figures are defaults of ours to begin with, after the forces that sonographers use (most work
lies between 5 and 20 N; some press 50 on a large abdomen), and no clinical advice: a site sets
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from control.gate import Limits, Workspace
from control.vectors import Vector
from control.watchdog import Ladder


@dataclass(frozen=True)
class Preset:
    """For one anatomy at one place."""

    name: str
    limits: Limits
    ladder: Ladder
    retreat_m_s: float = 0.02
    unfelt_retreat_m: float = 0.0  # outward, when the force is not known; 0: it stays
    rest_n: float = 0.5  # what zero force is


def _abdomen(centre: Vector, outward: Vector) -> Preset:
    space = Workspace(centre, outward, radius_m=0.15, in_m=0.06)
    return Preset("abdomen", Limits(space), Ladder(), unfelt_retreat_m=0.05)


def _thyroid(centre: Vector, outward: Vector) -> Preset:
    """The airway is below: lighter, slower, and away from it when nobody is there."""
    space = Workspace(centre, outward, radius_m=0.08, in_m=0.03, out_m=0.10)
    limits = Limits(
        space,
        speed_m_s=0.06,
        inward_m_s=0.02,
        warn_n=4.0,
        soft_n=6.0,
        hard_n=10.0,
        force_rate_n_s=30.0,
        yield_m_s=0.03,
    )
    return Preset("thyroid", limits, Ladder(rest="retreat"), unfelt_retreat_m=0.04)


def _heart(centre: Vector, outward: Vector) -> Preset:
    """Between the ribs, which are hard."""
    space = Workspace(centre, outward, radius_m=0.12, in_m=0.04)
    limits = Limits(space, inward_m_s=0.03, warn_n=8.0, soft_n=12.0, hard_n=20.0)
    return Preset("heart", limits, Ladder(), unfelt_retreat_m=0.05)


_MADE: dict[str, Callable[[Vector, Vector], Preset]] = {
    "abdomen": _abdomen,
    "thyroid": _thyroid,
    "heart": _heart,
}
NAMES = tuple(_MADE)


def preset(name: str, centre: Vector, outward: Vector) -> Preset:
    """For a body whose skin is at `centre`, with this unit normal (base frame).

    Raises KeyError for a name that is none of NAMES.
    """
    return _MADE[name](centre, outward)
