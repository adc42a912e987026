"""DICOM JSON of the instances: made once by a decoder, kept in the index, put together for a study.

The only rows that are written beside the ingest's are these, and only from here; one writer waits
for the other (WAL). What a crash loses of them is made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import event, insert, select, update

from dicom import database, jobs, schema
from dicom.archive import Archive, Instance
from dicom.errors import Refused
from dicom.pool import Decoders

log = structlog.get_logger("dicom.descriptions")

FILES_AT_ONCE = 25  # of one job, some 50 ms
ASKED_AT_ONCE = 500  # rows of one statement
LOOK_S = 1.0  # for what came


class Descriptions:
    """Reads and writes them."""

    def __init__(self, root: Path, archive: Archive, decoders: Decoders) -> None:
        self._archive = archive
        self._decoders = decoders
        self._engine = database.writing(database.url_of(root))
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _not_durable)
        self._one_at_a_time = asyncio.Lock()

    async def of(self, instances: Sequence[Instance]) -> list[bytes]:
        """For each its JSON object; what is missing is made now."""
        found = await asyncio.to_thread(self._get, [one.id for one in instances])
        missing = [one for one in instances if one.id not in found]
        if missing:
            async with self._one_at_a_time:
                found |= await self._make(missing, self._decoders)
        return [zlib.decompress(found[one.id]) for one in instances]

    async def keep_up(self) -> None:
        """Describe what has come, for ever."""
        while True:
            missing: list[Instance] = []
            with contextlib.suppress(Exception):  # the data base is busy: later
                missing = await asyncio.to_thread(self._archive.undescribed, FILES_AT_ONCE)
            if not missing:
                await asyncio.sleep(LOOK_S)
                continue
            try:
                async with self._one_at_a_time:
                    await self._make(missing, self._decoders.later)
            except Exception as error:
                log.warning("not described", count=len(missing), error=type(error).__name__)
                await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        """Let go of the data base."""
        self._engine.dispose()

    async def _make(self, instances: Sequence[Instance], decoders: Decoders) -> dict[int, bytes]:
        made: dict[int, bytes] = {}
        for start in range(0, len(instances), FILES_AT_ONCE):
            some = instances[start : start + FILES_AT_ONCE]
            answer = await self._ask(some, decoders)
            fresh = {one.id: said or _at_least(one) for one, said in zip(some, answer, strict=True)}
            await asyncio.to_thread(self._put, fresh)
            made |= fresh
        return made

    async def _ask(self, instances: Sequence[Instance], decoders: Decoders) -> list[bytes]:
        """For each its JSON in zlib, or nothing. One that brings a decoder down costs no other."""
        files = tuple(
            jobs.File(str(self._archive.path(one)), one.transfer_syntax, one.data_at, one.fallback)
            for one in instances
        )
        try:
            said = await decoders.run(jobs.Describe(files))
        except Refused as refused:
            if len(instances) > 1:
                return [(await self._ask([one], decoders))[0] for one in instances]
            log.warning("not described", reason=refused.reason)
            return [b""]
        return msgspec.msgpack.decode(said, type=list[bytes])

    def _get(self, ids: Sequence[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        table = schema.description.c
        with self._engine.connect() as connection:
            for start in range(0, len(ids), ASKED_AT_ONCE):
                some = ids[start : start + ASKED_AT_ONCE]
                query = select(table.instance_ref, table.json).where(table.instance_ref.in_(some))
                found.update((row[0], row[1]) for row in connection.execute(query))
        return found

    def _put(self, fresh: dict[int, bytes]) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                insert(schema.description).prefix_with("OR REPLACE", dialect="sqlite"),
                [{"instance_ref": number, "json": said} for number, said in fresh.items()],
            )
            table = schema.instance
            connection.execute(
                update(table).where(table.c.id.in_(list(fresh))).values(described=True)
            )


def _at_least(instance: Instance) -> bytes:
    """What the index knows, of an object whose elements cannot be read a second time."""
    texts = {
        "00080016": instance.sop_class,
        "00080018": instance.uid,
        "0020000D": instance.study,
        "0020000E": instance.series,
    }
    said = {tag: {"vr": "UI", "Value": [text]} for tag, text in texts.items()}
    return zlib.compress(msgspec.json.encode(said))


def _not_durable(connection: object, _record: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")  # type: ignore[attr-defined]
