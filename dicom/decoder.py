"""Where untrusted pixels are decoded: `python -m dicom.decoder NICENESS`, jobs on its stdin.

It holds no secret, listens to nobody, and its memory is limited: what a bomb brings down is this,
and one answer. `dicom.pool` starts it, sets the time and ends it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
import resource
import sys
import warnings
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from msgspec import json, msgpack, structs
from pydicom import Dataset, dcmread

from dicom import anonymous, brief, burned, jobs, progressive, render
from dicom.describe import describe
from dicom.errors import DicomError, Refused
from dicom.pixels import Pixels, Shape, decode, little_endian
from dicom.presentation.image import Image
from dicom.presentation.write import objects, part10
from dicom.syntax import BIG_ENDIAN, Syntax
from dicom.transcode import transcode

MEMORY_MAX_BYTES = 3 << 30  # of addresses; libraries take one, the largest frame twice a half
HEADERS_KEPT = 16
KEPT_BYTES = 32 << 20  # the most that glibc takes
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


def main() -> None:
    """Answer jobs until stdin ends."""
    os.nice(int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _keep_memory()
    warnings.simplefilter("ignore")  # of what is wrong with somebody's file
    asked: BinaryIO = sys.stdin.buffer
    with contextlib.suppress(OSError):  # a picture in one piece, where the kernel lets us
        fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, jobs.PIPE_BYTES)
    said = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints shall not answer
    while len(head := asked.read(4)) == 4:
        job = jobs.job_decoder.decode(asked.read(int.from_bytes(head, "little")))
        content = memoryview(jobs.framed(answer(job)))
        while content:
            content = content[said.write(content) :]


def _keep_memory() -> None:
    """Use an array's pages for the next one: to get them anew takes a third of a picture's time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            mallopt(parameter, KEPT_BYTES)


def answer(job: jobs.Job) -> jobs.Answer:
    """Do it. Whatever goes wrong is the file's fault, and said."""
    try:
        return jobs.Done(_work(job))
    except Refused as refused:
        return jobs.Failed(refused.reason, str(refused))
    except DicomError as error:
        return jobs.Failed("undecodable", str(error))
    except MemoryError:
        return jobs.Failed("size", "it takes more memory than a decoder may have")
    except Exception as error:
        print(f"decoder: {type(error).__name__}", file=sys.stderr)
        return jobs.Failed(
            "undecodable", f"its header or pixels are damaged: {type(error).__name__}"
        )


def _work(job: jobs.Job) -> bytes:
    match job:
        case jobs.Decode(place):
            pixels, shape = _pixels(place)
            return little_endian(pixels, shape.bits_allocated)
        case jobs.Render(place, window, view, png, quality):
            pixels, _ = _pixels(place)
            picture = render.render(pixels, _of(place), place.frame, window, view)
            return render.encode(picture, png, quality)
        case jobs.Transcode(place, table, out):
            transcode(_header(place), _shape(place), Path(place.path), table, Path(out))
            return b""
        case jobs.Deidentify(place, table, out, key):
            _deidentify(place, table, Path(out), key)
            return b""
        case jobs.Progressive(place, out):
            pixels, _ = _pixels(place)
            Path(out).write_bytes(progressive.encode(pixels))
            return b""
        case jobs.Describe(files):
            return msgpack.encode([_described(file) for file in files])
        case jobs.Present(session, headers, author, number):
            images = [Image(json.decode(header)) for header in headers]
            made = objects(session, images, author, number)
            return msgpack.encode([(str(one.SOPInstanceUID), part10(one)) for one in made])
        case jobs.Capture():
            from dicom.captures import image  # FFmpeg, in this process only when it is wanted

            image.write(job)
            return b""


def _deidentify(place: jobs.Place, table: jobs.Table, out: Path, key: bytes) -> None:
    if not table or Syntax(place.syntax).video:
        raise Refused("withheld", "it has no pictures that could be looked at here")
    image = dcmread(place.path, stop_before_pixels=bool(table[0]), force=True)
    regions = burned.judge(image)
    shape = _shape(place)
    frames = (
        _frame(structs.replace(place, frame=number, spans=spans), shape)
        for number, spans in enumerate(table, 1)
    )
    anonymous.write(image, shape, frames, len(table), regions, out, key)


def _described(file: jobs.File) -> bytes:
    try:
        found = describe(Path(file.path), Syntax(file.syntax), file.data_at, file.fallback)
    except (DicomError, OSError, ValueError, RecursionError, zlib.error):
        return b""
    return zlib.compress(found, 3)


def _pixels(place: jobs.Place) -> tuple[Pixels, Shape]:
    shape = _shape(place)
    return decode(_frame(place, shape), shape), shape


def _header(place: jobs.Place) -> Dataset:
    return _read(place.path, not place.spans)


@functools.lru_cache(HEADERS_KEPT)
def _said(path: str, syntax: str, data_at: int) -> brief.Brief | Dataset:
    """What a picture is made by."""
    found = brief.read(path, Syntax(syntax), data_at) if data_at else None
    return _read(path, not data_at) if found is None else found


@functools.lru_cache(HEADERS_KEPT)
def _read(path: str, whole: bool) -> Dataset:
    return dcmread(path, stop_before_pixels=not whole, force=True)


def _of(place: jobs.Place) -> brief.Brief | Dataset:
    return _said(place.path, place.syntax, place.data_at if place.spans else 0)


@functools.lru_cache(HEADERS_KEPT * 4)
def _shape(place: jobs.Place) -> Shape:
    return shape_of(_of(place), place.syntax, _words(place))


def shape_of(image: brief.Brief | Dataset, syntax: str, words: bool = True) -> Shape:
    """What a header says of its pixels. Raises Refused where it says nothing usable."""
    allocated = _integer(image, "BitsAllocated", 0)
    real = allocated in (32, 64) and "PixelRepresentation" not in image
    stored = _integer(image, "BitsStored", allocated) or allocated
    return Shape(
        syntax=syntax,
        rows=_integer(image, "Rows", 0),
        columns=_integer(image, "Columns", 0),
        samples=_integer(image, "SamplesPerPixel", 1),
        bits_allocated=allocated,
        bits_stored=min(stored, allocated),
        high_bit=_integer(image, "HighBit", stored - 1),
        signed=_integer(image, "PixelRepresentation", 0) == 1,
        planar=_integer(image, "PlanarConfiguration", 0) == 1,
        photometric=str(image.get("PhotometricInterpretation", "")),
        real=real,
        words=words,
    )


def _integer(image: brief.Brief | Dataset, keyword: str, default: int) -> int:
    value = image.get(keyword)
    return default if value is None or value == "" else int(value)


def _words(place: jobs.Place) -> bool:
    """Whether big-endian pixel data are OW: their VR stands before them."""
    if place.pixel_at < 8 or place.syntax != BIG_ENDIAN:
        return True
    with Path(place.path).open("rb") as file:
        file.seek(place.pixel_at - 8)
        return file.read(2) != b"OB"


def _frame(place: jobs.Place, shape: Shape) -> bytes:
    if not place.spans:
        return _inside(_header(place), place.frame, shape)
    if shape.bits_allocated == 1 and not place.encapsulated:
        return _bits(place, shape)
    with Path(place.path).open("rb", buffering=0) as file:
        parts = [os.pread(file.fileno(), length, at) for at, length in place.spans]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _bits(place: jobs.Place, shape: Shape) -> bytes:
    """Frames of single bits follow one another without regard to bytes: PS3.5 8.1.1."""
    count = shape.rows * shape.columns * shape.samples
    first = (place.frame - 1) * count
    with Path(place.path).open("rb") as file:
        file.seek(place.pixel_at + first // 8)
        data = file.read((first % 8 + count + 7) // 8)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[first % 8 :][:count]
    return np.packbits(bits, bitorder="little").tobytes()


def _inside(image: Dataset, frame: int, shape: Shape) -> bytes:
    """Of a deflated object, which was read as a whole."""
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        data = image.get(keyword)
        if data:
            break
    else:
        raise Refused("undecodable", "it has no pixels")
    frames = max(_integer(image, "NumberOfFrames", 1), 1)
    length = len(data) // frames
    return bytes(data[(frame - 1) * length : frame * length])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
