"""Every decodable frame of every real file is the picture that pydicom's own decoders see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from dicom import frames, header, jobs
from dicom.decoder import answer
from dicom.errors import DicomError
from dicom.pixels import Shape, decode
from tests.dicom.samples import PICTURES, TAKEN, real

# JPEG's own arithmetic leaves decoders this free, subsampled colours more so.
TOLERANCE = {"1.2.840.10008.1.2.4.50": 5, "1.2.840.10008.1.2.4.51": 1}
UNDECODABLE = {"JPEG2000-embedded-sequence-delimiter.dcm"}  # to pydicom too
ONLY_OURS = {"JPEG-lossy.dcm"}  # pylibjpeg refuses its padding


def place(path: Path, found: header.Header, frame: int) -> jobs.Place:
    spans: list[frames.Span] = []
    encapsulated = found.pixel_at is not None and found.pixel_length is None
    if encapsulated:
        with path.open("rb") as file:
            spans = frames.encapsulated(found.frame_table, frame, file)
    elif found.pixel_at is not None and found.pixel_length is not None:
        spans = [frames.native(found.pixel_at, found.pixel_length, found.frames, frame)]
    return jobs.Place(
        str(path),
        found.transfer_syntax,
        frame,
        tuple((at, length) for at, length in spans),
        found.pixel_at or 0,
        encapsulated,
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_every_real_file(path: Path) -> None:
    found = TAKEN[path]
    image = pydicom.dcmread(path)
    for frame in {1, found.frames}:
        where = place(path, found, frame)
        said = answer(jobs.Decode(where))
        if path.name in UNDECODABLE:
            assert isinstance(said, jobs.Failed)
            return
        assert isinstance(said, jobs.Done), said
        assert isinstance(answer(jobs.Render(where)), jobs.Done)
        if path.name in ONLY_OURS:
            return
        theirs = image.pixel_array if found.frames == 1 else image.pixel_array[frame - 1]
        if image.BitsAllocated == 1:
            bits = np.unpackbits(np.frombuffer(said.content, np.uint8), bitorder="little")
            ours = bits[: theirs.size].reshape(theirs.shape)
        else:
            ours = np.frombuffer(said.content, theirs.dtype.newbyteorder("<")).reshape(theirs.shape)
        far = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max()
        assert far <= TOLERANCE.get(found.transfer_syntax, 0)


def shape(**more: object) -> Shape:
    plain = {
        "syntax": "1.2.840.10008.1.2.1",
        "rows": 2,
        "columns": 2,
        "samples": 1,
        "bits_allocated": 16,
        "bits_stored": 12,
        "high_bit": 11,
        "signed": False,
        "planar": False,
        "photometric": "MONOCHROME2",
    }
    return Shape(**(plain | more))  # type: ignore[arg-type]


def test_bits_above_the_stored_ones_are_nothing() -> None:
    data = np.array([0xF001, 0x0FFF, 0x1800, 0x0000], "<u2").tobytes()
    assert decode(data, shape()).tolist() == [[1, 0xFFF], [0x800, 0]]
    assert decode(data, shape(signed=True)).tolist() == [[1, -1], [-2048, 0]]


@pytest.mark.parametrize(
    "more",
    [
        {"rows": 65535, "columns": 65535},
        {"samples": 200},
        {"bits_allocated": 12},
        {"rows": 0},
    ],
)
def test_no_picture_has_such_a_shape(more: dict[str, object]) -> None:
    with pytest.raises(DicomError):
        shape(**more)


@pytest.mark.parametrize(
    "name", ["JPEG2000.dcm", "MR_small_RLE.dcm", "JPEG-LL.dcm", "emri_small_jpeg_ls_lossless.dcm"]
)
def test_a_picture_of_another_size_is_refused(name: str) -> None:
    path = real(name)
    found = header.read(path)
    where = place(path, found, 1)
    data = path.read_bytes()
    frame = b"".join(data[at : at + length] for at, length in where.spans)
    image = pydicom.dcmread(path)
    wrong = shape(
        syntax=found.transfer_syntax, rows=image.Rows + 8, columns=image.Columns, bits_stored=16
    )
    with pytest.raises(DicomError):
        decode(frame, wrong)


def test_a_window_spreads_its_values_over_the_greys() -> None:
    path = real("CT_small.dcm")
    found = header.read(path)
    image = pydicom.dcmread(path)
    window = jobs.Window(40, 400)
    said = answer(jobs.Render(place(path, found, 1), window, png=True))
    assert isinstance(said, jobs.Done)
    import cv2

    shown = cv2.imdecode(np.frombuffer(said.content, np.uint8), cv2.IMREAD_UNCHANGED)
    values = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    image.WindowCenter, image.WindowWidth = 40, 400
    theirs = np.clip(((values - 39.5) / 399 + 0.5) * 255, 0, 255)
    assert np.abs(shown.astype(float) - theirs).max() <= 0.51
    assert len(np.unique(shown)) > 100
