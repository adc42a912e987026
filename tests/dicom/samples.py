"""DICOM objects for tests: made ones, and all those that pydicom and pydicom-data ship."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom.data
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from dicom import header
from dicom.errors import DicomError
from dicom.syntax import Syntax

FOLDERS = [Path(pydicom.data.__file__).parent, Path(data_store.__file__).parent]
REAL = sorted(path for folder in FOLDERS for path in folder.rglob("*.dcm"))


def _header(path: Path) -> header.Header | None:
    try:
        return header.read(path)
    except DicomError:
        return None


TAKEN = {path: found for path in REAL if (found := _header(path)) is not None}
PICTURES = [
    path
    for path, found in TAKEN.items()
    if found.frames and not Syntax(found.transfer_syntax).video
]


def real(name: str) -> Path:
    """A shipped file by its name."""
    return next(path for path in REAL if path.name == name)


def ct(number: int = 1, study: str = "1.2.3", series: str = "1.2.3.4", **more: Any) -> Dataset:
    """A small CT image. `more` are attributes by keyword; None leaves one out."""
    image = Dataset()
    image.SOPClassUID = CTImageStorage
    image.StudyInstanceUID = study
    image.SeriesInstanceUID = series
    image.SOPInstanceUID = f"{series}.{number}"
    image.PatientName = "Zhang^San"
    image.PatientID = "P1"
    image.StudyDate = "20260102"
    image.StudyTime = "101500"
    image.Modality = "CT"
    image.SeriesNumber = 3
    image.InstanceNumber = number
    image.Rows, image.Columns = 16, 24
    image.SamplesPerPixel, image.BitsAllocated, image.BitsStored, image.HighBit = 1, 16, 12, 11
    image.PixelRepresentation = 0
    image.PhotometricInterpretation = "MONOCHROME2"
    points = np.random.default_rng(number).integers(0, 4096, (16, 24), dtype=np.uint16)
    image.PixelData = points.tobytes()
    for keyword, value in more.items():
        if value is None:
            delattr(image, keyword)
        else:
            setattr(image, keyword, value)
    return image


def part10(image: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """It as a file."""
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.file_meta.MediaStorageSOPClassUID = image.get("SOPClassUID", "1.2")
    image.file_meta.MediaStorageSOPInstanceUID = image.get("SOPInstanceUID", "1.2")
    out = io.BytesIO()
    pydicom.dcmwrite(out, image, enforce_file_format=True)
    return out.getvalue()
