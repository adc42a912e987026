"""What a stored picture says of itself, as far as objects that refer to it repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

from dicom.errors import Refused

PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID"),
    "AccessionNumber",
)
IF_THERE = ("IssuerOfPatientID", "StudyDescription")
_PICTURE = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "NumberOfFrames"),
    *("Rows", "Columns", "PhotometricInterpretation", "PixelSpacing", "ImagerPixelSpacing"),
    *("PixelAspectRatio", "RescaleSlope", "RescaleIntercept", "RescaleType", "WindowCenter"),
    *("WindowWidth", "ModalityLUTSequence", "Laterality"),
)
TAGS = {f"{tag_for_keyword(word):08X}" for word in (*PATIENT, *STUDY, *IF_THERE, *_PICTURE)}


class Image:
    """One object, by its DICOM JSON. Raises Refused where that is none of a picture."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        try:
            self.data = Dataset.from_json({tag: said[tag] for tag in TAGS & said.keys()})
            self.rows, self.columns = int(self.data.Rows), int(self.data.Columns)
            if self.rows < 1 or self.columns < 1:
                raise ValueError("it has no pixels")
            self.frames = int(self.data.get("NumberOfFrames") or 1)
            self.sop_class = str(self.data.SOPClassUID)
            self.uid = str(self.data.SOPInstanceUID)
            self.series = str(self.data.SeriesInstanceUID)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Refused("malformed", f"no picture, by its header: {error}") from None
        photometric = str(self.data.get("PhotometricInterpretation", ""))
        self.coloured = not photometric.startswith("MONOCHROME")
        self.inverse = photometric == "MONOCHROME1"

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.columns, self.rows

    @property
    def rescale(self) -> tuple[float, float] | None:
        """Slope and intercept, as one state has them for all its pictures."""
        slope, intercept = self.data.get("RescaleSlope"), self.data.get("RescaleIntercept")
        if slope is None or intercept is None:
            return None
        return float(slope), float(intercept)

    @property
    def window(self) -> tuple[float, float] | None:
        """Centre and width that it asks for itself."""
        centre = _first(self.data.get("WindowCenter"))
        width = _first(self.data.get("WindowWidth"))
        return None if centre is None or width is None or width < 1 else (centre, width)

    @property
    def spacing(self) -> tuple[float, float] | None:
        """Between rows and between columns, mm."""
        for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
            value = self.data.get(keyword)
            if value is not None and not isinstance(value, (str, float)) and len(value) == 2:
                return float(value[0]), float(value[1])
        return None

    def reference(self, frames: frozenset[int] = frozenset()) -> Dataset:
        """An item that names it (PS3.3 table 10-3); of several frames, those."""
        item = Dataset()
        item.ReferencedSOPClassUID = self.sop_class
        item.ReferencedSOPInstanceUID = self.uid
        if frames and self.frames > 1:
            item.ReferencedFrameNumber = sorted(frames)
        return item


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except TypeError:
        return float(value[0]) if len(value) else None
