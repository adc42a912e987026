"""What somebody wants to keep: the contract between the viewer and `dicom.presentation`.

Places are columns and rows of the picture as it is stored, with fractions: 0, 0 is the outer corner
of its first pixel (PS3.3 C.10.5, PIXEL).
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct

PANES_MAX, FIGURES_MAX, KEYS_MAX = 4, 300, 300  # a room keeps as many marks
FAR = 1_000_000.0  # pixels; no picture is as large

Uid = Annotated[str, Meta(pattern=r"^[0-9.]{1,64}\Z")]
Frame = Annotated[int, Meta(ge=1, le=1_000_000)]
Number = Annotated[float, Meta(ge=-FAR, le=FAR)]
Pixel = tuple[Number, Number]  # column, row
Kind = Literal["polyline", "ellipse", "point"]
POINTS: dict[Kind, range] = {
    "polyline": range(2, 101),
    "ellipse": range(4, 5),  # ends of the longer axis, then of the shorter
    "point": range(1, 2),
}


class Place(Struct, kw_only=True, forbid_unknown_fields=True):
    """One frame of one object."""

    instance: Uid
    frame: Frame


class Pane(Place):
    """A picture on the screen, and how it is looked at.

    `area` is what of it is seen: left, top, right, bottom; it may reach beyond the picture. It is
    turned clockwise by `rotation`, then mirrored. `voi`: which values are black and white, in the
    picture's units (HU); null for a picture in colour. `invert`: the small values are white.
    """

    area: tuple[Number, Number, Number, Number]
    rotation: Literal[0, 90, 180, 270]
    flip: bool
    invert: bool
    voi: tuple[float, float] | None

    def __post_init__(self) -> None:
        left, top, right, bottom = self.area
        if not (right > left and bottom > top):
            raise ValueError("the area is empty")
        if self.voi is not None and not (
            all(map(math.isfinite, self.voi)) and self.voi[0] < self.voi[1]
        ):
            raise ValueError("voi is from black to white")


class Figure(Place):
    """Something drawn on a picture, and what is written beside it, `at` some place."""

    kind: Kind
    points: list[Pixel]
    text: Annotated[str, Meta(max_length=1000)] = ""
    at: Pixel | None = None  # of the text's beginning; null: at the last point

    def __post_init__(self) -> None:
        if len(self.points) not in POINTS[self.kind]:
            raise ValueError(f"a {self.kind} has not so many points")


class Session(Struct, kw_only=True, forbid_unknown_fields=True):
    """All of it. At least one picture is on the screen, or is marked."""

    title: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f\\]*\Z")] = ""
    panes: Annotated[list[Pane], Meta(max_length=PANES_MAX)] = []
    figures: Annotated[list[Figure], Meta(max_length=FIGURES_MAX)] = []
    keys: Annotated[list[Place], Meta(max_length=KEYS_MAX)] = []

    def __post_init__(self) -> None:
        if not self.places:
            raise ValueError("there is nothing to keep")

    @property
    def places(self) -> list[Place]:
        """Every picture that is spoken of, in that order; some more than once."""
        return [*self.panes, *self.figures, *self.keys]


class Author(Struct, frozen=True):
    """Who keeps it, and when (local time, YYYYMMDDHHMMSS)."""

    name: str
    at: str
    software: str
