"""What is burned into pixels: which objects may be shown without a name, and what is covered first.

Fails safe: an object whose kind carries text, and that does not say where its picture ends, or
that says itself that it does, is withheld. Ultrasound says it by its regions: all else is covered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from dicom.errors import Refused
from dicom.pixels import Pixels, Shape

STORAGE = "1.2.840.10008.5.1.4.1.1."
PLAIN = frozenset(  # scanners write their texts beside the pixels, not into them
    STORAGE + kind
    for kind in (
        *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "2.1", "4", "4.1", "4.3"),
        *("12.1", "12.1.1", "12.2", "12.2.1", "13.1.1", "13.1.2", "13.1.3", "20", "128", "130"),
    )
)
ULTRASOUND = frozenset(STORAGE + kind for kind in ("3", "3.1", "6", "6.1"))
ONLY_IF_CLEAN = re.compile(re.escape(STORAGE) + r"(7(\.[1-4])?|77\.1\.\d+(\.\d+)?|6\.2)")
SCREENS = re.compile(r"SCREEN|SAVE|REPORT|DOSE|CAPTURE")
ALMOST_ALL = 0.95  # a region as large as the picture says nothing


@dataclass(frozen=True)
class Region:
    """What stays: columns from x0 up to x1, rows from y0 up to y1."""

    x0: int
    y0: int
    x1: int
    y1: int


def judge(image: Dataset) -> list[Region] | None:
    """What of an object may be shown: some regions, or all (None). Raises Refused."""
    kind = str(image.get("SOPClassUID", ""))
    says = str(image.get("BurnedInAnnotation", "")).strip().upper()
    if str(image.get("RecognizableVisualFeatures", "")).strip().upper() == "YES":
        raise Refused("withheld", "a face can be recognised in it")
    if kind in ULTRASOUND:
        if found := _regions(image):
            return found
        if says != "NO":
            raise Refused("withheld", "it does not say where its picture ends and text begins")
        return None
    if says == "YES":
        raise Refused("withheld", "it says that text is burned into it")
    if any(SCREENS.search(str(value).upper()) for value in image.get("ImageType") or ()):
        raise Refused("withheld", "it is a picture of a screen")
    if kind in PLAIN or (ONLY_IF_CLEAN.fullmatch(kind) and says == "NO"):
        return None
    raise Refused("withheld", "objects of its kind may hold text")


def covered(pixels: Pixels, regions: list[Region], shape: Shape) -> Pixels:
    """A frame of which only the regions are left; black, where black has a number."""
    black = 0
    if shape.photometric == "MONOCHROME1":
        black = (1 << (shape.bits_stored - int(shape.signed))) - 1
    left = np.full_like(pixels, black)
    for one in regions:
        left[one.y0 : one.y1, one.x0 : one.x1] = pixels[one.y0 : one.y1, one.x0 : one.x1]
    return left


def _regions(image: Dataset) -> list[Region]:
    """Of PS3.3 C.8.5.5; none where they tell nothing."""
    rows, columns = int(image.get("Rows") or 0), int(image.get("Columns") or 0)
    found = []
    for item in image.get("SequenceOfUltrasoundRegions") or ():
        names = ("X0", "Y0", "X1", "Y1")
        places = [item.get(f"RegionLocationM{'in' if n[1] == '0' else 'ax'}{n}") for n in names]
        if any(place is None for place in places):
            continue
        x0, y0, x1, y1 = (int(place) for place in places)
        region = Region(max(x0, 0), max(y0, 0), min(x1 + 1, columns), min(y1 + 1, rows))
        if region.x0 < region.x1 and region.y0 < region.y1:
            found.append(region)
    whole = np.zeros((rows, columns), bool)
    for one in found:
        whole[one.y0 : one.y1, one.x0 : one.x1] = True
    return found if whole.size and 0 < whole.mean() < ALMOST_ALL else []
