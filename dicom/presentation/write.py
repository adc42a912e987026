"""A whole session as DICOM objects, and those as files."""

from __future__ import annotations

import io
from collections.abc import Iterable

from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from dicom.errors import Refused
from dicom.presentation.common import NewUid, new_uid
from dicom.presentation.image import Image
from dicom.presentation.keys import key_objects
from dicom.presentation.session import Author, Session
from dicom.presentation.states import states


def objects(
    session: Session,
    images: Iterable[Image],
    author: Author,
    number: int,
    uids: NewUid = new_uid,
) -> list[Dataset]:
    """Presentation states in series `number` and, with key images, a document in the next one.

    `images` are all that the session speaks of, of one study. Raises Refused.
    """
    known = {image.uid: image for image in images}
    if len({str(image.data.get("StudyInstanceUID")) for image in known.values()}) != 1:
        raise Refused("mismatch", "its pictures are not of one study")
    for place in session.places:
        image = known.get(place.instance)
        if image is None or place.frame > image.frames:
            raise Refused("mismatch", "it speaks of a picture that is not there")
    shown = states(session, known, author, uids(), uids)
    made = [state for _, state in shown]
    for state in made:
        state.SeriesNumber = number
    if session.keys:
        document = key_objects(session, known, shown, author, uids(), uids)
        document.SeriesNumber = number + 1
        made.append(document)
    return made


def part10(made: Dataset) -> bytes:
    """It as a file."""
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, made, enforce_file_format=True)
    return out.getvalue()
