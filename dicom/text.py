"""Text of elements as Unicode, whatever the sender meant: PS3.5 6.1.

Real files carry GBK with no (0008,0005) or with ISO_IR 100. Where a character set is missing, text
that is not ASCII is read as UTF-8 if it is that, else as GB18030; where a node is configured with a
fallback, this holds also for what is labelled Latin-1. The object itself is never touched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

GUESSES = ("utf-8", "gb18030")  # strict ones, in this order
VAGUE = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 100"})


class Decoder:
    """Decodes the text values of one data set."""

    def __init__(self, declared: str, fallback: str | None) -> None:
        terms = [term.strip() for term in declared.split("\\")]
        guesses: Sequence[str] = ()
        if set(terms) <= VAGUE and fallback:
            guesses = ("utf-8", fallback)
        elif not declared.strip():
            guesses = GUESSES
        self._guesses = guesses
        self._terms = terms
        self._encodings: list[str] | None = None
        self.guessed: str | None = None  # the encoding that was taken where none was said

    def text(self, value: bytes) -> str:
        """Decode one value, without padding. Never fails: what cannot be read becomes �."""
        value = value.rstrip(b"\0 ")
        if value.isascii() and b"\x1b" not in value:
            return value.decode("ascii").strip()
        for encoding in self._guesses:
            try:
                decoded = value.decode(encoding)
            except (UnicodeDecodeError, LookupError):
                continue
            self.guessed = encoding
            return decoded.strip()
        if self._encodings is None:
            self._encodings = _encodings(self._terms)
        return decode_bytes(value, self._encodings, TEXT_VR_DELIMS).strip()


def _encodings(terms: list[str]) -> list[str]:
    try:
        return list(convert_encodings(terms))
    except (LookupError, ValueError):
        return ["latin_1"]


def name_key(name: str) -> str:
    """A person's name as it is compared: all forms of letters alike, components by one space."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.replace("^", " ").replace("=", " ").split())
