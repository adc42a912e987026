"""An Ultrasound Image and an Ultrasound Multi-frame Image: PS3.3 A.6 and A.7.

What their mandatory modules ask is known of a picture from the machine's video output, so it is no
Secondary Capture. What is not known stays out: regions and their scale above all, so that nobody
measures in millimetres, and whether the machine has written a name into the picture.
"""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import msgspec
import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from dicom.captures import clip
from dicom.captures.case import DESCRIPTION
from dicom.errors import Refused
from dicom.jobs import Capture
from dicom.presentation.common import begun

STILL = "image/png"
SERIES_NUMBER = 9501  # behind those of a scanner and of saved views
DERIVED = "Decoded from the live video of a remote examination, which is compressed with loss"
PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
FRAME_TIME = Tag(0x00181063)


def write(asked: Capture) -> None:
    """Make the object and write it as a Part 10 file. Raises Refused; `full`: the disk is."""
    path = Path(asked.path)
    made = _still(path, asked) if asked.media == STILL else _clip(path, asked)
    try:
        dcmwrite(Path(asked.out), made, enforce_file_format=True)
    except OSError:
        raise Refused("full", "the disk is full, or does not work") from None


def _still(path: Path, asked: Capture) -> Dataset:
    pixels = _png(path)
    rows, columns = pixels.shape[:2]
    made = _begun(asked, UltrasoundImageStorage, rows, columns, ExplicitVRLittleEndian)
    made.PhotometricInterpretation = "RGB"
    content = pixels.tobytes()
    made.add_new("PixelData", "OB", content + b"\0" * (len(content) % 2))
    return made


def _clip(path: Path, asked: Capture) -> Dataset:
    loop = clip.read(path, asked.media)
    made = _begun(
        asked, UltrasoundMultiFrameImageStorage, loop.rows, loop.columns, JPEGBaseline8Bit
    )
    made.PhotometricInterpretation = "YBR_FULL_422"
    made.NumberOfFrames = len(loop.frames)
    made.FrameIncrementPointer = FRAME_TIME
    made.FrameTime = f"{loop.step_ms:.3f}"
    made.RecommendedDisplayFrameRate = max(1, round(1000 / loop.step_ms))
    raw = loop.rows * loop.columns * 3 * len(loop.frames)
    made.LossyImageCompressionRatio = f"{raw / sum(map(len, loop.frames)):.2f}"
    made.LossyImageCompressionMethod = "ISO_10918_1"
    made.add_new("PixelData", "OB", encapsulate(loop.frames))
    made["PixelData"].is_undefined_length = True
    return made


def _begun(asked: Capture, sop_class: str, rows: int, columns: int, syntax: UID) -> Dataset:
    """All that both have."""
    about = Dataset.from_json(msgspec.json.decode(asked.about))
    made = begun(about, sop_class, "US", asked.series, asked.author, asked.instance)
    if about.get("PatientComments"):
        made.PatientComments = about.PatientComments
    made.SeriesDate, made.SeriesTime = asked.began_at[:8], asked.began_at[8:]
    made.SeriesNumber, made.SeriesDescription = SERIES_NUMBER, DESCRIPTION
    if asked.media != STILL:
        made.SeriesNumber += asked.number
    made.InstanceNumber = asked.number
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.DerivationDescription = DERIVED
    made.ContentDate, made.ContentTime = asked.taken_at[:8], asked.taken_at[8:]
    made.AcquisitionDateTime = asked.taken_at
    made.PatientOrientation = made.Laterality = None  # type 2C, and not known
    made.Rows, made.Columns = rows, columns
    made.SamplesPerPixel, made.PlanarConfiguration, made.PixelRepresentation = 3, 0, 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.LossyImageCompression = "01"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    return made


def _png(path: Path) -> np.ndarray:
    """Its colours. The size is judged before anything is inflated."""
    content = path.read_bytes()
    if not content.startswith(PNG_HEAD) or len(content) < 33:
        raise Refused("undecodable", "the still is no PNG")
    columns, rows = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    clip.check_size(rows, columns)
    try:
        pixels = imagecodecs.png_decode(content)
    except (imagecodecs.PngError, ValueError):
        raise Refused("undecodable", "the still is damaged") from None
    if pixels.dtype != np.uint8:
        raise Refused("undecodable", "the still has more than eight bits")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    grey = pixels.shape[2] < 3
    colours = np.repeat(pixels[:, :, :1], 3, axis=2) if grey else pixels[:, :, :3]
    return np.ascontiguousarray(colours)
