"""An object without a patient, as a new file: attributes by the profile, pixels written anew.

Pixels are decoded and written without compression, whatever they came in: what hides in a
compressed stream, in unused bits or behind the last frame does not come along.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from dicom.burned import Region, covered
from dicom.deidentify import deidentified
from dicom.errors import Refused
from dicom.pixels import Shape, decode, little_endian
from dicom.syntax import BIG_ENDIAN
from dicom.transcode import PIXELS_MAX_BYTES


def write(
    image: Dataset,
    shape: Shape,
    frames: Iterator[bytes],
    count: int,
    regions: list[Region] | None,
    out: Path,
    key: bytes,
) -> None:
    """Write it to `out`. `image` may be altered. Raises Refused."""
    size = shape.rows * shape.columns * shape.samples * (shape.bits_allocated // 8)
    if shape.bits_allocated == 1 or shape.real or shape.samples not in (1, 3):
        raise Refused("withheld", "pixels of its kind are not written anew")
    if size * count > PIXELS_MAX_BYTES:
        raise Refused("size", "without compression it is too large for one object")
    made = deidentified(image, key, shape.syntax == BIG_ENDIAN, regions is not None)
    made.BitsStored = shape.bits_stored
    made.HighBit = shape.bits_stored - 1
    if shape.samples == 3:
        made.PhotometricInterpretation = "RGB"
        made.PlanarConfiguration = 0
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with out.open("wb") as file:
        dcmwrite(file, made, enforce_file_format=True)
        vr = b"OB" if shape.bits_allocated <= 8 else b"OW"
        total = size * count
        file.write(b"\xe0\x7f\x10\x00" + vr + b"\0\0" + (total + total % 2).to_bytes(4, "little"))
        for data in frames:
            pixels = decode(data, shape)
            if regions is not None:
                pixels = covered(pixels, regions, shape)
            file.write(little_endian(pixels, shape.bits_allocated))
        file.write(b"\0" * (total % 2))
