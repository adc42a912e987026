"""`python -m loadtests.bottleneck`: a narrow place appears in a call that was wide enough.

The same call is watched twice, without the bottleneck and with it. The last line is JSON;
docs/impairment.md says what its numbers mean.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from loadtests import judge
from loadtests.call import WIDEST, Call, Plan, call
from loadtests.impairment.settings import LinkSettings
from loadtests.impairment.timeline import During
from loadtests.telling import common_options, end, under

BEFORE_S = 5.0
AFTER_S = 20.0
SPARED_S = 3.0  # of the bottleneck, in which the picture may stop
FREEZE_MAX_S, QUEUE_MS, QUEUE_MAX_S, BACK_MAX_S = 1.0, 200.0, 5.0, 15.0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bottleneck", description=__doc__)
    common_options(parser)
    parser.add_argument("--seconds", type=float, default=30.0, help="of the bottleneck")
    parser.add_argument("--usual-seconds", type=float, default=20.0, help="without one")
    parser.add_argument("--rate-kbps", type=float, default=1000.0)
    parser.add_argument("--queue-ms", type=float, default=300.0, help="how much it holds")
    parser.add_argument("--delay-ms", type=float, default=20.0, help="one way")
    return parser.parse_args(arguments)


def measures(seen: Call, start_s: float, end_s: float) -> dict[str, Any]:
    """What the bars are about, and what explains it."""
    back_s = judge.width_from_s(seen, WIDEST, end_s)
    under_s = judge.queue_under_s(seen, QUEUE_MS, start_s, end_s)
    return {
        "longest_gap_s": round(judge.longest_gap_s(seen, start_s + SPARED_S, seen.seconds), 3),
        "longest_gap_first_3_s": round(judge.longest_gap_s(seen, start_s, start_s + SPARED_S), 3),
        "queue_under_200_ms_after_s": None if under_s is None else round(under_s, 2),
        "queue_max_ms": round(judge.queue_max_ms(seen, start_s, end_s)),
        "queue_max_after_5_s_ms": round(judge.queue_max_ms(seen, start_s + QUEUE_MAX_S, end_s)),
        "quality_back_after_s": None if back_s is None else round(back_s, 2),
        "freeze_share": round(judge.freeze_share(seen), 5),
        "concealed_share": round(judge.concealed_share(seen), 5),
        "publisher": seen.publisher,
        "line": seen.line,
    }


async def _both(chosen: argparse.Namespace) -> tuple[Call, Call]:
    usual = LinkSettings(delay_ms=chosen.delay_ms)
    without = await call(Plan(chosen.usual_seconds, usual), chosen.seed)
    narrow = {"rate_kbps": chosen.rate_kbps, "queue_ms": chosen.queue_ms}
    during = [During(BEFORE_S, BEFORE_S + chosen.seconds, down=narrow)]
    plan = Plan(BEFORE_S + chosen.seconds + AFTER_S, usual, during)
    return without, await call(plan, chosen.seed)


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    chosen = _arguments(arguments)
    calls = asyncio.run(_both(chosen))
    end_s = BEFORE_S + chosen.seconds
    without = measures(calls[0], BEFORE_S, chosen.usual_seconds / 2)
    impaired = measures(calls[1], BEFORE_S, end_s)
    where = f"{chosen.rate_kbps / 1000:g} Mbit/s appears in a 2.5 Mbit/s simulcast call"
    gap, back = "longest_gap_s", "quality_back_after_s"
    settled_s = impaired["queue_under_200_ms_after_s"]
    return end(
        "A bottleneck",
        chosen,
        [
            under(
                f"{where}: longest freeze after its first 3 s",
                FREEZE_MAX_S,
                "s",
                impaired[gap],
                without[gap],
            ),
            under(f"{where}: queue under 200 ms for good", QUEUE_MAX_S, "s", settled_s),
            under(
                f"{where}: 720p again after its end", BACK_MAX_S, "s", impaired[back], without[back]
            ),
        ],
        {"without": without, "impaired": impaired},
        calls[1],
    )


if __name__ == "__main__":
    sys.exit(main())
