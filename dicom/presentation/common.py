"""The modules of every object that is made here: patient, study, series, equipment, SOP common."""

from __future__ import annotations

from collections.abc import Callable

from pydicom import Dataset
from pydicom.uid import generate_uid

from dicom.presentation.image import IF_THERE, PATIENT, STUDY
from dicom.presentation.session import Author

NewUid = Callable[[], str]
NAME_MAX = 64


def new_uid() -> str:
    """One that nobody had before: PS3.5 B.2."""
    return str(generate_uid(prefix=None))


def begun(
    about: Dataset, sop_class: str, modality: str, series: str, author: Author, uid: str
) -> Dataset:
    """An object of the patient and study that `about` tells of, in a series of its own."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = sop_class
    made.SOPInstanceUID = uid
    made.InstanceCreationDate, made.InstanceCreationTime = author.at[:8], author.at[8:]
    for keyword in (*PATIENT, *STUDY):  # type 2: there, if empty
        setattr(made, keyword, about.get(keyword))
    for keyword in IF_THERE:
        if about.get(keyword):
            setattr(made, keyword, about.get(keyword))
    made.Modality = modality
    made.SeriesInstanceUID = series
    made.SeriesDate, made.SeriesTime = author.at[:8], author.at[8:]
    made.Manufacturer = made.ManufacturerModelName = "Distal"
    made.SoftwareVersions = author.software
    return made


def person(name: str) -> str:
    """A name as PN has it: the letters that part its components are none of it."""
    return "".join(" " if letter in "^=\\" else letter for letter in name).strip()[:NAME_MAX]
