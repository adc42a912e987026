"""An object as explicit VR little endian, for who cannot read the syntax that it came in.

The stored object stays as it is; this writes another file, frame after frame, in the memory of one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from dicom.errors import Refused
from dicom.pixels import Shape, decode, little_endian

PIXELS_MAX_BYTES = 0xFFFFFFFE  # what an element's length can say: PS3.5 8.1.1
Table = Sequence[Sequence[tuple[int, int]]]


def transcode(image: Dataset, shape: Shape, source: Path, table: Table, out: Path) -> None:
    """Write `image`, whose frames lie in `source` where `table` says, to `out`."""
    size = shape.rows * shape.columns * shape.samples * max(shape.bits_allocated // 8, 1)
    total = size * len(table)
    if total > PIXELS_MAX_BYTES:
        raise Refused("size", "without compression it is too large for one object")
    copy = Dataset()
    copy.update(image)  # shares the elements: none may be changed, only replaced
    copy.file_meta = FileMetaDataset()
    copy.file_meta.update(image.file_meta)
    copy.file_meta.add_new(0x00020010, "UI", ExplicitVRLittleEndian)
    if table and not table[0]:  # deflated: it was read as a whole
        dcmwrite(out, copy, enforce_file_format=True)
        return
    if shape.samples == 3:
        copy.add_new(0x00280004, "CS", "RGB")
        copy.add_new(0x00280006, "US", 0)
    with out.open("wb") as file, source.open("rb") as stored:
        dcmwrite(file, copy, enforce_file_format=True)
        if not table:
            return
        vr = b"OB" if shape.bits_allocated <= 8 else b"OW"
        file.write(b"\xe0\x7f\x10\x00" + vr + b"\0\0" + (total + total % 2).to_bytes(4, "little"))
        for spans in table:
            pixels = decode(_read(stored, spans), shape)
            file.write(little_endian(pixels, shape.bits_allocated))
        file.write(b"\0" * (total % 2))


def _read(file: BinaryIO, spans: Sequence[tuple[int, int]]) -> bytes:
    return b"".join(os.pread(file.fileno(), length, at) for at, length in spans)
