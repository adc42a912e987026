"""QIDO-RS, PS3.18 10.6: a request's query as keys to match, and rows as DICOM JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from dicom.describe import person
from dicom.query import ATTRIBUTES, RESULTS_MAX, Level
from dicom.web.errors import BadRequest

VALUE_MAX = 32 * 1024  # a list of five hundred UIDs
KEYS_MAX = 100
OFFSET_MAX = 10_000_000
RANGE = re.compile(r"[0-9.:]*(-[0-9.:]*)?")
LISTS = frozenset({"ModalitiesInStudy", "SOPClassUID"})
FLAGS = frozenset({"emptyvaluematching", "multiplevaluematching", "accept", "_"})
WHOLE_NUMBERS = frozenset({"US", "UL", "SS", "SL", "IS"})

_PARENTS = {
    Level.STUDY: (),
    Level.SERIES: ("StudyInstanceUID",),
    Level.INSTANCE: ("StudyInstanceUID", "SeriesInstanceUID"),
}


@dataclass
class Query:
    """What was asked."""

    match: dict[str, str] = field(default_factory=dict)
    limit: int = RESULTS_MAX
    offset: int = 0
    more: list[str] = field(default_factory=list)  # tags that the index has not, eight digits
    everything: bool = False  # includefield=all
    warnings: list[str] = field(default_factory=list)


def parse(level: Level, said: Iterable[tuple[str, str]], path: Mapping[str, str]) -> Query:
    """Read the query part of an address. `path` are UIDs in it, by keyword. Raises BadRequest."""
    query = Query()
    fuzzy = False
    for count, (name, value) in enumerate(said):
        if count >= KEYS_MAX or len(value) > VALUE_MAX:
            raise BadRequest("the query is too long")
        lower = name.lower()
        if lower == "limit":
            query.limit = min(_number(name, value, 1_000_000_000), RESULTS_MAX)
        elif lower == "offset":
            query.offset = _number(name, value, OFFSET_MAX)
        elif lower == "fuzzymatching":
            fuzzy = value.lower() == "true"
        elif lower == "includefield":
            _include(level, query, value)
        elif lower not in FLAGS:
            _match(level, query, name, value)
    if fuzzy:
        for keyword in ("PatientName", "ReferringPhysicianName"):
            if value := query.match.get(keyword, "").strip("*"):
                query.match[keyword] = f"*{value}*"
    query.match |= path
    return query


def answer(
    level: Level, rows: Iterable[Mapping[str, Any]], root: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Rows of `Archive.find` as DICOM JSON; `root` says where an institution's studies are."""
    return [_object(level, row, root(row["institution"])) for row in rows]


def add(
    found: list[dict[str, Any]], descriptions: Iterable[bytes], tags: Iterable[str] | None
) -> None:
    """Put attributes of the instances themselves into an answer; None: all that they have."""
    for one, said in zip(found, descriptions, strict=True):
        own: dict[str, Any] = msgspec.json.decode(said)
        for tag in own if tags is None else tags:
            if tag in own and tag not in one and "BulkDataURI" not in own[tag]:
                one[tag] = own[tag]


def document(description: bytes) -> tuple[int, int] | None:
    """Where (0042,0011) Encapsulated Document lies in its file, and its true length."""
    own: dict[str, Any] = msgspec.json.decode(description)
    place = own.get("00420011", {}).get("BulkDataURI", "")
    said = re.fullmatch(r"\./bulkdata/(\d+)-(\d+)-1", place)
    if said is None:
        return None
    length = own.get("00420015", {}).get("Value", [int(said[2])])[0]
    return int(said[1]), min(int(length), int(said[2]))


def encode(found: list[dict[str, Any]]) -> bytes:
    """As a body."""
    return msgspec.json.encode(found)


def _number(name: str, value: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value.strip()) or int(value) > most:
        raise BadRequest(f"{name} is a number up to {most}")
    return int(value)


def _keyword(name: str) -> str:
    """The keyword of an attribute, which may be given as a tag. Raises BadRequest."""
    keyword = name
    if re.fullmatch(r"[0-9a-fA-F]{8}", name):
        keyword = keyword_for_tag(int(name, 16)) or name
    elif tag_for_keyword(name) is None:
        raise BadRequest(f"no attribute {name[:64]!r}: give a keyword or eight hexadecimal digits")
    return keyword


def _match(level: Level, query: Query, name: str, value: str) -> None:
    if "." in name:
        query.warnings.append(f"{name[:64]} is not matched")
        return
    keyword = _keyword(name)
    if keyword not in ATTRIBUTES[level]:
        query.warnings.append(f"{keyword} is not matched")
        return
    vr = dictionary_VR(keyword)
    if vr in ("DA", "TM"):
        if not RANGE.fullmatch(value):
            raise BadRequest(f"{keyword} is a date or time such as 20260131, or a range with -")
        value = value.replace(":", "")
    if vr == "UI" or keyword in LISTS:
        value = value.replace(",", "\\")
    earlier = query.match.get(keyword)
    query.match[keyword] = value if earlier is None else f"{earlier}\\{value}"


def _include(level: Level, query: Query, value: str) -> None:
    for name in value.split(","):
        name = name.strip()
        if name.lower() == "all":
            query.everything = True
        elif name and "." not in name:
            keyword = _keyword(name)
            if keyword not in ATTRIBUTES[level]:
                tag = tag_for_keyword(keyword)
                query.more.append(name.upper() if tag is None else f"{tag:08X}")


def _object(level: Level, row: Mapping[str, Any], root: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00081190": {"vr": "UR", "Value": [address(level, row, root)]},
    }
    for keyword, tag, vr in _COLUMNS[level]:
        value = row[keyword]
        if keyword == "NumberOfFrames" and not value:
            continue
        found[tag] = _value(vr, value)
    return dict(sorted(found.items()))


def address(level: Level, row: Mapping[str, Any], root: str) -> str:
    """Where the study, series or instance of a row is retrieved."""
    parts = [root, "studies", row["StudyInstanceUID"]]
    if level is not Level.STUDY:
        parts += ["series", row["SeriesInstanceUID"]]
    if level is Level.INSTANCE:
        parts += ["instances", row["SOPInstanceUID"]]
    return "/".join(parts)


def _value(vr: str, value: Any) -> dict[str, Any]:
    if value is None or value == "":
        return {"vr": vr}
    if vr == "PN":
        name = person(value)
        return {"vr": vr, "Value": [name]} if name else {"vr": vr}
    if vr in WHOLE_NUMBERS:
        return {"vr": vr, "Value": [int(value)]}
    return {"vr": vr, "Value": str(value).split("\\")}


def _columns(level: Level) -> list[tuple[str, str, str]]:
    return [
        (keyword, f"{tag_for_keyword(keyword):08X}", dictionary_VR(keyword))
        for keyword in ATTRIBUTES[level]
    ]


_COLUMNS = {level: _columns(level) for level in (Level.STUDY, Level.SERIES, Level.INSTANCE)}
