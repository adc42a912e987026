"""One object on its way from a request into a draft, in pieces that are worth a thread's while."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from aiohttp import web

from dicom import writeback
from dicom.errors import StorageFull
from dicom.ingest import Draft
from dicom.objects import full_or
from dicom.web.errors import BadRequest, TooLarge

PIECE_BYTES = 1 << 20
OBJECT_MAX_BYTES = 16 << 30
SILENCE_S = 120.0  # between two pieces of a body


async def pieces(request: web.Request) -> AsyncIterator[bytes]:
    """A body as it comes. Raises BadRequest where nothing more does."""
    while not request.content.at_eof():
        try:
            async with asyncio.timeout(SILENCE_S):
                content = await request.content.readany()
        except TimeoutError:
            raise BadRequest(f"nothing came for {SILENCE_S:g} s") from None
        if content:
            yield content


class Upload:
    """Write, then `finish`; or `abandon`."""

    def __init__(self, draft: Draft, most: int = OBJECT_MAX_BYTES) -> None:
        self.draft = draft
        self._most = most
        self._fd = os.open(draft.path, os.O_WRONLY)
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._size = 0

    async def write(self, content: bytes) -> None:
        """Raises StorageFull, TooLarge."""
        self._size += len(content)
        if self._size > self._most:
            raise TooLarge(f"it has more than {self._most} bytes")
        self._held.append(content)
        self._held_bytes += len(content)
        if self._held_bytes >= PIECE_BYTES:
            await self._flush(False)

    async def finish(self) -> None:
        """All of it is with the operating system. Raises StorageFull."""
        await self._flush(True)

    def abandon(self) -> None:
        """Close the file, if it is open."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    async def _flush(self, last: bool) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        await asyncio.to_thread(self._write, held, last)

    def _write(self, held: list[bytes], last: bool) -> None:
        try:
            content = memoryview(b"".join(held))
            while content:
                content = content[os.write(self._fd, content) :]
            if last:
                writeback.begin(self._fd)
        except OSError as error:
            raised = full_or(error)
            raise (
                raised if isinstance(raised, StorageFull) else StorageFull("the disk does not work")
            ) from error
        finally:
            if last:
                self.abandon()
