"""Ask the kernel to run this process before others: a stop must not wait for somebody's film."""

from __future__ import annotations

import os
from typing import Literal

PRIORITY = 1  # the least of the real-time ones is before everything that is not
NICE = -15


def hurry() -> Literal["real-time", "nice", "usual"]:
    """As far as it is allowed (CAP_SYS_NICE, or RLIMIT_RTPRIO). Threads made later inherit it.

    The kernel keeps a twentieth of the time for the others (sched(7), sched_rt_runtime_us).
    """
    try:
        os.sched_setscheduler(0, 99, os.sched_param(PRIORITY))
    except (OSError, AttributeError):
        try:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
        except (OSError, AttributeError):
            return "usual"
        return "nice"
    return "real-time"
