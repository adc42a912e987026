"""Studies on their way to another node: asked for, kept in the index, done one after the other.

A transfer that a restart interrupted begins again: nodes take what they have already as stored. One
event loop owns it; objects go out in threads (C-STORE) or by it (STOW-RS).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from msgspec import Struct, structs
from sqlalchemy import insert, select, update

from dicom import database, schema
from dicom.archive import Archive, Instance
from dicom.dimse.deliver import UNREACHED, deliver
from dicom.errors import DicomError, NotFound
from dicom.nodes import Node, WebNode
from dicom.web.forward import ForwardError, forward, together

log = structlog.get_logger("dicom.transfers")
AT_ONCE = 2  # to different nodes; a slow one holds up no other
TRY_AGAIN_S = (5.0, 30.0)  # after what may pass: a node that restarts
WAITING_MAX = 1000
LISTED = 50
TELL_S = 1.0  # between two notes of how far it has come


class TooMany(DicomError):
    """More wait than are kept. 503."""


class Transfer(Struct, frozen=True):
    """One. `state`: waiting, sending, done, failed, cancelled."""

    id: int
    institution: str
    study: str
    node: str
    state: str
    total: int = 0
    sent: int = 0
    failed: int = 0
    problem: str = ""
    asked_ms: int = 0
    changed_ms: int = 0


OPEN = ("waiting", "sending")
CHANGING = ("state", "total", "sent", "failed", "problem", "changed_ms")


class Transfers:
    """`nodes` by their names: where studies may be sent."""

    def __init__(self, root: Path, archive: Archive, nodes: Mapping[str, Node | WebNode]) -> None:
        self.nodes = nodes
        self._archive = archive
        self._engine = database.writing(database.url_of(root))
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._open: dict[int, Transfer] = {}
        self._cancelled: set[int] = set()
        self._workers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Go on with what an earlier life left."""
        for one in await asyncio.to_thread(self._unfinished):
            self._open[one.id] = one
            self._queue.put_nowait(one.id)
        self._workers = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]

    async def close(self) -> None:
        """Stop; what is not done goes on at the next start."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._engine.dispose()

    async def ask(self, institutions: Collection[str], study: str, node: str, by: str) -> Transfer:
        """Send a study. Raises NotFound, TooMany."""
        if node not in self.nodes:
            raise NotFound(f"no node {node[:64]!r} is listed to send to")
        if len(self._open) >= WAITING_MAX:
            raise TooMany("too many studies wait to be sent; try again later")
        found = await asyncio.to_thread(self._archive.instances, institutions, study)
        owner = found[0].institution
        now = _now()
        values: dict[str, Any] = {
            **{"institution": owner, "study": study, "node": node, "state": "waiting"},
            **{"total": sum(one.institution == owner for one in found), "asked_by": by},
            **{"asked_ms": now, "changed_ms": now},
        }
        number = await asyncio.to_thread(self._insert, values)
        values.pop("asked_by")
        self._open[number] = made = Transfer(id=number, **values)
        self._queue.put_nowait(number)
        return made

    async def listed(
        self, institutions: Collection[str], study: str | None = None
    ) -> list[Transfer]:
        """The last ones of somebody's institutions, or of one study there, the newest first."""
        rows = await asyncio.to_thread(self._read, institutions, study)
        return [self._open.get(one.id, one) for one in rows]

    async def cancel(self, institutions: Collection[str], number: int) -> Transfer:
        """End one; what was sent stays where it is. Raises NotFound."""
        one = self._open.get(number)
        if one is None or one.institution not in institutions:
            raise NotFound("no such transfer is under way")
        self._cancelled.add(number)
        if one.state == "waiting":
            await self._note(number, state="cancelled")
        return self._open.get(number) or structs.replace(one, state="cancelled")

    async def _work(self) -> None:
        while True:
            number = await self._queue.get()
            if number not in self._open:
                continue
            try:
                await self._send(self._open[number])
            except Exception as error:
                log.error("transfer failed", error=type(error).__name__)
                with contextlib.suppress(Exception):
                    await self._note(number, state="failed", problem="an error of this server")

    async def _send(self, one: Transfer) -> None:
        node = self.nodes.get(one.node)
        if node is None:
            await self._note(one.id, state="failed", problem="the node is not listed any more")
            return
        found = await asyncio.to_thread(self._archive.instances, {one.institution}, one.study)
        await self._note(one.id, state="sending", total=len(found), sent=0, failed=0)
        said: dict[str, str] = {}  # by instance: what was wrong, empty where it was taken
        for pause_s in (0.0, *TRY_AGAIN_S):
            left = [i for i in found if said.get(i.uid, UNREACHED).startswith(UNREACHED)]
            if not left or one.id in self._cancelled:
                break
            await asyncio.sleep(pause_s)
            await self._try(one.id, self._sent(node, one.node, left), said)
        troubles = [trouble for trouble in said.values() if trouble]
        if len(said) < len(found):
            troubles.append("not all were sent")
        state = "failed" if troubles else "done"
        if one.id in self._cancelled:
            state = "cancelled"
        await self._note(one.id, state=state, problem=troubles[0] if troubles else "")
        log.info("transfer ended", state=state, of=len(found), failed=len(troubles))

    async def _try(
        self, number: int, results: AsyncGenerator[tuple[Instance, str]], said: dict[str, str]
    ) -> None:
        told = time.monotonic()
        async with contextlib.aclosing(results):
            async for instance, trouble in results:
                said[instance.uid] = trouble
                failed = sum(map(bool, said.values()))
                self._open[number] = structs.replace(
                    self._open[number], sent=len(said) - failed, failed=failed
                )
                if time.monotonic() - told > TELL_S:
                    told = time.monotonic()
                    await self._note(number)
                if number in self._cancelled:
                    return

    def _sent(
        self, node: Node | WebNode, name: str, wanted: Sequence[Instance]
    ) -> AsyncGenerator[tuple[Instance, str]]:
        if isinstance(node, WebNode):
            return self._forwarded(node, wanted)
        return _pumped(deliver(self._archive, wanted, node, name))

    async def _forwarded(
        self, node: WebNode, wanted: Sequence[Instance]
    ) -> AsyncGenerator[tuple[Instance, str]]:
        async with aiohttp.ClientSession() as session:
            for batch in together(wanted):
                try:
                    failed = await forward(session, node, self._archive, batch)
                except ForwardError as error:
                    failed = {instance.uid: f"{UNREACHED}{error}" for instance in batch}
                for instance in batch:
                    yield instance, failed.get(instance.uid, "")

    async def _note(self, number: int, **changes: Any) -> None:
        """Write down how far it is."""
        one = structs.replace(self._open[number], changed_ms=_now(), **changes)
        self._open[number] = one
        await asyncio.to_thread(self._update, one)
        if one.state not in OPEN:
            self._open.pop(number, None)
            self._cancelled.discard(number)

    def _insert(self, values: Mapping[str, Any]) -> int:
        with self._engine.begin() as connection:
            made = insert(schema.transfer).values(**values).returning(schema.transfer.c.id)
            return int(connection.execute(made).scalar_one())

    def _update(self, one: Transfer) -> None:
        table = schema.transfer
        changed = {name: getattr(one, name) for name in CHANGING}
        with self._engine.begin() as connection:
            connection.execute(update(table).where(table.c.id == one.id).values(**changed))

    def _unfinished(self) -> list[Transfer]:
        with self._engine.connect() as connection:
            query = FIELDS.where(schema.transfer.c.state.in_(OPEN)).order_by(schema.transfer.c.id)
            return [Transfer(**row) for row in connection.execute(query).mappings()]

    def _read(self, institutions: Collection[str], study: str | None) -> list[Transfer]:
        table = schema.transfer.c
        query = FIELDS.where(table.institution.in_(sorted(institutions)))
        if study is not None:
            query = query.where(table.study == study)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.id.desc()).limit(LISTED)).mappings()
            return [Transfer(**row) for row in rows]


FIELDS = select(*(schema.transfer.c[name] for name in Transfer.__struct_fields__))


async def _pumped(
    results: Iterator[tuple[Instance, str]],
) -> AsyncGenerator[tuple[Instance, str]]:
    """What comes out in a thread of its own, which a node that is silent may hold for minutes."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[Instance, str] | None] = asyncio.Queue()
    ended = threading.Event()

    def pump() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            try:
                for result in results:
                    loop.call_soon_threadsafe(queue.put_nowait, result)
                    if ended.is_set():
                        break
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=pump, name="dicom-deliver", daemon=True).start()
    try:
        while (result := await queue.get()) is not None:
            yield result
    finally:
        ended.set()


def _now() -> int:
    return round(time.time() * 1000)
