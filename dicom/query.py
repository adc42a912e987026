"""Searching the index with what DICOM calls matching: PS3.4 C.2.2.2, the same for QIDO and C-FIND.

A value is as it stands in a request: `ZHANG*`, `20260101-20260131`, several UIDs. Empty and `*`
match all. Names compare without regard to case, width and the separators of their components.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import Enum, auto
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, false, literal_column, or_, select

from dicom import schema
from dicom.text import name_key
from dicom.way import Way

RESULTS_MAX = 1000  # of one answer; who wants more asks with an offset
LISTED_MAX = 500  # values in one list
PATIENT, STUDY, SERIES, INSTANCE = (
    schema.patient.c,
    schema.study.c,
    schema.series.c,
    schema.instance.c,
)


class Level(Enum):
    """What one row of an answer is."""

    PATIENT = auto()
    STUDY = auto()
    SERIES = auto()
    INSTANCE = auto()


class _Kind(Enum):
    TEXT = auto()  # wildcards
    NAME = auto()
    RANGE = auto()  # dates and times
    UID = auto()  # lists
    NUMBER = auto()
    MODALITIES = auto()


# What can be matched and is answered: keyword, column, kind. Names match by another column.
_STUDY: dict[str, tuple[Column[Any], _Kind]] = {
    "StudyInstanceUID": (STUDY.uid, _Kind.UID),
    "StudyDate": (STUDY.date, _Kind.RANGE),
    "StudyTime": (STUDY.time, _Kind.RANGE),
    "AccessionNumber": (STUDY.accession, _Kind.TEXT),
    "StudyID": (STUDY.study_id, _Kind.TEXT),
    "StudyDescription": (STUDY.description, _Kind.TEXT),
    "ReferringPhysicianName": (STUDY.referring, _Kind.NAME),
    "PatientName": (STUDY.patient_name, _Kind.NAME),
    "PatientID": (STUDY.patient_id, _Kind.TEXT),
    "IssuerOfPatientID": (STUDY.issuer, _Kind.TEXT),
    "PatientBirthDate": (STUDY.patient_birth_date, _Kind.RANGE),
    "PatientSex": (STUDY.patient_sex, _Kind.TEXT),
    "ModalitiesInStudy": (STUDY.modalities, _Kind.MODALITIES),
    "NumberOfStudyRelatedSeries": (STUDY.series_count, _Kind.NUMBER),
    "NumberOfStudyRelatedInstances": (STUDY.instance_count, _Kind.NUMBER),
}
_SERIES: dict[str, tuple[Column[Any], _Kind]] = {
    "SeriesInstanceUID": (SERIES.uid, _Kind.UID),
    "Modality": (SERIES.modality, _Kind.TEXT),
    "SeriesNumber": (SERIES.number, _Kind.NUMBER),
    "SeriesDescription": (SERIES.description, _Kind.TEXT),
    "BodyPartExamined": (SERIES.body_part, _Kind.TEXT),
    "Laterality": (SERIES.laterality, _Kind.TEXT),
    "ProtocolName": (SERIES.protocol, _Kind.TEXT),
    "StationName": (SERIES.station, _Kind.TEXT),
    "InstitutionName": (SERIES.institution_name, _Kind.TEXT),
    "SeriesDate": (SERIES.date, _Kind.RANGE),
    "SeriesTime": (SERIES.time, _Kind.RANGE),
    "PerformedProcedureStepStartDate": (SERIES.performed_date, _Kind.RANGE),
    "PerformedProcedureStepStartTime": (SERIES.performed_time, _Kind.RANGE),
    "NumberOfSeriesRelatedInstances": (SERIES.instance_count, _Kind.NUMBER),
}
_INSTANCE: dict[str, tuple[Column[Any], _Kind]] = {
    "SOPInstanceUID": (INSTANCE.uid, _Kind.UID),
    "SOPClassUID": (INSTANCE.sop_class, _Kind.UID),
    "AvailableTransferSyntaxUID": (INSTANCE.transfer_syntax, _Kind.UID),
    "InstanceNumber": (INSTANCE.number, _Kind.NUMBER),
    "ContentDate": (INSTANCE.date, _Kind.RANGE),
    "ContentTime": (INSTANCE.time, _Kind.RANGE),
    "Rows": (INSTANCE.rows, _Kind.NUMBER),
    "Columns": (INSTANCE.columns, _Kind.NUMBER),
    "BitsAllocated": (INSTANCE.bits_allocated, _Kind.NUMBER),
    "NumberOfFrames": (INSTANCE.frames, _Kind.NUMBER),
}
_PATIENT: dict[str, tuple[Column[Any], _Kind]] = {
    "PatientID": (PATIENT.patient_id, _Kind.TEXT),
    "IssuerOfPatientID": (PATIENT.issuer, _Kind.TEXT),
    "PatientName": (PATIENT.name, _Kind.NAME),
    "PatientBirthDate": (PATIENT.birth_date, _Kind.RANGE),
    "PatientSex": (PATIENT.sex, _Kind.TEXT),
}
_KEYS = {
    STUDY.patient_name: STUDY.patient_name_key,
    STUDY.referring: STUDY.referring_key,
    PATIENT.name: PATIENT.name_key,
}
ATTRIBUTES: dict[Level, dict[str, tuple[Column[Any], _Kind]]] = {
    Level.PATIENT: _PATIENT,
    Level.STUDY: _STUDY,
    Level.SERIES: _STUDY | _SERIES,
    Level.INSTANCE: _STUDY | _SERIES | _INSTANCE,
}
_FROM = {
    Level.PATIENT: schema.patient,
    Level.STUDY: schema.study,
    Level.SERIES: schema.series.join(schema.study),
    Level.INSTANCE: schema.instance.join(schema.series, INSTANCE.series_ref == SERIES.id).join(
        schema.study, INSTANCE.study_ref == STUDY.id
    ),
}
_OWN = {
    Level.PATIENT: schema.patient,
    Level.STUDY: schema.study,
    Level.SERIES: schema.series,
    Level.INSTANCE: schema.instance,
}
_ORDER: dict[Level, tuple[ColumnElement[Any], ...]] = {
    Level.PATIENT: (PATIENT.name_key, PATIENT.id),
    Level.STUDY: (STUDY.date.desc(), STUDY.id.desc()),
    Level.SERIES: (STUDY.date.desc(), STUDY.id.desc(), SERIES.number, SERIES.id),
    Level.INSTANCE: (SERIES.number, SERIES.id, INSTANCE.number, INSTANCE.id),
}


def statement(
    level: Level,
    institutions: Collection[int] | None,
    match: Mapping[str, str],
    limit: int,
    offset: int,
    way: Way | None = None,
) -> Select[Any]:
    """The query for rows of `level`; each column is labelled by its keyword.

    `institutions` are those whose data may be seen, None for all of them. Keywords that are not in
    ATTRIBUTES[level] do not narrow the answer, as the standard wants it of optional keys. `way`
    is for studies alone.
    """
    known = ATTRIBUTES[level]
    own = _OWN[level].c
    way = way or Way()
    columns = [column.label(keyword) for keyword, (column, _) in known.items()]
    columns += [own.institution_id.label("institution_id"), own.id.label("id")]
    query = select(*columns).select_from(_FROM[level])
    if way.among is not None:
        query = query.where(own.id.in_(sorted(way.among)))
    if institutions is not None:
        owner = own.institution_id if way.among is None else _unindexed(own.institution_id)
        query = query.where(among(owner, institutions))
    for keyword, value in match.items():
        if keyword in known and value.strip() not in ("", "*"):
            named, kind = known[keyword]
            column = _KEYS.get(named, named)
            plain = _unindexed(column) if way.by_date and named is not STUDY.date else column
            query = query.where(_condition(plain, kind, value.strip()))
    listed = any(match.get(key, "*") != "*" for key in ("StudyInstanceUID", "SeriesInstanceUID"))
    order = _ORDER[level] if listed or level in (Level.PATIENT, Level.STUDY) else (own.id.desc(),)
    return query.order_by(*order).limit(min(limit, RESULTS_MAX)).offset(offset)


def _unindexed(column: Column[Any]) -> ColumnElement[Any]:
    """The same in a form by which a planner takes no index of it."""
    return literal_column(f"+{column.table.name}.{column.name}", column.type)


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """One of the values; where there is one, equal to it, which lets an index order the answer."""
    one: ColumnElement[bool] = column == next(iter(values), None)
    return one if len(values) == 1 else column.in_(sorted(values))


def _condition(column: ColumnElement[Any], kind: _Kind, value: str) -> ColumnElement[bool]:
    match kind:
        case _Kind.UID:
            listed = [part.strip() for part in re.split(r"[\\,]", value) if part.strip()]
            return among(column, listed[:LISTED_MAX])
        case _Kind.RANGE:
            return _range(column, value)
        case _Kind.NUMBER:
            return column == int(value) if re.fullmatch(r"[+-]?\d{1,9}", value) else false()
        case _Kind.NAME:
            return _wild(column, name_key(value))
        case _Kind.MODALITIES:
            return or_(*(_one_of(column, part) for part in value.split("\\") if part))
        case _:
            return or_(*(_wild(column, part) for part in value.split("\\") if part))


def _one_of(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """Whether a backslash-separated column has the value among its own."""
    return ("\\" + column + "\\").like(f"%\\{_like(value)}\\%", escape="!")


def _wild(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """`*` and `?`; what stands before the first of them uses the column's index."""
    found = re.search(r"[*?]", value)
    if not found:
        return column == value
    condition: ColumnElement[bool] = column.like(_like(value), escape="!")
    if prefix := value[: found.start()]:
        condition = and_(column >= prefix, column < prefix + "\U0010ffff", condition)
    return condition


def _like(value: str) -> str:
    return re.sub(r"[!%_]", r"!\g<0>", value).replace("*", "%").replace("?", "_")


def _range(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """PS3.4 C.2.2.2.5: `from-to`, either may be missing; 2026 stands for all of it."""
    if "-" not in value:
        return and_(column >= value, column < value + "~") if value else column == ""
    low, _, high = (part.strip() for part in value.partition("-"))
    conditions = [column != ""]
    if low:
        conditions.append(column >= low)
    if high:
        conditions.append(column < high + "~")
    return and_(*conditions)
