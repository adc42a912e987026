"""The one writer of the index: a batch of instances in one durable commit.

Rows of patient, study and series come with their first instance and keep what it said. Identities
of series are remembered, so that a further instance costs one row and two counts. All methods are
called by one thread.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, insert, select, update

from dicom import pieces, schema
from dicom.errors import Refused
from dicom.header import Header
from dicom.prepared import Prepared
from dicom.text import name_key

SERIES_REMEMBERED = 10_000
INTEGER_MAX = 2**31 - 1  # IS, PS3.5 6.2


@dataclass(frozen=True)
class Entry:
    """An object that is about to be indexed."""

    institution: str
    header: Header
    digest: bytes
    key: str
    sender: str = ""
    fallback: str = ""

    @property
    def uid(self) -> str:
        return self.header.sop_instance


@dataclass(frozen=True)
class Known:
    """What the index says of an instance that it has."""

    digest: bytes
    transfer_syntax: str


@dataclass(frozen=True)
class _Place:
    """Identities of the rows above an instance."""

    institution: int
    study: int
    series: int
    study_uid: str
    patient_id: str


class IndexWriter:
    """Writes what `dicom.archive` reads."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()
        self._institutions: dict[str, int] = {}
        self._places: OrderedDict[tuple[int, str], _Place] = OrderedDict()
        counted = update(schema.study).where(schema.study.c.id == bindparam("identity"))
        count = schema.study.c.instance_count + bindparam("more")
        self._instance = Prepared(insert(schema.instance), engine, list(_COLUMNS))
        self._series_count = Prepared(
            update(schema.series)
            .where(schema.series.c.id == bindparam("identity"))
            .values(instance_count=schema.series.c.instance_count + bindparam("more")),
            engine,
        )
        self._study_count = Prepared(
            counted.values(instance_count=count, changed_ms=bindparam("now")), engine
        )

    def close(self) -> None:
        """Let go of the data base."""
        self._connection.close()

    def known(self, entries: Sequence[Entry]) -> list[Known | None]:
        """What the index has under each one's institution and UID."""
        found: dict[tuple[int, str], Known] = {}
        with self._connection.begin():
            connection = self._connection
            ids = [self._institution(connection, entry.institution) for entry in entries]
            table = schema.instance
            uids = {entry.header.sop_instance for entry in entries}
            columns = (table.c.institution_id, table.c.uid, table.c.digest, table.c.transfer_syntax)
            for institution in set(ids):
                query = select(*columns).where(
                    table.c.institution_id == institution, table.c.uid.in_(sorted(uids))
                )
                for row in connection.execute(query):
                    found[row[0], row[1]] = Known(row[2], row[3])
        pairs = zip(ids, entries, strict=True)
        return [found.get((number, entry.header.sop_instance)) for number, entry in pairs]

    def add(self, entries: Sequence[Entry]) -> None:
        """Index new instances whose objects are durable. All or none; durable on return.

        Raises IntegrityError where one is there already (`known` tells), and Refused where one is
        at odds with what is indexed.
        """
        now = round(time.time() * 1000)
        try:
            with self._connection.begin():
                self._add(self._connection, entries, now)
        except BaseException:
            self._places.clear()  # it may remember rows that were rolled back
            self._institutions.clear()
            raise

    def object_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that are indexed."""
        found: set[str] = set()
        column = schema.instance.c.object_key
        with self._connection.begin():
            for start in range(0, len(keys), 500):
                query = select(column).where(column.in_(keys[start : start + 500]))
                found.update(self._connection.scalars(query))
        return found

    def quarantined(self, row: dict[str, Any]) -> None:
        """Note what was refused; durable on return."""
        row["received_ms"] = round(time.time() * 1000)
        with self._connection.begin():
            self._connection.execute(insert(schema.quarantine), [row])

    def _add(self, connection: Connection, entries: Sequence[Entry], now: int) -> None:
        series_counts: dict[int, int] = {}
        study_counts: dict[int, int] = {}
        tables: list[tuple[tuple[int, str], bytes]] = []
        rows: list[dict[str, Any]] = []
        for entry in entries:
            place = self._place(connection, entry, now)
            series_counts[place.series] = series_counts.get(place.series, 0) + 1
            study_counts[place.study] = study_counts.get(place.study, 0) + 1
            rows.append(_instance_row(entry, place, now))
            if entry.header.frame_table:
                place_uid = (place.institution, entry.header.sop_instance)
                tables.append((place_uid, entry.header.frame_table))
        self._instance.run(connection, rows)
        for (institution, uid), pairs in tables:
            row = (
                select(schema.instance.c.id)
                .where(schema.instance.c.institution_id == institution)
                .where(schema.instance.c.uid == uid)
                .scalar_subquery()
            )
            connection.execute(insert(schema.frame_table).values(instance_ref=row, pairs=pairs))
        for identity, more in series_counts.items():
            self._series_count.run(connection, [{"identity": identity, "more": more}])
        for identity, more in study_counts.items():
            self._study_count.run(connection, [{"identity": identity, "more": more, "now": now}])

    def _institution(self, connection: Connection, name: str) -> int:
        if name not in self._institutions:
            table = schema.institution
            found = connection.scalar(select(table.c.id).where(table.c.name == name))
            self._institutions[name] = found or _inserted(connection, table, name=name)
        return self._institutions[name]

    def _place(self, connection: Connection, entry: Entry, now: int) -> _Place:
        text = entry.header.text
        institution = self._institution(connection, entry.institution)
        key = (institution, text["SeriesInstanceUID"])
        place = self._places.get(key)
        if place is None:
            place = self._find(connection, institution, text)
            if place is None:
                place = self._make(connection, institution, text, now)
            self._places[key] = place
            if len(self._places) > SERIES_REMEMBERED:
                self._places.popitem(last=False)
        if place.study_uid != text["StudyInstanceUID"]:
            raise Refused("mismatch", "its series belongs to another study")
        if place.patient_id != text.get("PatientID", ""):
            table = schema.study
            connection.execute(
                update(table).where(table.c.id == place.study).values(patients_differ=True)
            )
        return place

    def _find(
        self, connection: Connection, institution: int, text: dict[str, str]
    ) -> _Place | None:
        study, series = schema.study, schema.series
        row = connection.execute(
            select(study.c.id, series.c.id, study.c.uid, study.c.patient_id)
            .join(study, study.c.id == series.c.study_ref)
            .where(series.c.institution_id == institution)
            .where(series.c.uid == text["SeriesInstanceUID"])
        ).first()
        return _Place(institution, *row) if row else None

    def _make(
        self, connection: Connection, institution: int, text: dict[str, str], now: int
    ) -> _Place:
        """Make the series, and what is above it as far as it is not there."""
        table = schema.study
        study = connection.execute(
            select(table.c.id, table.c.patient_id, table.c.modalities)
            .where(table.c.institution_id == institution)
            .where(table.c.uid == text["StudyInstanceUID"])
        ).first()
        modality = text.get("Modality", "")
        if study is None:
            patient = self._patient(connection, institution, text)
            row = _study_row(text) | {"modalities": modality}
            row |= {"institution_id": institution, "patient_ref": patient, "series_count": 1}
            study_id = _inserted(connection, table, received_ms=now, changed_ms=now, **row)
            pieces.add(connection, study_id, row)
            patient_id = row["patient_id"]
        else:
            study_id, patient_id = study[0], study[1]
            modalities = sorted({*study[2].split("\\"), modality} - {""})
            connection.execute(
                update(table)
                .where(table.c.id == study_id)
                .values(series_count=table.c.series_count + 1, modalities="\\".join(modalities))
            )
        row = _series_row(text) | {"institution_id": institution, "study_ref": study_id}
        series = _inserted(connection, schema.series, received_ms=now, **row)
        return _Place(institution, study_id, series, text["StudyInstanceUID"], patient_id)

    def _patient(self, connection: Connection, institution: int, text: dict[str, str]) -> int:
        table = schema.patient
        issuer, patient_id = text.get("IssuerOfPatientID", ""), text.get("PatientID", "")
        name = text.get("PatientName", "")
        query = (
            select(table.c.id)
            .where(table.c.institution_id == institution)
            .where(table.c.issuer == issuer)
            .where(table.c.patient_id == patient_id)
        )
        found = connection.scalar(query)
        return found or _inserted(
            connection,
            table,
            institution_id=institution,
            issuer=issuer,
            patient_id=patient_id,
            name=name,
            name_key=name_key(name),
            birth_date=text.get("PatientBirthDate", ""),
            sex=text.get("PatientSex", ""),
        )


_COLUMNS = [
    *("institution_id", "study_ref", "series_ref", "uid", "sop_class", "transfer_syntax"),
    *("number", "date", "time", "rows", "columns", "samples", "bits_allocated", "photometric"),
    *("frames", "pixel_at", "pixel_length", "size", "data_at", "digest", "object_key", "sender"),
    *("fallback", "received_ms"),
]


def _inserted(connection: Connection, table: Table, **values: Any) -> int:
    return int(
        connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one()
    )


def _study_row(text: dict[str, str]) -> dict[str, Any]:
    patient, referring = text.get("PatientName", ""), text.get("ReferringPhysicianName", "")
    return {
        "uid": text["StudyInstanceUID"],
        "date": text.get("StudyDate", ""),
        "time": text.get("StudyTime", ""),
        "accession": text.get("AccessionNumber", ""),
        "study_id": text.get("StudyID", ""),
        "description": text.get("StudyDescription", ""),
        "referring": referring,
        "referring_key": name_key(referring),
        "patient_id": text.get("PatientID", ""),
        "issuer": text.get("IssuerOfPatientID", ""),
        "patient_name": patient,
        "patient_name_key": name_key(patient),
        "patient_birth_date": text.get("PatientBirthDate", ""),
        "patient_sex": text.get("PatientSex", ""),
    }


def _series_row(text: dict[str, str]) -> dict[str, Any]:
    return {
        "uid": text["SeriesInstanceUID"],
        "modality": text.get("Modality", ""),
        "number": _number(text.get("SeriesNumber", "")),
        "description": text.get("SeriesDescription", ""),
        "body_part": text.get("BodyPartExamined", ""),
        "laterality": text.get("Laterality", ""),
        "protocol": text.get("ProtocolName", ""),
        "station": text.get("StationName", ""),
        "institution_name": text.get("InstitutionName", ""),
        "date": text.get("SeriesDate", ""),
        "time": text.get("SeriesTime", ""),
        "performed_date": text.get("PerformedProcedureStepStartDate", ""),
        "performed_time": text.get("PerformedProcedureStepStartTime", ""),
    }


def _instance_row(entry: Entry, place: _Place, now: int) -> dict[str, Any]:
    header = entry.header
    text, numbers = header.text, header.numbers
    return {
        "institution_id": place.institution,
        "study_ref": place.study,
        "series_ref": place.series,
        "uid": header.sop_instance,
        "sop_class": header.sop_class,
        "transfer_syntax": header.transfer_syntax,
        "number": _number(text.get("InstanceNumber", "")),
        "date": text.get("ContentDate", ""),
        "time": text.get("ContentTime", ""),
        "rows": numbers.get("Rows"),
        "columns": numbers.get("Columns"),
        "samples": numbers.get("SamplesPerPixel"),
        "bits_allocated": numbers.get("BitsAllocated"),
        "photometric": text.get("PhotometricInterpretation", ""),
        "frames": header.frames,
        "pixel_at": header.pixel_at,
        "pixel_length": header.pixel_length,
        "size": header.size,
        "data_at": header.data_at,
        "digest": entry.digest,
        "object_key": entry.key,
        "sender": entry.sender,
        "fallback": entry.fallback,
        "received_ms": now,
    }


def _number(text: str) -> int | None:
    """An integer string, where it is one."""
    try:
        value = int(text.split("\\")[0])
    except ValueError:
        return None
    return value if abs(value) <= INTEGER_MAX else None
