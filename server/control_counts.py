"""What the control process counts, for the metrics."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT_US = (500, 1_000, 3_000, 10_000, 100_000)


@dataclass
class ControlCounts:
    """Of messages of motion; `kept`: how long they were in the process, cumulative by bound."""

    motion: int = 0
    refused: int = 0  # by the desk's rules
    malformed: int = 0
    kept: dict[int, int] = field(default_factory=lambda: dict.fromkeys(KEPT_US, 0))

    def passed(self, kept_us: int) -> None:
        """A message of motion has left after so long."""
        self.motion += 1
        for bound in KEPT_US:
            if kept_us < bound:
                self.kept[bound] += 1

    def named(self) -> dict[str, int]:
        """As the metrics call them."""
        return {
            "motion": self.motion,
            "refused": self.refused,
            "malformed": self.malformed,
            **{f"motion_below_{bound}_us": count for bound, count in self.kept.items()},
        }
