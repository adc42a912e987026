"""DICOM JSON of an object: PS3.18 annex F, written straight from the elements of its file.

It is made once, in a decoder's process, and served as it is. Bulk data are named by where they lie
in the file, relative to the instance (`./bulkdata/AT-LENGTH-UNIT`, `./pixeldata`); who serves it
puts the instance's address before them. That no text of a sender can look like such a name is seen
to by JSON itself, which escapes quotation marks.
"""

from __future__ import annotations

import base64
import functools
import math
import mmap
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pydicom.datadict import dictionary_VR, private_dictionary_VR

from dicom.elements import (
    DEPTH_MAX,
    ELEMENTS_MAX,
    ITEM,
    ITEM_END,
    LONG,
    PIXEL_DATA,
    SEQUENCE_END,
    UNDEFINED,
)
from dicom.errors import Refused
from dicom.syntax import Syntax
from dicom.text import Decoder

INLINE_MAX = 2048  # bytes; what is longer is fetched by who wants it
TABLE_MAX = 1 << 18  # of look-up tables, which a viewer needs before the first picture
TEXT_MAX = 1 << 20  # of one value
INFLATED_MAX = 1 << 28
CHARSET = 0x00080005
AVAILABLE_SYNTAX = 0x00083002
DOCUMENT = 0x00420011  # shown by a reader of its own, however short
PIXELS = frozenset({PIXEL_DATA, 0x7FE00008, 0x7FE00009})
TABLES = frozenset({0x00281201, 0x00281202, 0x00281203, 0x00283006, 0x00281221, 0x00281222}) | {
    0x00281223
}
DESCRIPTORS = frozenset({0x00281101, 0x00281102, 0x00281103, 0x00283002})
Value = dict[str, Any]
Set = dict[str, Value]

_NUMBERS = {
    "US": ("H", 2),
    "SS": ("h", 2),
    "UL": ("I", 4),
    "SL": ("i", 4),
    "UV": ("Q", 8),
    "SV": ("q", 8),
    "FL": ("f", 4),
    "FD": ("d", 8),
}
_BINARY = {"OB": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "UN": 1}
_ONE_TEXT = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a letter in them
_DECODED = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})  # (0008,0005) says how


def describe(path: Path, syntax: Syntax, data_at: int, fallback: str = "") -> bytes:
    """The JSON object of one Part 10 file. Raises Refused where its elements cannot be read."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        if syntax.deflated:
            inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(view[data_at:], INFLATED_MAX)
            found = of_bytes(inflated, syntax, 0, fallback, None)
        else:
            found = of_bytes(view, syntax, data_at, fallback, path)
    found[_name(AVAILABLE_SYNTAX)] = {"vr": "UI", "Value": [syntax.uid]}
    return msgspec.json.encode(dict(sorted(found.items())))


def of_bytes(
    data: bytes | mmap.mmap, syntax: Syntax, at: int, fallback: str, bulk: Path | None
) -> Set:
    """The data set that begins at `at`. Without `bulk`, long values cannot be named by place."""
    try:
        walk = _Describer(data, syntax.coding.big, fallback, bulk is not None)
        return walk.elements(at, len(data), syntax.coding.explicit, _Context(), 0)[0]
    except (struct.error, IndexError):
        raise Refused("truncated", "an element ends behind the end of the file") from None


class _Context:
    """What earlier elements of a data set say about later ones."""

    def __init__(self, outer: _Context | None = None) -> None:
        self.decoder: Decoder | None = outer.decoder if outer else None
        self.signed: bool = outer.signed if outer else False
        self.creators: dict[int, str] = {}


class _Describer:
    """One pass over the bytes of one object."""

    def __init__(self, data: bytes | mmap.mmap, big: bool, fallback: str, by_place: bool) -> None:
        self._data = data
        self._end = ">" if big else "<"
        self._big = big
        self._fallback = fallback or None
        self._by_place = by_place
        self._left = ELEMENTS_MAX
        self._short = struct.Struct(self._end + "HH2sH")
        self._long = struct.Struct(self._end + "I")
        self._implicit = struct.Struct(self._end + "HHI")

    def elements(
        self, at: int, end: int, explicit: bool, context: _Context, depth: int
    ) -> tuple[Set, int]:
        """Those from `at` to `end` or the end of their item; and where that is."""
        if depth > DEPTH_MAX:
            raise Refused("malformed", f"sequences {DEPTH_MAX} deep")
        found: Set = {}
        context.decoder = context.decoder or Decoder("", self._fallback)
        while at + 8 <= end:
            self._left -= 1
            if self._left < 0:
                raise Refused("too long", f"more than {ELEMENTS_MAX} elements")
            tag, vr, value, length, unknown = self._head(at, explicit, context)
            if tag == ITEM_END:
                return found, value
            if tag == 0:
                break  # padding
            if length != UNDEFINED and value + length > end:
                raise Refused("truncated", f"{_name(tag)} ends behind what it is in")
            if tag in PIXELS and depth == 0:
                found[_name(tag)] = {"vr": vr, "BulkDataURI": "./pixeldata"}
                at = self._after(tag, value, length, end)
                continue
            if vr == "SQ" or length == UNDEFINED:
                inside = explicit and not unknown  # PS3.5 6.2.2
                items, at = self._items(tag, value, length, end, inside, context, depth)
                found[_name(tag)] = items
                continue
            at = value + length
            if tag & 0xFFFF == 0 or tag >> 16 == 2:
                continue  # group lengths are none of the content
            found[_name(tag)] = self._value(tag, vr, value, length, context)
        return found, at

    def _head(self, at: int, explicit: bool, context: _Context) -> tuple[int, str, int, int, bool]:
        """Tag, VR, where the value is, its length, and whether the sender knew no VR."""
        if not explicit:
            group, element, length = self._implicit.unpack_from(self._data, at)
            tag = group << 16 | element
            return tag, _known_vr(tag, context), at + 8, length, False
        group, element, raw, length = self._short.unpack_from(self._data, at)
        tag = group << 16 | element
        if group == 0xFFFE:
            return tag, "", at + 8, self._long.unpack_from(self._data, at + 4)[0], False
        if raw not in LONG:
            return tag, raw.decode("ascii", "replace"), at + 8, length, False
        length = self._long.unpack_from(self._data, at + 8)[0]
        if raw == b"UN":  # to the sender; it need not be to us
            return tag, _known_vr(tag, context), at + 12, length, True
        return tag, raw.decode("ascii"), at + 12, length, False

    def _after(self, tag: int, at: int, length: int, end: int) -> int:
        if length != UNDEFINED:
            return at + length
        while at + 8 <= end:  # fragments
            group, element, size = self._implicit.unpack_from(self._data, at)
            at += 8
            if group << 16 | element == SEQUENCE_END:
                return at
            at += size
        raise Refused("truncated", f"{_name(tag)} has no end")

    def _items(
        self,
        tag: int,
        at: int,
        length: int,
        end: int,
        explicit: bool,
        context: _Context,
        depth: int,
    ) -> tuple[Value, int]:
        """A sequence, and where it ends."""
        last = end if length == UNDEFINED else at + length
        values: list[Set] = []
        while at + 8 <= last:
            group, element, size = self._implicit.unpack_from(self._data, at)
            at += 8
            kind = group << 16 | element
            if kind == SEQUENCE_END:
                break
            if kind != ITEM:
                raise Refused("malformed", f"no item in {_name(tag)}")
            stop = last if size == UNDEFINED else at + size
            if stop > last:
                raise Refused("truncated", f"an item of {_name(tag)} is too long")
            inner, at = self.elements(at, stop, explicit, _Context(context), depth + 1)
            if size != UNDEFINED:
                at = stop
            values.append(inner)
        return {"vr": "SQ", "Value": values} if values else {"vr": "SQ"}, at

    def _value(self, tag: int, vr: str, at: int, length: int, context: _Context) -> Value:
        if length == 0:
            return {"vr": vr}
        if vr in _BINARY:
            return self._binary(tag, vr, at, length)
        if (number := _NUMBERS.get(vr)) is not None:
            return self._numbers(tag, vr, at, length, *number, context)
        if length > TEXT_MAX:
            return self._bulk("UN", at, length, 1)
        raw = self._data[at : at + length]
        if tag == CHARSET:
            context.decoder = Decoder(raw.decode("ascii", "replace"), self._fallback)
        if vr == "AT":
            pairs = struct.iter_unpack(self._end + "HH", raw[: length // 4 * 4])
            return {"vr": vr, "Value": [f"{group:04X}{element:04X}" for group, element in pairs]}
        values = _texts(vr, raw, context.decoder)
        if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF and values:
            context.creators[tag & 0xFFFF] = str(values[0])
        if tag == CHARSET:
            values = ["ISO_IR 192"]  # of this JSON
        return {"vr": vr, "Value": values} if any(v is not None for v in values) else {"vr": vr}

    def _numbers(
        self, tag: int, vr: str, at: int, length: int, code: str, size: int, context: _Context
    ) -> Value:
        count = length // size
        if length > TABLE_MAX:
            return self._bulk(vr, at, length, size)
        values: Sequence[float] = struct.unpack_from(f"{self._end}{count}{code}", self._data, at)
        if tag == 0x00280103:
            context.signed = values[0] == 1 if values else False
        if vr in ("FL", "FD"):
            return {"vr": vr, "Value": [_finite(value) for value in values]}
        return {"vr": vr, "Value": list(values)}

    def _binary(self, tag: int, vr: str, at: int, length: int) -> Value:
        unit = _BINARY[vr]
        most = 0 if tag == DOCUMENT else TABLE_MAX if tag in TABLES else INLINE_MAX
        if length > most and self._by_place:
            return self._bulk(vr, at, length, unit)
        raw = self._data[at : at + length]
        if self._big and unit > 1:
            raw = swapped(raw, unit)
        return {"vr": vr, "InlineBinary": base64.b64encode(raw).decode("ascii")}

    def _bulk(self, vr: str, at: int, length: int, unit: int) -> Value:
        if not self._by_place:
            return {"vr": vr}
        return {"vr": vr, "BulkDataURI": f"./bulkdata/{at}-{length}-{unit if self._big else 1}"}


def swapped(raw: bytes, unit: int) -> bytes:
    """Bytes of big-endian words of `unit` bytes in little endian."""
    whole = len(raw) // unit * unit
    out = bytearray(raw)
    for offset in range(unit):
        out[offset:whole:unit] = raw[unit - 1 - offset : whole : unit]
    return bytes(out)


def _texts(vr: str, raw: bytes, decoder: Decoder | None) -> list[Any]:
    if vr in _DECODED and decoder is not None:
        text = decoder.text(raw)
    else:
        text = raw.decode("ascii", "replace").rstrip("\0 ")
    if vr in _ONE_TEXT:
        return [text] if text else []
    convert = _CONVERT.get(vr, _plain)
    return [convert(part) for part in text.split("\\")]


def _plain(text: str) -> str | None:
    return text.strip(" \0") or None


def _integer(text: str) -> float | str | None:
    try:
        return int(text)
    except ValueError:
        return _decimal(text)


def _decimal(text: str) -> float | str | None:
    try:
        return _finite(float(text))
    except ValueError:
        return _plain(text)


def _finite(value: float) -> float | str:
    """JSON has no other numbers: PS3.18 F.2.2 wants them as text."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def person(text: str) -> dict[str, str] | None:
    """A person's name, its groups apart: PS3.18 F.2.2."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
    return {name: part.strip() for name, part in groups if part.strip()} or None


_CONVERT: dict[str, Callable[[str], Any]] = {"IS": _integer, "DS": _decimal, "PN": person}


def _known_vr(tag: int, context: _Context) -> str:
    """By the dictionary, for implicit VR."""
    group, element = tag >> 16, tag & 0xFFFF
    if group & 1:
        if element < 0x1000:
            return "LO" if 0x10 <= element <= 0xFF else "UN"
        creator = context.creators.get(element >> 8)
        return _private_vr(tag, creator) if creator else "UN"
    vr = _public_vr(tag)
    if vr == "US or SS":
        return "SS" if context.signed and tag not in DESCRIPTORS else "US"
    return vr


@functools.lru_cache(8192)
def _public_vr(tag: int) -> str:
    if tag & 0xFFFF == 0:
        return "UL"
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    return {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}.get(vr, vr)


@functools.lru_cache(4096)
def _private_vr(tag: int, creator: str) -> str:
    try:
        vr = private_dictionary_VR(tag, creator)
    except KeyError:
        return "UN"
    return vr if len(vr) == 2 else "UN"


@functools.lru_cache(16384)
def _name(tag: int) -> str:
    return f"{tag:08X}"
