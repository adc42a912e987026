"""What an index has to know of an object, read from its file: PS3.10 section 7, PS3.3.

`read` judges too: what cannot be found again, or claims sizes that it does not have, is Refused.
"""

from __future__ import annotations

import os
import re
import tempfile
import zlib
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from dicom.elements import PIXEL_DATA, UNDEFINED, WINDOW_BYTES, Coding, Element, Source, Walk
from dicom.errors import Refused
from dicom.syntax import Syntax
from dicom.text import Decoder

PREAMBLE = 128
TEXT_MAX = 16 * 1024  # of one indexed value; the longest VR among them is 10 240 characters
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
UID_MAX = 64  # PS3.5 9.1
FRAME_MAX_BYTES = 1 << 30  # decoded; a film of 20 000 by 20 000 points has 0.8 GB
FRAMES_MAX = 1_000_000  # a slide of 256-pixel tiles stays below
INFLATED_MAX = 1 << 30  # of a deflated data set; what is larger is a bomb, or better not deflated
INFLATION_MAX = 200  # times; text deflates to a tenth, a blank image to a hundredth
PROGRAMS: tuple[bytes, ...] = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
)
PROGRAMS += (b"\xca\xfe\xba\xbe", b"PK\x03\x04", b"%PDF", b"<")

# Attributes that are kept as text, by the keyword that PS3.6 gives them.
TEXTS: dict[int, str] = {
    0x00080005: "SpecificCharacterSet",
    0x00080016: "SOPClassUID",
    0x00080018: "SOPInstanceUID",
    0x00080020: "StudyDate",
    0x00080021: "SeriesDate",
    0x00080023: "ContentDate",
    0x00080030: "StudyTime",
    0x00080031: "SeriesTime",
    0x00080033: "ContentTime",
    0x00080050: "AccessionNumber",
    0x00080060: "Modality",
    0x00080080: "InstitutionName",
    0x00080090: "ReferringPhysicianName",
    0x00081010: "StationName",
    0x00081030: "StudyDescription",
    0x0008103E: "SeriesDescription",
    0x00100010: "PatientName",
    0x00100020: "PatientID",
    0x00100021: "IssuerOfPatientID",
    0x00100030: "PatientBirthDate",
    0x00100040: "PatientSex",
    0x00180015: "BodyPartExamined",
    0x00181030: "ProtocolName",
    0x0020000D: "StudyInstanceUID",
    0x0020000E: "SeriesInstanceUID",
    0x00200010: "StudyID",
    0x00200011: "SeriesNumber",
    0x00200013: "InstanceNumber",
    0x00200060: "Laterality",
    0x00280004: "PhotometricInterpretation",
    0x00280008: "NumberOfFrames",
    0x00400244: "PerformedProcedureStepStartDate",
    0x00400245: "PerformedProcedureStepStartTime",
}
SHORTS: dict[int, str] = {
    0x00280002: "SamplesPerPixel",
    0x00280010: "Rows",
    0x00280011: "Columns",
    0x00280100: "BitsAllocated",
}
FLOAT_PIXELS = frozenset({0x7FE00008, 0x7FE00009})
OFFSET_TABLE, OFFSET_LENGTHS = 0x7FE00001, 0x7FE00002


@dataclass
class Header:
    """One object, as far as the index needs it. Texts are Unicode; numbers absent are None."""

    transfer_syntax: str
    data_at: int  # where the data set begins
    size: int
    text: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    guessed_charset: str | None = None
    frames: int = 0  # 0: no pixel data
    pixel_at: int | None = None  # of the value, or of the first item where encapsulated
    pixel_length: int | None = None  # None: encapsulated
    frame_table: bytes = b""  # encapsulated: pairs of little-endian uint64, see frames.py

    @property
    def sop_class(self) -> str:
        return self.text["SOPClassUID"]

    @property
    def sop_instance(self) -> str:
        return self.text["SOPInstanceUID"]


def read(path: Path, fallback: str | None = None) -> Header:
    """Read a Part 10 file. `fallback` is the charset of a sender who does not say his.

    Raises Refused for what is none, or is not whole, or claims what it has not.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        source = Source(fd)
        syntax, at, meta = _meta(source)
        header = Header(syntax.uid, at, source.size)
        if syntax.deflated:
            _read_inflated(fd, path.parent, at, syntax, header, fallback)
        else:
            _read_set(source, at, syntax, header, fallback)
    finally:
        os.close(fd)
    _judge_uids(header)
    for tag, keyword in ((0x00020002, "SOPClassUID"), (0x00020003, "SOPInstanceUID")):
        said = meta.get(tag)
        if said is not None and said != header.text[keyword]:
            raise Refused("mismatch", f"the file's header and its data set differ in {keyword}")
    return header


def _meta(source: Source) -> tuple[Syntax, int, dict[int, str]]:
    """File meta information: always explicit VR little endian."""
    if source.size < PREAMBLE + 4 or source.read(PREAMBLE, 4) != b"DICM":
        raise Refused("not DICOM", "no DICM after the preamble: not a DICOM Part 10 file")
    if source.read(0, PREAMBLE).startswith(PROGRAMS):
        raise Refused("program", "the preamble is the beginning of a program or document")
    meta: dict[int, str] = {}
    at = PREAMBLE + 4
    walk = Walk(source, Coding())
    while at + 8 <= source.size and source.read(at, 2) == b"\x02\x00":
        element = walk.element(at)
        if element.tag in (0x00020002, 0x00020003, 0x00020010):
            meta[element.tag] = _uid(source.read(element.at, min(element.length, TEXT_MAX)))
        at = element.end
    syntax = Syntax(meta.get(0x00020010, ""))
    if not syntax.known:
        raise Refused("transfer syntax", f"unknown transfer syntax {shown(syntax.uid)}")
    return syntax, at, meta


def _read_inflated(
    fd: int, folder: Path, at: int, syntax: Syntax, header: Header, fallback: str | None
) -> None:
    """Inflate to a file without a name, with a bound, and read that."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    allowed = min(INFLATED_MAX, max(1 << 20, INFLATION_MAX * (header.size - at)))
    with tempfile.TemporaryFile(dir=folder) as out:
        written = 0
        while not inflater.eof and (chunk := os.pread(fd, WINDOW_BYTES, at)):
            at += len(chunk)
            while chunk:
                try:
                    data = inflater.decompress(chunk, 1 << 20)
                except zlib.error:
                    raise Refused("malformed", "the deflated data set cannot be inflated") from None
                written += len(data)
                if written > allowed:
                    raise Refused("bomb", f"inflates to more than {allowed} bytes")
                out.write(data)
                chunk = inflater.unconsumed_tail
        if not inflater.eof:
            raise Refused("truncated", "the deflated data set ends too early")
        out.flush()
        _read_set(Source(out.fileno()), 0, syntax, header, fallback)
    header.pixel_at = header.pixel_length = None  # not to be found in the file by position
    header.frame_table = b""


def _read_set(
    source: Source, at: int, syntax: Syntax, header: Header, fallback: str | None
) -> None:
    walk = Walk(source, syntax.coding)
    raw: dict[str, bytes] = {}
    pixels: Element | None = None
    for element in walk.elements(at):
        tag = element.tag
        if (keyword := TEXTS.get(tag)) is not None:
            if keyword in raw:  # which of them would others believe?
                raise Refused("malformed", f"{keyword} stands there twice")
            if element.length > TEXT_MAX:
                raise Refused("too long", f"{keyword} has {element.length} bytes")
            raw[keyword] = source.read(element.at, element.length)
        elif (keyword := SHORTS.get(tag)) is not None and element.length >= 2:
            value = source.read(element.at, 2)
            header.numbers[keyword] = int.from_bytes(value, syntax.coding.order)
        elif tag == PIXEL_DATA or tag in FLOAT_PIXELS:
            pixels = element
    decoder = Decoder(raw.get("SpecificCharacterSet", b"").decode("ascii", "replace"), fallback)
    for keyword, value in raw.items():
        header.text[keyword] = _uid(value) if keyword.endswith("UID") else decoder.text(value)
    header.guessed_charset = decoder.guessed
    if pixels is not None:
        _read_pixels(source, walk, pixels, syntax, header)


def _read_pixels(
    source: Source, walk: Walk, pixels: Element, syntax: Syntax, header: Header
) -> None:
    numbers = header.numbers
    said = header.text.get("NumberOfFrames", "") or "1"
    try:
        frames = int(said.split("\\")[0])
    except ValueError:
        raise Refused("malformed", "NumberOfFrames is no number") from None
    if not 1 <= frames <= FRAMES_MAX:
        raise Refused("size", f"{frames} frames; 1 to {FRAMES_MAX} are possible")
    bits = (
        numbers.get("Rows", 0)
        * numbers.get("Columns", 0)
        * numbers.get("SamplesPerPixel", 1)
        * numbers.get("BitsAllocated", 8)
    )
    if bits // 8 > FRAME_MAX_BYTES:
        raise Refused("size", f"one frame would have {bits // 8} bytes")
    header.frames = frames
    header.pixel_at = pixels.at
    if pixels.length == UNDEFINED:
        header.frame_table = b"" if syntax.video else _frame_table(source, walk.fragments, frames)
        return
    header.pixel_length = pixels.length
    subsampled = header.text.get("PhotometricInterpretation") in ("YBR_FULL_422", "YBR_PARTIAL_422")
    wanted = (bits * frames + 7) // 8
    if subsampled:
        wanted = wanted * 2 // 3
    if wanted > pixels.length:
        raise Refused("size", f"{wanted} bytes of pixels are claimed, {pixels.length} are there")


def _frame_table(source: Source, items: array[int], frames: int) -> bytes:
    """Where each encapsulated frame's items begin and end. PS3.5 A.4."""
    starts = items[1:-1]  # the first is the basic offset table, the last the end
    end = items[-1]
    if len(starts) < frames:
        raise Refused("size", f"{frames} frames are claimed, {len(starts)} fragments are there")
    if frames == 1:
        firsts = starts[:1]
    elif len(starts) == frames:
        firsts = starts
    else:
        firsts = _firsts(source, items, frames)
    table = array("Q")
    for number, first in enumerate(firsts):
        table.extend((first, firsts[number + 1] if number + 1 < len(firsts) else end))
    return table.tobytes()


def _firsts(source: Source, items: array[int], frames: int) -> array[int]:
    """Frames in several fragments: by the basic offset table, else by where an image starts."""
    count = int.from_bytes(source.read(items[0] + 4, 4), "little") // 4
    starts = items[1:-1]
    if count == frames:
        told = array("Q")
        for number in range(frames):
            at = items[0] + 8 + 4 * number
            told.append(starts[0] + int.from_bytes(source.read(at, 4), "little"))
        known = set(starts)
        if all(at in known for at in told) and sorted(told) == list(told):
            return told
    begun = array(
        "Q", (at for at in starts if source.read(at + 8, 2) in (b"\xff\xd8", b"\xff\x4f"))
    )
    if len(begun) != frames:
        raise Refused(
            "malformed", f"{frames} frames cannot be told apart in {len(starts)} fragments"
        )
    return begun


def _judge_uids(header: Header) -> None:
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        value = header.text.get(keyword, "")
        if not value:
            raise Refused("no UID", f"{keyword} is missing")
        if len(value) > UID_MAX or not UID.fullmatch(value):
            raise Refused("bad UID", f"{keyword} is no UID")


def _uid(value: bytes) -> str:
    return value.rstrip(b"\0 ").decode("ascii", "replace").strip()


def shown(value: str) -> str:
    """A sender's value in a message: short, and nothing that a terminal would act on."""
    return repr(value[:UID_MAX])
