"""Softcopy presentation states, grey (PS3.3 A.33.1) and in colour (A.33.2).

Turning, inverting and the modality's own units hold for all pictures of a state, so each pane gets
a state of its own, and with it what is marked in its series. What is marked elsewhere follows in
states that show it as it was stored. `ContentLabel` tells which is which: it takes no words of the
user's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pydicom.uid import ColorSoftcopyPresentationStateStorage as COLOUR
from pydicom.uid import GrayscaleSoftcopyPresentationStateStorage as GREY
from pydicom.valuerep import DSfloat

from dicom.presentation.common import NewUid, begun, person
from dicom.presentation.icc import srgb
from dicom.presentation.image import Image
from dicom.presentation.session import Author, Figure, Pane, Session

LAYER = "MEASUREMENTS"
SHOWN, MARKED = "VIEW", "MARKS"
TYPES = {"polyline": "POLYLINE", "ellipse": "ELLIPSE", "point": "POINT"}
Images = Mapping[str, Image]


@dataclass
class Group:
    """The pictures of one state, by UID with their frames, the first one first."""

    kind: Hashable
    pane: Pane | None
    frames: dict[str, set[int]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)


def states(
    session: Session, images: Images, author: Author, series: str, new_uid: NewUid
) -> list[tuple[Group, Dataset]]:
    """The objects, and what each is about."""
    made = []
    patient = images[session.places[0].instance]  # one for all, should they differ
    for number, group in enumerate(grouped(session, images), 1):
        first = images[next(iter(group.frames))]
        sop_class = COLOUR if first.coloured else GREY
        state = begun(patient.data, sop_class, "PR", series, author, new_uid())
        state.InstanceNumber = number
        state.Laterality = first.data.get("Laterality")  # of one side it may be, for all we know
        if session.title:
            state.SeriesDescription = state.ContentDescription = session.title
        else:
            state.ContentDescription = None
        state.ContentLabel = f"{SHOWN} {number}" if group.pane else MARKED
        state.PresentationCreationDate = author.at[:8]
        state.PresentationCreationTime = author.at[8:]
        state.ContentCreatorName = person(author.name)
        state.ReferencedSeriesSequence = _relationship(group, images)
        state.DisplayedAreaSelectionSequence = _areas(group, images)
        if group.pane and (group.pane.rotation or group.pane.flip):
            state.ImageRotation = group.pane.rotation
            state.ImageHorizontalFlip = "Y" if group.pane.flip else "N"
        if group.figures:
            state.GraphicAnnotationSequence = [
                _annotation(figure, images[figure.instance]) for figure in group.figures
            ]
            state.GraphicLayerSequence = [_item(GraphicLayer=LAYER, GraphicLayerOrder=1)]
        if first.coloured:
            state.ICCProfile = srgb()
        else:
            _grey(state, group, images)
        made.append((group, state))
    return made


def grouped(session: Session, images: Images) -> list[Group]:
    """Who goes with whom: panes in their order, then what is marked and on no pane."""
    groups = [Group(_kind(images[pane.instance]), pane) for pane in session.panes]
    for group, pane in zip(groups, session.panes, strict=True):
        group.frames[pane.instance] = {pane.frame}
    of_place = {
        (pane.instance, pane.frame): group
        for pane, group in reversed(list(zip(session.panes, groups, strict=True)))
    }
    rest: dict[Hashable, Group] = {}
    for place in (*session.figures, *session.keys):
        image = images[place.instance]
        at = (place.instance, place.frame)
        kind = _kind(image)
        found = of_place.get(at) or _beside(groups, image, images)
        group = found or rest.setdefault(kind, Group(kind, None))
        of_place[at] = group
        group.frames.setdefault(place.instance, set()).add(place.frame)
        if isinstance(place, Figure):
            group.figures.append(place)
    return [*groups, *rest.values()]


def _beside(groups: Iterable[Group], image: Image, images: Images) -> Group | None:
    """The pane that shows its series."""
    for group in groups:
        first = images[next(iter(group.frames))]
        if first.series == image.series and group.kind == _kind(image):
            return group
    return None


def _kind(image: Image) -> Hashable:
    """What is the same for all pictures of a state."""
    table = image.data.get("ModalityLUTSequence")
    return image.coloured, image.inverse, image.rescale, image.uid if table else ""


def _relationship(group: Group, images: Images) -> list[Dataset]:
    """PS3.3 C.11.11."""
    by_series: dict[str, list[Dataset]] = {}
    for uid, frames in group.frames.items():
        item = images[uid].reference(frozenset(frames))
        by_series.setdefault(images[uid].series, []).append(item)
    return [
        _item(SeriesInstanceUID=series, ReferencedImageSequence=items)
        for series, items in by_series.items()
    ]


def _areas(group: Group, images: Images) -> list[Dataset]:
    """PS3.3 C.10.4. What has another size than the pane's picture is shown whole."""
    pane = group.pane
    size = None if pane is None else images[pane.instance].size

    def area(image: Image) -> tuple[Any, ...]:
        seen: tuple[float, float, float, float] = (0, 0, *image.size)
        if pane is not None and size == image.size:
            seen = _within(pane.area, image)
        turned = (0, False) if pane is None else (pane.rotation, pane.flip)
        return (*corners(*seen, *turned), image.spacing)

    def item(said: tuple[Any, ...]) -> Dataset:
        first, last, spacing = said
        made = _item(
            DisplayedAreaTopLeftHandCorner=list(first),
            DisplayedAreaBottomRightHandCorner=list(last),
            PresentationSizeMode="SCALE TO FIT",
        )
        if spacing is None:
            made.PresentationPixelAspectRatio = [1, 1]
        else:
            made.PresentationPixelSpacing = [_decimal(value) for value in spacing]
        return made

    return _for_each(group, images, area, item)


def _within(
    area: tuple[float, float, float, float], image: Image
) -> tuple[float, float, float, float]:
    """What the picture has of it. A part of the screen beyond is no part of the picture."""
    left, top = max(area[0], 0), max(area[1], 0)
    right, bottom = min(area[2], image.columns), min(area[3], image.rows)
    return (left, top, right, bottom) if left < right and top < bottom else (0, 0, *image.size)


def corners(
    left: float, top: float, right: float, bottom: float, rotation: int, flip: bool
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The pixels that end up at the top left and at the bottom right, counted from 1."""
    first_column, last_column = _span(left, right)
    first_row, last_row = _span(top, bottom)
    ring = [
        (first_column, first_row),
        (last_column, first_row),
        (last_column, last_row),
        (first_column, last_row),
    ]
    at = (int(flip) - rotation // 90) % 4
    return ring[at], ring[(at + 2) % 4]


def _span(start: float, end: float) -> tuple[int, int]:
    """The nearest whole pixels, at least one, counted from 1."""
    first = min(round(start), math.ceil(end) - 1) + 1
    return first, max(round(end), first)


def _grey(state: Dataset, group: Group, images: Images) -> None:
    """From stored values to shades: PS3.3 C.11.1, C.11.8, C.11.6. What is not said is not done."""
    first, pane = images[next(iter(group.frames))], group.pane
    if table := first.data.get("ModalityLUTSequence"):
        state.ModalityLUTSequence = table
    elif first.rescale is not None:
        slope, intercept = first.rescale
        state.RescaleIntercept, state.RescaleSlope = _decimal(intercept), _decimal(slope)
        is_ct = first.data.get("Modality") == "CT"
        state.RescaleType = first.data.get("RescaleType") or ("HU" if is_ct else "US")

    def window(image: Image) -> tuple[float, float] | None:
        if pane is None or pane.voi is None:
            return image.window
        lower, upper = pane.voi  # both ends belong to it: PS3.3 C.11.2.1.2.1
        return (lower + upper + 1) / 2, upper - lower + 1

    def item(said: tuple[float, float]) -> Dataset:
        return _item(WindowCenter=_decimal(said[0]), WindowWidth=_decimal(said[1]))

    if windows := _for_each(group, images, window, item):
        state.SoftcopyVOILUTSequence = windows
    inverse = first.inverse if pane is None else pane.invert
    state.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"


def _for_each(
    group: Group,
    images: Images,
    of: Callable[[Image], Any],
    item: Callable[[Any], Dataset],
) -> list[Dataset]:
    """One item for all pictures of which the same is true; it names them unless they are all."""
    alike: dict[Any, list[str]] = {}
    for uid in group.frames:
        alike.setdefault(of(images[uid]), []).append(uid)
    made = []
    for said, uids in alike.items():
        if said is None:
            continue
        one = item(said)
        if len(alike) > 1:
            one.ReferencedImageSequence = [
                images[uid].reference(frozenset(group.frames[uid])) for uid in uids
            ]
        made.append(one)
    return made


def _annotation(figure: Figure, image: Image) -> Dataset:
    """PS3.3 C.10.5. Beyond the picture's edge there are no places."""
    points = [_inside(point, image) for point in figure.points]
    graphic = _item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=len(points),
        GraphicData=[value for point in points for value in point],
        GraphicType=TYPES[figure.kind],
    )
    if figure.kind == "ellipse":
        graphic.GraphicFilled = "N"
    made = _item(
        ReferencedImageSequence=[image.reference(frozenset({figure.frame}))],
        GraphicLayer=LAYER,
        GraphicObjectSequence=[graphic],
    )
    if figure.text:
        made.TextObjectSequence = [
            _item(
                AnchorPointAnnotationUnits="PIXEL",
                UnformattedTextValue=figure.text.replace("\r", "").replace("\n", "\r\n"),
                AnchorPoint=list(_inside(figure.at, image) if figure.at else points[-1]),
                AnchorPointVisibility="N",
            )
        ]
    return made


def _inside(point: tuple[float, float], image: Image) -> tuple[float, float]:
    x, y = point
    return min(max(x, 0.0), float(image.columns)), min(max(y, 0.0), float(image.rows))


def _item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def _decimal(value: float) -> DSfloat:
    return DSfloat(value, auto_format=True)  # at most 16 letters
