"""The matrix's last line: its figures, and what `loadtests.bench` makes a row and a table of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loadtests import verdict


def line(figures: Mapping[str, float], table: Iterable[str], how: str = "") -> str:
    """`figures` stand at the top level."""
    bar = verdict.Bar(
        f"a robot's faults, {figures['runs']} runs{how} at random moments",
        "no violation: limits kept, safe in time",
        f"{figures['violations']} violations, safe after ≤ {figures['worst_time_to_safe_ms']:.0f} "
        f"ms, force ≤ {figures['worst_force_share']:.2f} of the hard limit",
        figures["runs"] > 0 and figures["violations"] == 0,
    )
    markdown = "\n".join(table)
    return verdict.line(
        f"A robot's faults{how}", [bar], dict(figures), markdown=markdown, figures=figures
    )
