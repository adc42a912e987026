"""The short way through a search for studies: a few that alone can match, or from the newest on.

An index of names finds all that match and then has to sort them by date; where thousands match,
the twenty that are asked for are found sooner by walking from the newest study on. Which of the two
is looked up, with a bound, before the search: no planner can know it from averages.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, select

from dicom import pieces, schema
from dicom.text import name_key

FEW = 500  # studies are looked at one by one in 2 ms
STUDY, SERIES = schema.study.c, schema.series.c
INDEXED: dict[str, Column[str]] = {  # by an index of their own, from their beginning
    "PatientName": STUDY.patient_name_key,
    "PatientID": STUDY.patient_id,
    "AccessionNumber": STUDY.accession,
    "PatientBirthDate": STUDY.patient_birth_date,
}
PIECES: dict[str, Column[str]] = {
    "PatientName": STUDY.patient_name_key,
    "ReferringPhysicianName": STUDY.referring_key,
    "StudyDescription": STUDY.description,
    "PatientID": STUDY.patient_id,
    "AccessionNumber": STUDY.accession,
    "StudyID": STUDY.study_id,
}
NAMES = frozenset({"PatientName", "ReferringPhysicianName"})
WILD = re.compile(r"[*?]")


@dataclass(frozen=True)
class Way:
    """How to search. `among`: no other study can match. `by_date`: by no index but that."""

    among: frozenset[int] | None = None
    by_date: bool = False


def look(
    connection: Connection, institutions: Collection[int] | None, match: Mapping[str, str]
) -> Way:
    """Choose, for a search by `match`."""
    said = {key: value.strip() for key, value in match.items() if value.strip() not in ("", "*")}
    if said.get("StudyInstanceUID"):
        return Way()
    by_date = False
    wanted: dict[str, str] = {}
    for key, value in said.items():
        if key in NAMES:
            value = name_key(value)
        begins, wild = _beginning(value)
        if key in INDEXED and begins:
            if not wild:
                return Way()
            by_date |= _many(connection, institutions, INDEXED[key], begins)
        elif key in PIECES and "\\" not in value:
            wanted[PIECES[key].name] = value
    among = None
    if wanted:
        among = pieces.candidates(connection, wanted, FEW + 1)
    if among is None and "ModalitiesInStudy" in said:
        among = _with(connection, institutions, said["ModalitiesInStudy"].split("\\"))
    if among is not None and len(among) > FEW:
        among, by_date = None, True
    return Way(None if among is None else frozenset(among), by_date)


def _beginning(value: str) -> tuple[str, bool]:
    """What stands before the first wildcard, and whether there is one."""
    found = WILD.search(value)
    return (value[: found.start()], True) if found else (value, False)


def _many(
    connection: Connection,
    institutions: Collection[int] | None,
    column: Column[str],
    begins: str,
) -> bool:
    query = select(STUDY.id).where(column >= begins, column < begins + "\U0010ffff")
    if institutions is not None:
        query = query.where(STUDY.institution_id.in_(institutions))
    return len(connection.execute(query.limit(FEW + 1)).all()) > FEW


def _with(
    connection: Connection, institutions: Collection[int] | None, modalities: Collection[str]
) -> list[int]:
    query = select(SERIES.study_ref).where(SERIES.modality.in_([one for one in modalities if one]))
    if institutions is not None:
        query = query.where(SERIES.institution_id.in_(institutions))
    return [row[0] for row in connection.execute(query.limit(FEW + 1))]
