"""Whose a capture is: the patient of the study that was open, or nobody whom we know.

A patient is never guessed. Where no study was open the patient is marked as unidentified, with the
room's name, apart for each consultation; somebody has to say later who it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from pydicom.datadict import tag_for_keyword

from dicom.presentation.common import person
from dicom.presentation.image import IF_THERE, PATIENT, STUDY

Said = dict[str, Any]  # DICOM JSON, PS3.18 annex F
UNKNOWN_NAME, UNKNOWN_NAME_ZH = "UNIDENTIFIED", "未识别患者"
UNKNOWN_TEXT = "No study was open in the consultation: identify the patient before use"
DESCRIPTION = "Remote ultrasound"


@dataclass(frozen=True)
class Case:
    """Where a capture goes. `about`: patient and study as its objects repeat them, DICOM JSON."""

    study: str
    about: bytes
    patient: str  # as a person reads it; empty: unidentified
    own: bool  # a study of the consultation, not one that was there


def open_study(study: str, said: Mapping[str, Any]) -> Case:
    """The study itself, `said` by one of its objects: what is captured is added to it."""
    return _case(study, _of(said, (*PATIENT, *STUDY, *IF_THERE)), own=False)


def of_the_same_patient(
    said: Mapping[str, Any], holder: str, consultation: uuid.UUID, institution: str, began: datetime
) -> Case:
    """A study of the consultation, beside one that another institution (`holder`) keeps."""
    about = _of(said, (*PATIENT, "IssuerOfPatientID"))
    issuer = _first(about, "IssuerOfPatientID") or holder
    about[_tag("IssuerOfPatientID")] = {"vr": "LO", "Value": [issuer[:64]]}
    whose = f"{institution}\0{issuer}\0{_first(about, 'PatientID')}\0{_name(about)}"
    return _own(about, consultation, whose, began)


def unidentified(consultation: uuid.UUID, room: str, institution: str, began: datetime) -> Case:
    """A study of the consultation whose patient nobody has named."""
    where = person(room)
    name = {"Alphabetic": f"{UNKNOWN_NAME}^{where}", "Ideographic": f"{UNKNOWN_NAME_ZH}（{where}）"}
    number = f"{UNKNOWN_NAME}-{uuid.uuid5(consultation, institution).hex[:8]}"
    about: Said = {
        _tag("PatientName"): {"vr": "PN", "Value": [name]},
        _tag("PatientID"): {"vr": "LO", "Value": [number]},
        _tag("PatientComments"): {"vr": "LT", "Value": [UNKNOWN_TEXT]},
    }
    return _own(about, consultation, f"{institution}\0", began, known=False)


def series_of(
    case: Case, consultation: uuid.UUID, institution: str, clip: uuid.UUID | None = None
) -> str:
    """Where a consultation adds to a study: stills together, each clip for itself, to be played."""
    return _uid(uuid.uuid5(consultation, f"series\0{institution}\0{case.study}\0{clip or ''}"))


def instance_of(capture: uuid.UUID) -> str:
    """The same for who sends the same capture again."""
    return _uid(capture)


def _own(
    about: Said, consultation: uuid.UUID, whose: str, began: datetime, known: bool = True
) -> Case:
    study = _uid(uuid.uuid5(consultation, whose))
    about |= {
        _tag("StudyInstanceUID"): {"vr": "UI", "Value": [study]},
        _tag("StudyDate"): {"vr": "DA", "Value": [began.strftime("%Y%m%d")]},
        _tag("StudyTime"): {"vr": "TM", "Value": [began.strftime("%H%M%S")]},
        _tag("StudyDescription"): {"vr": "LO", "Value": [DESCRIPTION]},
    }
    return _case(study, about, own=True, known=known)


def _case(study: str, about: Said, own: bool, known: bool = True) -> Case:
    patient = (_name(about) or _first(about, "PatientID") or "") if known else ""
    return Case(study, msgspec.json.encode(about), patient, own)


def _of(said: Mapping[str, Any], keywords: tuple[str, ...]) -> Said:
    return {tag: said[tag] for tag in map(_tag, keywords) if tag in said}


def _first(about: Mapping[str, Any], keyword: str) -> Any:
    values = about.get(_tag(keyword), {}).get("Value") or [""]
    return values[0]


def _name(about: Mapping[str, Any]) -> str:
    """The written name before the spelled one."""
    name = _first(about, "PatientName") or {}
    said = name.get("Ideographic") or name.get("Alphabetic") or ""
    return " ".join(str(said).replace("^", " ").split())


def _tag(keyword: str) -> str:
    return f"{tag_for_keyword(keyword):08X}"


def _uid(of: uuid.UUID) -> str:
    return f"2.25.{of.int}"
