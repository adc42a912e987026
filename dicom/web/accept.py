"""The Accept header as PS3.18 8.7.4 uses it: RFC 9110 12.5.1 with media types inside parameters.

Clients write `multipart/related; type="application/dicom"; transfer-syntax=*` with quotes and
without, in one line or in several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dicom.web.errors import BadRequest

TEXT_MAX = 4096
PARTS_MAX = 64
WORD = r"[^\s;,=\"]+"
PARAMETER = re.compile(rf"\s*;\s*({WORD})\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;,\s]*)\s*")
TYPE = re.compile(rf"\s*({WORD})\s*")
MULTIPART = "multipart/related"


@dataclass(frozen=True)
class Media:
    """One media range."""

    type: str  # as the whole body has it
    part: str = ""  # what a multipart body consists of; empty: whatever
    syntax: str = ""  # transfer syntax; `*`: as it is stored; empty: nothing said
    quality: float = 1.0

    @property
    def multipart(self) -> bool:
        return self.type == MULTIPART

    @property
    def content(self) -> str:
        """The type of one object, in parts or alone; `*/*` where all will do."""
        return (self.part or "*/*") if self.multipart else self.type


def parse(values: Iterable[str]) -> list[Media]:
    """What is accepted, the most wanted first. Nothing said means everything."""
    text = ",".join(values)
    if len(text) > TEXT_MAX:
        raise BadRequest("the Accept header is too long")
    found: list[Media] = []
    at = 0
    while at < len(text) and len(found) < PARTS_MAX:
        kind = TYPE.match(text, at)
        if kind is None:
            at += 1  # an empty member, or rubbish
            continue
        parameters, at = _parameters(text, kind.end())
        at = (text.find(",", at) + 1) or len(text)
        found.append(_media(kind[1].lower(), parameters))
    wanted = [media for media in found if media.quality > 0]
    return sorted(wanted, key=lambda media: -media.quality) or [Media("*/*")]


def content_type(text: str) -> tuple[str, dict[str, str]]:
    """The type and the parameters of a Content-Type header."""
    kind = TYPE.match(text[:TEXT_MAX])
    if kind is None:
        return "", {}
    return kind[1].lower(), _parameters(text[:TEXT_MAX], kind.end())[0]


def _parameters(text: str, at: int) -> tuple[dict[str, str], int]:
    """Those from `at`, by names in small letters; and where they end."""
    found: dict[str, str] = {}
    while (said := PARAMETER.match(text, at)) is not None:
        value = said[2]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found[said[1].lower()] = value
        at = said.end()
    return found, at


def _media(kind: str, parameters: dict[str, str]) -> Media:
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        quality = 0.0
    return Media(
        kind, parameters.get("type", "").lower(), parameters.get("transfer-syntax", ""), quality
    )


def covers(wanted: str, offered: str) -> bool:
    """Whether a media range includes a type."""
    if wanted in ("*/*", "*", offered):
        return True
    return wanted.endswith("/*") and offered.startswith(wanted[:-1])
