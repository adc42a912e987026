"""Attributes without a patient: PS3.15 annex E, Basic Application Confidentiality Profile.

What comes out is made anew from what may stay, so that nothing is forgotten: table E.1-1
(`confidentiality.csv`, of the 2026c edition, as dicom-anonymizer 2.1 has collected it) says what
happens to the attributes that it lists; of the others stay numbers, codes and a few short texts.
Private and retired attributes, overlays, free text, names, and what no dictionary knows go. At
last, a text that holds a piece of the patient's own names or numbers goes wherever it stands.

UIDs are replaced by keyed hashes: the same one within a share, another in every other.
"""

from __future__ import annotations

import csv
import hmac
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydicom import DataElement, Dataset, Sequence
from pydicom.datadict import dictionary_has_tag, dictionary_is_retired, dictionary_keyword
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.multival import MultiValue
from pydicom.uid import UID

from dicom.describe import swapped

METHOD = "Distal: PS3.15 2026c Basic Profile"
NAME = "Anonymous"
DUMMY = "REMOVED"
DUMMIES: dict[str, Any] = {
    **dict.fromkeys(("AE", "CS", "LO", "SH", "LT", "ST", "UC", "UT"), DUMMY),
    **dict.fromkeys(("US", "SS", "UL", "SL", "FL", "FD"), 0),
    **{"PN": NAME, "DA": "19000101", "TM": "000000", "DT": "19000101000000"},
    **{"AS": "000Y", "DS": "0", "IS": "0"},
}
NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"})
KEPT_TEXT = frozenset(  # what says how a picture was made, and codes of published schemes
    {
        *("Manufacturer", "ManufacturerModelName", "SoftwareVersions", "ConvolutionKernel"),
        *("SequenceName", "PulseSequenceName", "FilterType", "RescaleType", "ModalityLUTType"),
        *("WindowCenterWidthExplanation", "StackID", "CodeValue", "CodingSchemeDesignator"),
        *("CodingSchemeVersion", "CodeMeaning", "TransmitCoilName", "ReceiveCoilName"),
        *("GridAbsorbingMaterial", "FilterMaterial", "ImagedNucleus", "ResonantNucleus"),
    }
)
KEPT_BYTES = frozenset({0x00281201, 0x00281202, 0x00281203, 0x00281221, 0x00281222, 0x00281223}) | {
    0x00283006
}
SCHEMES = frozenset({"DCM", "SCT", "SRT", "SNM3", "99SDM", "LN", "UCUM", "RADLEX", "FMA", "UMLS"})
NEVER_TOUCHED = frozenset(
    {"Modality", "PhotometricInterpretation", "BodyPartExamined", "ImageType"}
)
WHO = frozenset(  # besides names: what is looked for in all that stays
    {
        *("PatientID", "OtherPatientIDs", "IssuerOfPatientID", "AccessionNumber", "StudyID"),
        *("PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers", "MedicalRecordLocator"),
        *("AdmissionID", "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"),
        *("StationName", "DeviceSerialNumber", "RequestedProcedureID", "PerformedProcedureStepID"),
        *("ScheduledProcedureStepID", "FillerOrderNumberImagingServiceRequest"),
        *("PlacerOrderNumberImagingServiceRequest", "StudyInstanceUID", "SOPInstanceUID"),
        *("SeriesInstanceUID", "CurrentPatientLocation", "PatientInsurancePlanCodeSequence"),
    }
)
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
CODE_STRING = re.compile(r"[A-Z0-9_ ]{0,16}")
PIXELS, OVERLAYS, CURVES = 0x7FE0, 0x6000, 0x5000
BASIC_PROFILE, CLEAN_PIXELS = "113100", "113101"
MEANINGS = {
    BASIC_PROFILE: "Basic Application Confidentiality Profile",
    CLEAN_PIXELS: "Clean Pixel Data Option",
}


def _table() -> dict[int, str]:
    path = Path(__file__).parent / "confidentiality.csv"
    with path.open(encoding="ascii", newline="") as file:
        return {int(row["tag"], 16): row["action"] for row in csv.DictReader(file)}


ACTIONS = _table()


def new_uid(key: bytes, uid: str) -> str:
    """What stands for a UID in what is made with this key: PS3.5 B.2."""
    made = hmac.digest(key, b"uid\n" + uid.encode("utf-8", "replace"), "sha256")
    return f"2.25.{uuid.UUID(bytes=made[:16], version=4).int}"


def deidentified(image: Dataset, key: bytes, big: bool = False, cleaned: bool = False) -> Dataset:
    """A new data set, without pixels. `image` may be altered; `big`: it came in big endian.

    `cleaned`: what was burned into the pixels is covered.
    """
    correct_ambiguous_vr(image, not big)
    enhanced = "Enhanced" in UID(str(image.get("SOPClassUID", ""))).name
    making = _Making(key, frozenset(_tokens(image)), enhanced, big)
    made = making.of(image)
    patient = str(image.get("PatientID", "")) or str(image.get("StudyInstanceUID", ""))
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName = NAME
    made.PatientID = hmac.digest(key, b"patient\n" + patient.encode(), "sha256").hex()[:8].upper()
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = METHOD
    options = [BASIC_PROFILE, *([CLEAN_PIXELS] if cleaned else [])]
    made.DeidentificationMethodCodeSequence = Sequence(map(_code, options))
    made.LongitudinalTemporalInformationModified = "REMOVED"
    if cleaned:
        made.BurnedInAnnotation = "NO"
    return made


def _code(value: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, "DCM"
    item.CodeMeaning = MEANINGS[value]
    return item


class _Making:
    """One object's way through the table."""

    def __init__(self, key: bytes, tokens: frozenset[str], enhanced: bool, big: bool) -> None:
        self._key = key
        self._tokens = tokens
        self._enhanced = enhanced  # its IOD wants values where others may have none
        self._big = big

    def of(self, image: Dataset) -> Dataset:
        """A data set or item without what identifies."""
        made = Dataset()
        for element in _elements(image):
            if (kept := self._element(element)) is not None:
                made.add(kept)
        return made

    def _element(self, element: DataElement) -> DataElement | None:
        tag = element.tag
        outside = tag.group in (PIXELS, 0x0002, 0x0000) or tag.is_private
        overlaid = CURVES <= tag.group <= CURVES + 0xFF or OVERLAYS <= tag.group <= OVERLAYS + 0xFF
        if outside or overlaid or not dictionary_has_tag(tag):
            return None
        action = ACTIONS.get(int(tag))
        if action is None and dictionary_is_retired(tag):
            return None
        return self._unlisted(element) if action is None else self._listed(element, action)

    def _listed(self, element: DataElement, action: str) -> DataElement | None:
        """Where the table leaves a choice by type: none, but what an enhanced object must have."""
        vr = element.VR
        if action == "U":
            return self._uids(element)
        if action == "X/Z/U*":
            return self._items(element)
        if action == "Z" or (action == "X/Z" and (vr != "SQ" or self._enhanced)):
            return DataElement(element.tag, vr, Sequence() if vr == "SQ" else None)
        if action in ("D", "Z/D") or (action in ("X/D", "X/Z/D") and self._enhanced):
            return DataElement(element.tag, vr, DUMMIES[vr]) if vr in DUMMIES else None
        return None

    def _unlisted(self, element: DataElement) -> DataElement | None:
        vr, value = element.VR, element.value
        keyword = dictionary_keyword(element.tag)
        if vr == "SQ":
            return self._items(element)
        if vr == "UI":
            return self._uids(element)
        if vr in NUMBERS:
            return element
        if int(element.tag) in KEPT_BYTES and isinstance(value, bytes):
            if self._big and vr == "OW":
                value = swapped(value, 2)
            return DataElement(element.tag, vr, value)
        if vr in ("DS", "IS"):
            good = all(NUMBER.fullmatch(str(one)) for one in _values(value))
        elif vr == "CS":
            good = all(CODE_STRING.fullmatch(str(one)) for one in _values(value))
            good = good and (keyword in NEVER_TOUCHED or not self._tells(value, least=4))
        else:
            good = keyword in KEPT_TEXT and not self._tells(value)
        if good:
            return element
        # Its IOD may want it; what is never wanted goes.
        stead = {"LO": DUMMY, "SH": DUMMY, "CS": None}
        return DataElement(element.tag, vr, stead[vr]) if vr in stead else None

    def _items(self, element: DataElement) -> DataElement | None:
        items = [self.of(item) for item in element.value if not _private_code(item)]
        if any(len(item) for item in items):
            return DataElement(element.tag, "SQ", Sequence(items))
        codes = dictionary_keyword(element.tag).endswith("CodeSequence")
        return None if codes else DataElement(element.tag, "SQ", Sequence())

    def _uids(self, element: DataElement) -> DataElement | None:
        if element.VR != "UI":
            return None
        made = [
            str(one) if _registered(str(one)) else new_uid(self._key, str(one))
            for one in _values(element.value)
        ]
        return DataElement(element.tag, "UI", made if len(made) > 1 else "".join(made))

    def _tells(self, value: Any, least: int = 0) -> bool:
        text = " ".join(map(str, _values(value))).casefold()
        return any(token in text for token in self._tokens if len(token) >= least)


def _elements(image: Dataset) -> Iterator[DataElement]:
    """Those that can be read: what cannot is not for others."""
    for tag in sorted(image.keys()):
        try:
            element = image[tag]
            yield element
        except Exception:  # noqa: S112  every VR has errors of its own
            continue


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, MultiValue)) else [value]


def _registered(uid: str) -> bool:
    """Of the standard itself: PS3.6 annex A. Empty ones tell nothing either."""
    return not uid or UID(uid).name != uid


def _private_code(item: Dataset) -> bool:
    """A code whose meaning somebody has typed."""
    return "CodeMeaning" in item and str(item.get("CodingSchemeDesignator", "")) not in SCHEMES


def _tokens(image: Dataset) -> Iterator[str]:
    """Pieces of what identifies, in small letters."""
    for element in _elements(image):
        if element.VR == "SQ":
            for item in element.value:
                yield from _tokens(item)
        elif element.VR == "PN":
            for value in _values(element.value):
                yield from _long_enough(re.split(r"[\^=\s,]+", str(value)))
        elif element.keyword in WHO:
            yield from _long_enough(map(str, _values(element.value)), least=3)


def _long_enough(parts: Any, least: int = 2) -> Iterator[str]:
    for part in parts:
        text = part.strip().casefold()
        if len(text) >= least or (text and not text.isascii()):
            yield text
