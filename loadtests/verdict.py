"""What a load test's command says last: one line of JSON that `loadtests.bench` reads.

`title` heads its section in the report and `bars` are its rows of the table; `markdown` and
`pictures` (names in docs/pictures/) are shown below, `numbers` are kept for machines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Bar:
    """One thing that was asked for, and what was measured."""

    work: str
    asked: str
    measured: str
    held: bool


def ratio(work: str, ours: float, theirs: float, least: float, unit: str) -> Bar:
    """`ours` is asked to be at most 1/`least` of Janus's; without both the bar is not held."""
    times = theirs / ours if ours else math.nan
    asked = f"≤ 1/{least:g} of Janus" if least != 1 else "at most Janus's"
    measured = f"{ours:.2f} {unit}, Janus {theirs:.2f}: 1/{times:.1f}"
    return Bar(work, asked, measured, times >= least)


def line(
    title: str,
    bars: Sequence[Bar],
    numbers: dict[str, Any],
    *,
    markdown: str = "",
    pictures: Sequence[str] = (),
    figures: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """The last line of a command's output; `figures` stand at its top, for whoever looks there."""
    whole = {
        **figures,
        "title": title,
        "bars": [asdict(bar) for bar in bars],
        "pictures": list(pictures),
        "markdown": markdown,
        "numbers": numbers,
    }
    return json.dumps(_finite(whole), ensure_ascii=False)


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
