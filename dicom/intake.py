"""The asyncio side of `dicom.door`: where STOW-RS hands its objects in."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from typing import Protocol

from dicom.door import LINE_MAX, Asked, Discard, MakeDraft, Said, Take, encoder, said_decoder
from dicom.errors import DicomError, StorageFull
from dicom.ingest import Draft, Expected, Outcome, Sender


class Gone(DicomError):
    """Ours: who ingests has died. Nothing was promised, and another one is being started."""


class Intake(Protocol):
    """The way in for who is not the one that ingests."""

    async def draft(self) -> Draft:
        """A file to write to. Raises StorageFull, Gone."""

    async def take(
        self, draft: Draft, sender: Sender, expected: Expected, digest: bytes | None = None
    ) -> Outcome:
        """Hand it in and wait for the outcome. Raises StorageFull, Gone."""

    async def discard(self, draft: Draft) -> None:
        """Give a draft back."""


async def take_own(intake: Intake, draft: Draft, sender: Sender, expected: Expected) -> Outcome:
    """Hand in what was made here: not to keep that is a fault of ours. Raises StorageFull, Gone."""
    outcome = await intake.take(draft, sender, expected)
    if not outcome.kept:
        raise RuntimeError(f"our own object was not kept: {outcome.reason}")
    return outcome


class Doorway:
    """One connection to a door. When it ends, all who wait are told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Said]] = {}
        self._ended = False
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, connection: socket.socket) -> Doorway:
        """Over our end of the socket pair."""
        return cls(*await asyncio.open_connection(sock=connection, limit=LINE_MAX))

    async def draft(self) -> Draft:
        said = await self._ask(MakeDraft(next(self._numbers)))
        if said.draft is None:
            raise Gone("it cannot be stored now")
        return said.draft

    async def take(
        self, draft: Draft, sender: Sender, expected: Expected, digest: bytes | None = None
    ) -> Outcome:
        said = await self._ask(Take(next(self._numbers), draft, sender, expected, digest))
        if said.outcome is None:
            raise Gone("it cannot be stored now")
        return said.outcome

    async def discard(self, draft: Draft) -> None:
        await self._say(Discard(next(self._numbers), draft))

    async def close(self) -> None:
        """End the connection."""
        self._writer.close()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _ask(self, asked: MakeDraft | Take) -> Said:
        if self._ended:
            raise Gone("who stores it has ended; try again")
        future = asyncio.get_running_loop().create_future()
        self._waiting[asked.id] = future
        try:
            await self._say(asked)
            said: Said = await future
        finally:
            self._waiting.pop(asked.id, None)
        if said.full:
            raise StorageFull("the disk is full")
        return said

    async def _say(self, asked: Asked) -> None:
        self._writer.write(encoder.encode(asked) + b"\n")
        with contextlib.suppress(ConnectionError):  # the reader notices
            await self._writer.drain()

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                said = said_decoder.decode(line)
                if (future := self._waiting.get(said.id)) is not None and not future.done():
                    future.set_result(said)
        except (ConnectionError, ValueError):
            pass
        finally:
            self._ended = True
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Gone("who stores it has died; try again"))
