"""Frames as arrays: PS3.5 annex A and section 8. Runs in a decoder's process, never in the server.

`decode` gives stored values as the data set describes them, except that colours come as RGB
wherever the codec or `photometric` says how: a mislabelled JPEG is believed over its label only
where it says itself (APP14) what it holds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from dicom.errors import Refused
from dicom.syntax import BIG_ENDIAN

Pixels = NDArray[Any]

PIXELS_MAX_BYTES = 1 << 29  # of one decoded frame; 16 000 by 16 000 points of two bytes
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
JPEG_8 = "1.2.840.10008.1.2.4.50"
JPEG_12 = "1.2.840.10008.1.2.4.51"
LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 92, 93))
HTJ2K = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203))
JPEG_XL = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112))


@dataclass(frozen=True)
class Shape:
    """What the data set says of its pixels: PS3.3 C.7.6.3."""

    syntax: str
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: bool
    photometric: str
    real: bool = False  # float pixel data
    words: bool = True  # OW: big-endian bytes come in swapped pairs

    def __post_init__(self) -> None:
        possible = self.bits_allocated in (1, 8, 16, 32, 64)
        if not (possible and 1 <= self.samples <= 4 and self.rows and self.columns):
            raise Refused("size", "no picture has such a shape")
        if self.rows * self.columns * self.samples * max(self.bits_allocated, 8) // 8 > (
            PIXELS_MAX_BYTES
        ):
            raise Refused("size", "a frame of this size is not decoded here")

    @property
    def dtype(self) -> np.dtype[np.generic]:
        size = max(self.bits_allocated // 8, 1)
        kind = "f" if self.real else "i" if self.signed else "u"
        return np.dtype(f"{kind}{size}")

    @property
    def array(self) -> tuple[int, ...]:
        flat = (self.rows, self.columns)
        return flat if self.samples == 1 else (*flat, self.samples)


def decode(data: bytes, shape: Shape) -> Pixels:
    """One frame. `data` are its bytes, or the joined fragments. Raises Refused."""
    codec = _CODECS.get(shape.syntax)
    if codec is None:
        return _justified(_native(data, shape), shape)
    try:
        decoded = codec(data, shape)
    except (Refused, MemoryError):
        raise
    except Exception as error:  # each codec has exceptions of its own
        raise Refused("undecodable", f"its codec says {type(error).__name__}") from None
    if decoded.shape == (shape.rows, shape.columns, 1):
        decoded = decoded[:, :, 0]
    if decoded.shape != shape.array:
        raise Refused("undecodable", "the picture is not of the size that is claimed")
    return _justified(_typed(decoded, shape), shape)


def little_endian(pixels: Pixels, bits_allocated: int) -> bytes:
    """As native pixel data of explicit VR little endian hold them."""
    if bits_allocated == 1:
        return np.packbits(pixels, bitorder="little").tobytes()
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tobytes()


def _native(data: bytes, shape: Shape) -> Pixels:
    if shape.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return _shaped(bits, shape)
    if shape.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        return to_rgb(_from_422(data, shape), shape.photometric)
    big = shape.syntax == BIG_ENDIAN
    if big and shape.bits_allocated == 8 and shape.words:
        pairs = np.frombuffer(data[: len(data) // 2 * 2], ">u2")
        data = pairs.astype("<u2").tobytes()
    values: Pixels = np.frombuffer(
        data, shape.dtype.newbyteorder(">" if big else "<"), count=_count(data, shape)
    )
    pixels = _shaped(values.astype(shape.dtype, copy=False), shape)
    return to_rgb(pixels, shape.photometric)


def _count(data: bytes, shape: Shape) -> int:
    count = shape.rows * shape.columns * shape.samples
    if len(data) < count * shape.dtype.itemsize:
        raise Refused("truncated", "the frame is shorter than the picture")
    return count


def _shaped(values: Pixels, shape: Shape) -> Pixels:
    count = shape.rows * shape.columns * shape.samples
    if values.size < count:
        raise Refused("truncated", "the frame is shorter than the picture")
    values = values[:count]
    if shape.samples > 1 and shape.planar:
        planes: Pixels = values.reshape(shape.samples, shape.rows, shape.columns)
        return planes.transpose(1, 2, 0)
    return values.reshape(shape.array)


def _from_422(data: bytes, shape: Shape) -> Pixels:
    """Two luminances share a colour: Y Y B R. PS3.3 C.7.6.3.1.2."""
    count = shape.rows * shape.columns
    if len(data) < count * 2:
        raise Refused("truncated", "the frame is shorter than the picture")
    groups = np.frombuffer(data, np.uint8, count * 2).reshape(-1, 4)
    out = np.empty((count // 2, 2, 3), np.uint8)
    out[:, :, 0] = groups[:, :2]
    out[:, :, 1] = groups[:, 2:3]
    out[:, :, 2] = groups[:, 3:4]
    return out.reshape(shape.rows, shape.columns, 3)


def to_rgb(pixels: Pixels, photometric: str) -> Pixels:
    """From YBR of eight bits: PS3.3 C.7.6.3.1.2. Others stay as they are."""
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or not photometric.startswith("YBR_"):
        return pixels
    if photometric in ("YBR_RCT", "YBR_ICT"):
        return pixels  # the codec undid it
    values = pixels.astype(np.float32)
    y, b, r = values[..., 0], values[..., 1] - 128, values[..., 2] - 128
    if photometric.startswith("YBR_PARTIAL"):
        y, b, r = (y - 16) * (255 / 219), b * (255 / 224), r * (255 / 224)
    rgb = np.stack((y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b), axis=-1)
    converted: Pixels = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    return converted


def _typed(decoded: Pixels, shape: Shape) -> Pixels:
    """Codecs choose a type by precision; the data set says what it means."""
    if decoded.dtype.itemsize > shape.dtype.itemsize:
        decoded = decoded.astype(shape.dtype)
    elif decoded.dtype.itemsize < shape.dtype.itemsize:
        decoded = decoded.astype(np.dtype(f"{decoded.dtype.kind}{shape.dtype.itemsize}"))
    return decoded.view(shape.dtype)


def _justified(pixels: Pixels, shape: Shape) -> Pixels:
    """Only the stored bits, with their sign: others may hold overlays or rubbish."""
    unused = shape.bits_allocated - shape.bits_stored
    if shape.real or shape.samples != 1 or shape.bits_allocated == 1 or unused <= 0:
        return pixels
    above = shape.bits_allocated - 1 - min(shape.high_bit, shape.bits_allocated - 1)
    if shape.syntax in _CODECS:
        above = unused  # what is compressed is right-aligned
    if not shape.signed and above == unused:
        masked: Pixels = pixels & ((1 << shape.bits_stored) - 1)
        return masked
    moved: Pixels = np.left_shift(pixels, above)
    return np.right_shift(moved, unused, out=moved)


# --- codecs ------------------------------------------------------------------------------------


def _rle(data: bytes, shape: Shape) -> Pixels:
    """PS3.5 annex G: a segment for each byte of each sample, the highest first."""
    header = struct.unpack_from("<16I", data)
    size = max(shape.bits_allocated // 8, 1)
    count = shape.samples * size
    if header[0] != count:
        raise Refused("undecodable", f"{header[0]} RLE segments where {count} are needed")
    points = shape.rows * shape.columns
    out = np.empty((points, shape.samples, size), np.uint8)
    ends = [*header[2 : count + 1], len(data)]
    for number, (begin, end) in enumerate(zip(header[1:], ends, strict=False)):
        plane = np.frombuffer(imagecodecs.packbits_decode(data[begin:end]), np.uint8)
        if plane.size < points:
            raise Refused("truncated", "an RLE segment is too short")
        sample, byte = divmod(number, size)
        out[:, sample, size - 1 - byte] = plane[:points]
    pixels: Pixels = out.reshape(-1).view(np.dtype(f"<u{size}")).reshape(shape.array)
    return to_rgb(pixels, shape.photometric)


def _jpeg(data: bytes, shape: Shape) -> Pixels:
    if shape.samples == 1 or shape.bits_allocated > 8:
        return np.asarray(imagecodecs.jpeg_decode(data))
    told = _adobe_transform(data)
    coloured = shape.photometric.startswith("YBR") if told is None else told == 1
    space = "YCBCR" if coloured else "RGB"
    return np.asarray(imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace="RGB"))


def _adobe_transform(data: bytes) -> int | None:
    """What an APP14 segment says: 0 for RGB, 1 for YCbCr; None without one."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (0xDA, 0xD9):
            break
        if marker == 0xEE and data[at + 4 : at + 9] == b"Adobe" and length >= 14:
            return data[at + 15]
        at += 2 + length
    return None


def _jpeg_lossless(data: bytes, shape: Shape) -> Pixels:
    pixels: Pixels = np.asarray(imagecodecs.jpegsof3_decode(data))
    return to_rgb(np.ascontiguousarray(pixels), shape.photometric)


def _jpeg_ls(data: bytes, shape: Shape) -> Pixels:
    return to_rgb(np.asarray(imagecodecs.jpegls_decode(data)), shape.photometric)


def _jpeg_2000(data: bytes, shape: Shape) -> Pixels:
    return to_rgb(np.asarray(imagecodecs.jpeg2k_decode(data, numthreads=1)), shape.photometric)


def _htj2k(data: bytes, shape: Shape) -> Pixels:
    return to_rgb(np.asarray(imagecodecs.htj2k_decode(data)), shape.photometric)


def _jpeg_xl(data: bytes, shape: Shape) -> Pixels:
    return np.asarray(imagecodecs.jpegxl_decode(data, numthreads=1))


def _inflate(data: bytes, shape: Shape) -> Pixels:
    wanted = shape.rows * shape.columns * shape.samples * shape.dtype.itemsize
    return _native(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, wanted + 1), shape)


_CODECS: dict[str, Callable[[bytes, Shape], Pixels]] = {
    RLE: _rle,
    DEFLATED_FRAMES: _inflate,
    JPEG_8: _jpeg,
    JPEG_12: _jpeg,
    **dict.fromkeys(LOSSLESS_JPEG, _jpeg_lossless),
    **dict.fromkeys(JPEG_LS, _jpeg_ls),
    **dict.fromkeys(JPEG_2000, _jpeg_2000),
    **dict.fromkeys(HTJ2K, _htj2k),
    **dict.fromkeys(JPEG_XL, _jpeg_xl),
}
