"""Identifiers of queries, between bytes and attributes by keyword: PS3.4 C.2.2, C.6."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from pydicom import Dataset, config
from pydicom.datadict import dictionary_VR, keyword_dict, keyword_for_tag
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from dicom.query import Level
from dicom.syntax import IMPLICIT

config.settings.reading_validation_mode = config.IGNORE
config.settings.writing_validation_mode = config.IGNORE
LEVELS = {
    "PATIENT": Level.PATIENT,
    "STUDY": Level.STUDY,
    "SERIES": Level.SERIES,
    "IMAGE": Level.INSTANCE,
}


class IdentifierError(Exception):
    """The query cannot be understood; the message says why."""


def read(data: bytes, syntax: str) -> tuple[Level, dict[str, str]]:
    """Level, and keys with their values; a list's are joined by backslashes."""
    try:
        found = read_dataset(io.BytesIO(data), syntax == IMPLICIT, True)
        found.decode()
        keys = {
            keyword: _text(element.value)
            for element in found
            if (keyword := keyword_for_tag(element.tag)) and element.VR != "SQ"
        }
    except Exception as error:  # pydicom raises many kinds
        raise IdentifierError(f"the identifier is malformed ({type(error).__name__})") from None
    level = LEVELS.get(keys.pop("QueryRetrieveLevel", ""))
    if level is None:
        raise IdentifierError("QueryRetrieveLevel is none of PATIENT, STUDY, SERIES, IMAGE")
    return level, keys


def write(keys: Mapping[str, str], level: Level, row: Mapping[str, Any], syntax: str) -> bytes:
    """One match: what was asked for, empty where it is not known; texts in UTF-8."""
    answer = Dataset()
    answer.SpecificCharacterSet = "ISO_IR 192"
    answer.QueryRetrieveLevel = next(name for name, one in LEVELS.items() if one is level)
    for keyword in keys:
        if keyword != "SpecificCharacterSet" and keyword in keyword_dict:
            value = row.get(keyword)
            text = "" if value is None else str(value)
            vr = dictionary_VR(keyword_dict[keyword])
            if vr in ("US", "UL", "SS", "SL", "FL", "FD", "AT", "OB", "OW"):
                setattr(answer, keyword, value if isinstance(value, int) else None)
            else:
                setattr(answer, keyword, text)
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = syntax == IMPLICIT, True
    write_dataset(out, answer)
    return out.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float) or not hasattr(value, "__iter__"):
        return str(value)
    if hasattr(value, "original_string") or hasattr(value, "components"):
        return str(value)
    return "\\".join(str(part) for part in value)
