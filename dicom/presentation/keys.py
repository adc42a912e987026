"""A key object selection document: PS3.3 A.35.4, its content by PS3.16 TID 2010."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom import Dataset
from pydicom.uid import KeyObjectSelectionDocumentStorage

from dicom.presentation.common import NewUid, begun, person
from dicom.presentation.image import Image
from dicom.presentation.session import Author, Session
from dicom.presentation.states import Group, Images

# PS3.16 annex D and CID 7010
OF_INTEREST = ("113000", "Of Interest")
DESCRIPTION = ("113012", "Key Object Description")
OBSERVER_TYPE, PERSON = ("121005", "Observer Type"), ("121006", "Person")
OBSERVER_NAME = ("121008", "Person Observer Name")


def key_objects(
    session: Session,
    images: Images,
    states: Sequence[tuple[Group, Dataset]],
    author: Author,
    series: str,
    new_uid: NewUid,
) -> Dataset:
    """The document that names the key images, with the states in which they are to be seen."""
    frames: dict[str, set[int]] = {}
    for key in session.keys:
        frames.setdefault(key.instance, set()).add(key.frame)
    chosen = [images[uid] for uid in frames]
    patient = images[session.places[0].instance]
    made = begun(patient.data, KeyObjectSelectionDocumentStorage, "KO", series, author, new_uid())
    made.InstanceNumber = 1
    made.ContentDate, made.ContentTime = author.at[:8], author.at[8:]
    if session.title:
        made.SeriesDescription = session.title
    made.ReferencedPerformedProcedureStepSequence = []
    shown_in = {image.uid: _states_of(image.uid, frames[image.uid], states) for image in chosen}
    used = {state.SOPInstanceUID: state for found in shown_in.values() for state in found}
    made.CurrentRequestedProcedureEvidenceSequence = [
        _evidence(made.StudyInstanceUID, chosen, used.values())
    ]
    made.ValueType = "CONTAINER"
    made.ConceptNameCodeSequence = [_code(OF_INTEREST)]
    made.ContinuityOfContent = "SEPARATE"
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    made.ContentTemplateSequence = [template]
    content = _observer(author)
    if session.title:
        text = _content("CONTAINS", "TEXT", DESCRIPTION)
        text.TextValue = session.title
        content.append(text)
    for image in chosen:
        item = _content("CONTAINS", "IMAGE")
        reference = image.reference(frozenset(frames[image.uid]))
        if found := shown_in[image.uid]:
            reference.ReferencedSOPSequence = [_of(found[0])]  # PS3.3 C.18.4: at most one
        item.ReferencedSOPSequence = [reference]
        content.append(item)
    made.ContentSequence = content
    return made


def _states_of(
    uid: str, frames: set[int], states: Iterable[tuple[Group, Dataset]]
) -> list[Dataset]:
    return [state for group, state in states if frames & group.frames.get(uid, set())][:1]


def _evidence(study: str, images: Iterable[Image], states: Iterable[Dataset]) -> Dataset:
    """Every object that the content names: PS3.3 C.17.2."""
    series: dict[str, list[Dataset]] = {}
    for image in images:
        series.setdefault(image.series, []).append(image.reference())
    for state in states:
        series.setdefault(state.SeriesInstanceUID, []).append(_of(state))
    made = Dataset()
    made.StudyInstanceUID = study
    made.ReferencedSeriesSequence = []
    for uid, objects in series.items():
        item = Dataset()
        item.SeriesInstanceUID, item.ReferencedSOPSequence = uid, objects
        made.ReferencedSeriesSequence.append(item)
    return made


def _of(made: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = (
        made.SOPClassUID,
        made.SOPInstanceUID,
    )
    return item


def _observer(author: Author) -> list[Dataset]:
    """TID 1002: a person."""
    kind = _content("HAS OBS CONTEXT", "CODE", OBSERVER_TYPE)
    kind.ConceptCodeSequence = [_code(PERSON)]
    name = _content("HAS OBS CONTEXT", "PNAME", OBSERVER_NAME)
    name.PersonName = person(author.name)
    return [kind, name]


def _content(relationship: str, kind: str, name: tuple[str, str] | None = None) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = relationship, kind
    if name:
        item.ConceptNameCodeSequence = [_code(name)]
    return item


def _code(said: tuple[str, str]) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodeMeaning = said
    item.CodingSchemeDesignator = "DCM"
    return item
