"""`python -m loadtests.losses`: a call whose watching side loses packets, random ones and runs.

The same call is watched twice, without the losses and with them, both ways, 50 ms each way. The
last line is JSON; docs/impairment.md says what its numbers mean.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from typing import Any

from loadtests import judge
from loadtests.call import Call, Plan, call
from loadtests.impairment.settings import LinkSettings, bursty
from loadtests.impairment.timeline import During
from loadtests.telling import common_options, end, under
from loadtests.verdict import Bar

RUN_LENGTH = 4.0  # packets lost in a row, on average, in the bursty part
FREEZE_MAX, CONCEALED_MAX = 0.01, 0.02


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.losses", description=__doc__)
    common_options(parser)
    parser.add_argument("--seconds", type=float, default=60.0, help="with losses")
    parser.add_argument("--usual-seconds", type=float, default=20.0, help="without")
    parser.add_argument("--random", type=float, default=0.05, help="share of packets")
    parser.add_argument("--bursty", type=float, default=0.02, help="share of packets")
    parser.add_argument("--delay-ms", type=float, default=50.0, help="one way")
    return parser.parse_args(arguments)


def measures(seen: Call) -> dict[str, Any]:
    """What the bars are about, and what explains it."""
    return {
        "freeze_share": round(judge.freeze_share(seen), 5),
        "concealed_share": round(judge.concealed_share(seen), 5),
        "longest_gap_s": round(judge.longest_gap_s(seen, 0, seen.seconds), 3),
        "publisher": seen.publisher,
        "line": seen.line,
    }


async def _both(chosen: argparse.Namespace) -> tuple[Call, Call]:
    usual = LinkSettings(delay_ms=chosen.delay_ms)
    losses = {"loss": chosen.random, **bursty(chosen.bursty, RUN_LENGTH)}
    without = await call(Plan(chosen.usual_seconds, usual), chosen.seed)
    during = [During(0, math.inf, losses, losses)]
    return without, await call(Plan(chosen.seconds, usual, during), chosen.seed)


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    chosen = _arguments(arguments)
    calls = asyncio.run(_both(chosen))
    without, impaired = (measures(seen) for seen in calls)
    where = (
        f"{chosen.random:.0%} random and {chosen.bursty:.0%} bursty loss,"
        f" {chosen.delay_ms:g} ms one way"
    )

    def bar(what: str, name: str, limit: float) -> Bar:
        return under(f"{where}: {what}", limit, "%", impaired[name], without[name])

    return end(
        "Lost packets",
        chosen,
        [
            bar("video frozen", "freeze_share", FREEZE_MAX),
            bar("sound made up", "concealed_share", CONCEALED_MAX),
        ],
        {"without": without, "impaired": impaired},
        calls[1],
    )


if __name__ == "__main__":
    sys.exit(main())
