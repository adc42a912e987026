"""How many cores this process may use: those it may run on, or a container's share of them."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """At least one."""
    cores = len(os.sched_getaffinity(0))
    share = cgroup_share(CGROUPS, Path("/proc/self/cgroup"))
    return cores if share is None else max(1, min(cores, math.ceil(share)))


def cgroup_share(mount: Path, membership: Path) -> float | None:
    """The cores that `cpu.max` of this process's group, or of one above it, leaves (cgroups(7))."""
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    own = next((line[3:] for line in lines if line.startswith("0::/")), None)
    if own is None:
        return None
    shares: list[float] = []
    for group in (PurePosixPath(own), *PurePosixPath(own).parents):
        try:
            text = (mount / group.relative_to("/") / "cpu.max").read_text(encoding="ascii")
            quota, period = text.split()
            if quota != "max":
                shares.append(int(quota) / int(period))
        except (OSError, ValueError, ZeroDivisionError):
            continue
    return min(shares, default=None)
