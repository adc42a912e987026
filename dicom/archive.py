"""All reading: find studies, series and instances, and get at their bytes.

One `Archive` serves many threads. Its methods wait for the disk: an event loop calls them by
`asyncio.to_thread`. `institutions` says whose data the asker may see, None for everybody's; what he
may not see does not exist for him (NotFound).

    archive = Archive(data_dir / "dicom")
    rows = archive.find(Level.STUDY, {"default"}, {"PatientName": "zhang*"})
    for instance in archive.instances({"default"}, study=rows[0]["StudyInstanceUID"]):
        with archive.open(instance) as file: ...
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine, RowMapping, Select, bindparam, select

from dicom import database, frames, schema, way
from dicom.errors import NotFound
from dicom.frames import Span
from dicom.objects import LocalObjects
from dicom.query import RESULTS_MAX, Level, among, statement
from dicom.syntax import Syntax


@dataclass(frozen=True)
class Instance:
    """One stored object."""

    id: int
    institution: str
    study: str  # UIDs
    series: str
    uid: str
    sop_class: str
    transfer_syntax: str
    number: int | None
    rows: int | None
    columns: int | None
    samples: int | None
    bits_allocated: int | None
    photometric: str
    frames: int  # 0: no pixel data
    pixel_at: int | None
    pixel_length: int | None
    size: int
    data_at: int  # where the data set begins in the file
    digest: bytes  # SHA-256 of the data set
    object_key: str
    fallback: str
    received_ms: int

    @property
    def syntax(self) -> Syntax:
        return Syntax(self.transfer_syntax)

    @property
    def encapsulated(self) -> bool:
        """Its frames are compressed, each in items of its own."""
        return self.pixel_at is not None and self.pixel_length is None


class Archive:
    """Read access to a data directory that an `Ingest` writes, in this process or another."""

    def __init__(self, root: Path) -> None:
        self._engine: Engine = database.reading(database.url_of(root))
        self._objects = LocalObjects(root / "objects")
        self._institutions: dict[int, str] = {}

    def find(
        self,
        level: Level,
        institutions: Collection[str] | None,
        match: Mapping[str, str],
        limit: int = RESULTS_MAX,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        """Rows by keyword (query.ATTRIBUTES), with `institution` and `id`; at most RESULTS_MAX."""
        with self._engine.connect() as connection:
            names = self._names(connection, institutions)
            chosen = _chosen(names, institutions)
            how = way.look(connection, chosen, match) if level is Level.STUDY else None
            query = statement(level, chosen, match, limit, offset, how)
            rows = [dict(row) for row in connection.execute(query).mappings()]
        several = institutions is not None and len(institutions) > 1
        for row in rows:
            row["institution"] = names[row.pop("institution_id")]
            if several and not row.get("IssuerOfPatientID"):  # the same id elsewhere is another's
                row["IssuerOfPatientID"] = row["institution"]
        return rows

    def instance(
        self,
        institutions: Collection[str] | None,
        uid: str,
        study: str | None = None,
        series: str | None = None,
    ) -> Instance:
        """One by its UID; where two institutions have it, the first that stored it.

        Raises NotFound, also when it is not in that study or series.
        """
        with self._engine.connect() as connection:
            names = self._names(connection, institutions)
            chosen = _chosen(names, institutions)
            said = {"uid": uid, "chosen": list(names) if chosen is None else chosen}
            for row in connection.execute(_ONE, said).mappings():
                if study in (None, row["study"]) and series in (None, row["series"]):
                    return _instance(row, names)
        raise NotFound("no such instance")

    def instances(
        self,
        institutions: Collection[str] | None,
        study: str,
        series: str | None = None,
    ) -> list[Instance]:
        """All of a study or series, by the numbers of series and instance. Raises NotFound."""
        query = _within(_instances(), study, series)
        by_series = query.order_by(schema.series.c.number, schema.series.c.id)
        order = (schema.instance.c.number, schema.instance.c.id)
        found = self._all(institutions, by_series.order_by(*order))
        if not found:
            raise NotFound("no such study" if series is None else "no such series")
        return found

    def first(self, institutions: Collection[str], study: str) -> Instance:
        """The one of a study that came first. Raises NotFound."""
        query = _within(_instances(), study, None).order_by(schema.instance.c.id).limit(1)
        for found in self._all(institutions, query):
            return found
        raise NotFound("no such study")

    def patients_differ(self, institution: str, study: str) -> bool:
        """Whether the objects of a study name several patients."""
        table = schema.study.c
        query = (
            select(table.patients_differ)
            .join(schema.institution, table.institution_id == schema.institution.c.id)
            .where(schema.institution.c.name == institution, table.uid == study)
        )
        with self._engine.connect() as connection:
            return bool(connection.scalar(query))

    def since(
        self, institutions: Collection[str], study: str, series: str, after: int, limit: int
    ) -> list[Instance]:
        """Those of a series whose `id` is higher than `after`, the oldest first."""
        query = _within(_instances(), study, series).where(schema.instance.c.id > after)
        return self._all(institutions, query.order_by(schema.instance.c.id).limit(limit))

    def open(self, instance: Instance) -> BinaryIO:
        """Its Part 10 file as it came. The caller closes it. Raises NotFound."""
        return self._objects.open(instance.object_key)

    def path(self, instance: Instance) -> Path:
        """Where its file lies, for what can only read files (sendfile). May be gone by then."""
        return self._objects.path(instance.object_key)

    def remove(self, key: str) -> None:
        """Take an object's file away, of what was made and not sent."""
        self._objects.remove(key)

    def undescribed(self, limit: int) -> list[Instance]:
        """Some whose DICOM JSON nobody has written yet, the oldest first."""
        missing = _instances().where(schema.instance.c.described.is_(False))
        return self._all(None, missing.order_by(schema.instance.c.id).limit(limit))

    def described(self, study: int, series: str | None) -> list[tuple[str, str, bytes | None]]:
        """Series UID, instance UID and DICOM JSON of a study's row (`stamp`), in order."""
        table = schema.instance.join(schema.series).outerjoin(schema.description)
        query = (
            select(schema.series.c.uid, schema.instance.c.uid, schema.description.c.json)
            .select_from(table)
            .where(schema.instance.c.study_ref == study)
            .order_by(schema.series.c.number, schema.series.c.id)
            .order_by(schema.instance.c.number, schema.instance.c.id)
        )
        if series is not None:
            query = query.where(schema.series.c.uid == series)
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def stamp(self, institutions: Collection[str], study: str) -> tuple[int, int, int]:
        """Changes whenever an instance comes to the study. Raises NotFound."""
        table = schema.study.c
        query = (
            select(table.id, table.instance_count, table.changed_ms)
            .join(schema.institution, table.institution_id == schema.institution.c.id)
            .where(schema.institution.c.name.in_(sorted(institutions)), table.uid == study)
            .order_by(table.id)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound("no such study")
        return row[0], row[1], row[2]

    def frame(self, instance: Instance, number: int, file: BinaryIO) -> list[Span]:
        """Where frame `number`, from 1, lies in the opened file: one span, or its fragments.

        Raises NotFound where there is no such frame, or none that can be found without decoding
        (video, deflated).
        """
        if instance.pixel_at is None:
            raise NotFound("its frames have no place in the file")
        if instance.pixel_length is not None:
            return [
                frames.native(instance.pixel_at, instance.pixel_length, instance.frames, number)
            ]
        return frames.encapsulated(self._pairs(instance), number, file)

    def spans(self, instance: Instance, numbers: Sequence[int]) -> list[list[Span]]:
        """Where some frames lie: `frame` for each of them, with the file opened once."""
        if instance.pixel_length is not None and instance.pixel_at is not None:
            at, length, count = instance.pixel_at, instance.pixel_length, instance.frames
            return [[frames.native(at, length, count, number)] for number in numbers]
        pairs = self._pairs(instance)
        with self.open(instance) as file:
            return [frames.encapsulated(pairs, number, file) for number in numbers]

    def by_ids(self, ids: Sequence[int]) -> list[Instance]:
        """Instances of rows that `find` gave, in that order."""
        found = {
            one.id: one
            for one in self._all(None, _instances().where(schema.instance.c.id.in_(ids)))
        }
        return [found[number] for number in ids]

    def close(self) -> None:
        """Let go of the data base."""
        self._engine.dispose()

    def _pairs(self, instance: Instance) -> bytes:
        table = schema.frame_table.c
        with self._engine.connect() as connection:
            pairs = connection.scalar(select(table.pairs).where(table.instance_ref == instance.id))
        return pairs or b""

    def _all(self, institutions: Collection[str] | None, query: Select[Any]) -> list[Instance]:
        with self._engine.connect() as connection:
            names = self._names(connection, institutions)
            chosen = _chosen(names, institutions)
            if chosen is not None:
                query = query.where(among(schema.instance.c.institution_id, chosen))
            return [_instance(row, names) for row in connection.execute(query).mappings()]

    def _names(
        self, connection: Connection, institutions: Collection[str] | None
    ) -> dict[int, str]:
        """Institutions by number: a few, so that no query has to join them. None ever goes."""
        known = self._institutions
        if institutions is None or not set(known.values()).issuperset(institutions):
            table = schema.institution.c
            rows = connection.execute(select(table.id, table.name))
            self._institutions = known = {row[0]: row[1] for row in rows}
        return known


def _chosen(names: Mapping[int, str], institutions: Collection[str] | None) -> list[int] | None:
    if institutions is None:
        return None
    return [number for number, name in names.items() if name in institutions]


_SAME: tuple[str, ...] = (
    *("id", "uid", "sop_class", "transfer_syntax", "number", "rows", "columns", "samples"),
    *("bits_allocated", "photometric", "frames", "pixel_at", "pixel_length", "size", "data_at"),
    *("digest", "object_key", "fallback", "received_ms"),
)


def _instances() -> Select[Any]:
    table = schema.instance
    return (
        select(
            *(table.c[name] for name in _SAME),
            table.c.institution_id,
            schema.study.c.uid.label("study"),
            schema.series.c.uid.label("series"),
        )
        .join(schema.study, table.c.study_ref == schema.study.c.id)
        .join(schema.series, table.c.series_ref == schema.series.c.id)
    )


def _instance(row: RowMapping, names: Mapping[int, str]) -> Instance:
    said = dict(row)
    return Instance(institution=names[said.pop("institution_id")], **said)


def _within(query: Select[Any], study: str | None, series: str | None) -> Select[Any]:
    if study is not None:
        query = query.where(schema.study.c.uid == study)
    if series is not None:
        query = query.where(schema.series.c.uid == series)
    return query


# Built once: putting a statement together takes longer than running it.
_ONE = (
    _instances()
    .where(schema.instance.c.institution_id.in_(bindparam("chosen", expanding=True)))
    .where(schema.instance.c.uid == bindparam("uid"))
    .order_by(schema.instance.c.id)
)
