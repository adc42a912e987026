"""From stored values to what a screen shows: PS3.3 C.11, PS3.18 8.3.5. Runs in a decoder's process.

A window is three passes over the points in single precision, which is a tenth of what a look-up
table of 65 536 entries costs to make and to read.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut

from dicom.errors import Refused
from dicom.jobs import SIDE_MAX, View, Window
from dicom.pixels import Pixels

Picture = NDArray[np.uint8]


class Image(Protocol):
    """What is said of a picture, by keyword: a data set, or the brief of one."""

    def get(self, keyword: str, default: Any = None, /) -> Any:
        """A value."""


def render(
    pixels: Pixels, image: Image, frame: int, window: Window | None, view: View | None
) -> Picture:
    """One decoded frame as eight bits, grey or RGB. `frame` counts from 1."""
    photometric = str(image.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        picture = _eight_bits(apply_color_lut(pixels, cast(Dataset, image)), 16)
    elif pixels.ndim == 3:
        picture = _eight_bits(pixels[:, :, :3], int(image.get("BitsStored", 8)))
    else:
        picture = _grey(pixels, image, frame, window, photometric == "MONOCHROME1")
    return picture if view is None else _viewed(picture, view)


def encode(picture: Picture, png: bool, quality: int) -> bytes:
    """As a file. `quality` is JPEG's, 1 to 100."""
    picture = np.ascontiguousarray(picture)
    if png:
        return bytes(imagecodecs.png_encode(picture, level=3))
    return bytes(imagecodecs.jpeg8_encode(picture, level=quality))


def _eight_bits(values: Pixels, bits: int) -> Picture:
    if values.dtype.itemsize == 1:
        return values.astype(np.uint8, copy=False)
    return (values >> max(bits - 8, 0)).astype(np.uint8)


def _grey(
    pixels: Pixels, image: Image, frame: int, window: Window | None, inverse: bool
) -> Picture:
    groups = _groups(image, frame)
    modality = _modality(image, groups)
    window = window or _own_window(image, groups)
    table = None if window else _table(image, "VOILUTSequence")
    if table is not None:
        shown = _mapped(_values(pixels, modality), table)
        return 255 - shown if inverse else shown
    shown = _windowed(_values(pixels, modality), window or _whole_range(pixels, modality))
    return 255 - shown if inverse else shown


Values = NDArray[np.floating]
Table = tuple[int, int, bytes]  # first value mapped, bits, entries of two bytes
Modality = tuple[float, float, Table | None]


def _windowed(values: Values, window: Window) -> Picture:
    """Values as greys. They are overwritten: a copy would cost as much as the arithmetic."""
    center, width = window.center, window.width
    match window.function:
        case "SIGMOID":
            np.clip((values - center) * (-4 / max(width, 1e-9)), -60, 60, out=values)
            np.divide(255, 1 + np.exp(values), out=values)
        case "LINEAR_EXACT":
            _spread(values, center, max(width, 1e-9))
        case _ if width <= 1:
            values[...] = np.where(values <= center - 0.5, 0, 255)
        case _:
            _spread(values, center - 0.5, width - 1)
    np.clip(values, 0, 255, out=values)
    return np.rint(values, out=values).astype(np.uint8)


def _spread(values: Values, center: float, width: float) -> None:
    values *= 255 / width
    values += 127.5 - center * 255 / width


def _values(pixels: Pixels, modality: Modality) -> Values:
    """After the modality's transformation; single precision where that is exact."""
    slope, intercept, table = modality
    if table is not None:
        first, _, entries = table
        data = np.frombuffer(entries, np.uint16)
        mapped = data[np.clip(pixels.astype(np.int64) - first, 0, data.size - 1)]
        return mapped.astype(np.float32)
    values: Values = pixels.astype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64)
    if slope != 1:
        values *= slope
    if intercept:
        values += intercept
    if pixels.dtype.kind == "f":
        np.nan_to_num(values, copy=False, posinf=1e300, neginf=-1e300)
    return values


def _mapped(values: Values, table: Table) -> Picture:
    first, bits, entries = table
    data = np.frombuffer(entries, np.uint16)
    found = data[np.clip(values.astype(np.int64) - first, 0, data.size - 1)]
    return (found.astype(np.uint32) * 255 // ((1 << bits) - 1)).astype(np.uint8)


def _groups(image: Image, frame: int) -> list[Dataset]:
    """Functional groups that say something of a frame, its own before the shared ones."""
    found: list[Dataset] = []
    own = image.get("PerFrameFunctionalGroupsSequence")
    if own and frame <= len(own):
        found.append(own[frame - 1])
    shared = image.get("SharedFunctionalGroupsSequence")
    if shared:
        found.append(shared[0])
    return found


def _sources(image: Image, groups: list[Dataset], macro: str) -> list[Image]:
    inner = (group.get(macro) for group in groups)
    return [*(sequence[0] for sequence in inner if sequence), image]


def _modality(image: Image, groups: list[Dataset]) -> Modality:
    for source in _sources(image, groups, "PixelValueTransformationSequence"):
        slope = _number(source, "RescaleSlope")
        if slope is not None:
            return slope, _number(source, "RescaleIntercept") or 0.0, None
    return 1.0, 0.0, _table(image, "ModalityLUTSequence")


def _own_window(image: Image, groups: list[Dataset]) -> Window | None:
    for source in _sources(image, groups, "FrameVOILUTSequence"):
        center, width = _number(source, "WindowCenter"), _number(source, "WindowWidth")
        if center is not None and width is not None and width >= 1:
            return Window(center, width, str(source.get("VOILUTFunction", "LINEAR") or "LINEAR"))
    return None


def _whole_range(pixels: Pixels, modality: Modality) -> Window:
    if pixels.dtype.kind == "f":
        pixels = _values(pixels, modality)
        modality = (1.0, 0.0, None)
    ends = _values(np.array([pixels.min(), pixels.max()], pixels.dtype), modality)
    low, high = float(ends.min()), float(ends.max())
    return Window((low + high) / 2, max(high - low, 1e-9), "LINEAR_EXACT")


def _table(image: Image, keyword: str) -> Table | None:
    """A look-up table's first row: PS3.3 C.11.1.1."""
    sequence = image.get(keyword)
    if not sequence:
        return None
    descriptor, data = sequence[0].get("LUTDescriptor"), sequence[0].get("LUTData")
    if not descriptor or len(descriptor) != 3 or not data:
        return None
    count, first, bits = int(descriptor[0]) or 65536, int(descriptor[1]), int(descriptor[2])
    if isinstance(data, bytes):
        data = np.frombuffer(data[: len(data) // 2 * 2], "<u2")
    entries = np.asarray(data, np.uint16)[:count]
    if not (entries.size and 1 <= bits <= 16):
        raise Refused("undecodable", f"its {keyword} is not one")
    return first, bits, entries.tobytes()


def _number(source: Image, keyword: str) -> float | None:
    value: Any = source.get(keyword)
    if value is None or value == "":
        return None
    try:
        first = float(value if isinstance(value, int | float) else value[0])
    except (TypeError, ValueError, IndexError):
        try:
            first = float(value)
        except (TypeError, ValueError):
            return None
    return first if np.isfinite(first) else None


def _viewed(picture: Picture, view: View) -> Picture:
    """Cut the part out, then fit it into the given size without changing its proportions."""
    rows, columns = picture.shape[:2]
    x, y = max(int(view.x), 0), max(int(view.y), 0)
    right = min(round(view.x + (abs(view.part_width) or columns)), columns)
    bottom = min(round(view.y + (abs(view.part_height) or rows)), rows)
    if right <= x or bottom <= y:
        raise Refused("size", "that part is outside of the picture")
    part = picture[y:bottom, x:right]
    if view.part_width < 0:
        part = part[:, ::-1]
    if view.part_height < 0:
        part = part[::-1]
    height, width = part.shape[:2]
    scales = [
        wanted / there for wanted, there in ((view.width, width), (view.height, height)) if wanted
    ]
    scale = min(scales, default=1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    if max(size) > SIDE_MAX:
        raise Refused("size", f"no side may be longer than {SIDE_MAX}")
    if size == (width, height):
        return part
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part), size, interpolation=how).astype(np.uint8)
