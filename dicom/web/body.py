"""Answers made of pieces of memory and files: streamed from disk, cut by ranges (RFC 9110 14).

Patients' pictures are not left behind in a browser's cache on a ward: `no-store`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs, web

from dicom.errors import NotFound
from dicom.web.accept import MULTIPART
from dicom.web.errors import BadRange

CHUNK_BYTES = 1 << 20
AT_ONCE_BYTES = 4 << 20  # below it one read and one write
CACHED_BYTES = 1 << 20  # read by the event loop itself, in 0.2 ms, where the disk is not needed
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Piece:
    """Bytes of a file."""

    path: Path
    at: int
    length: int


class Body:
    """Pieces in a row."""

    def __init__(self, pieces: Iterable[bytes | Piece]) -> None:
        self.pieces = list(pieces)
        self.length = sum(map(_length, self.pieces))

    def cut(self, begin: int, end: int) -> Body:
        """Its bytes from `begin` up to `end`."""
        found: list[bytes | Piece] = []
        at = 0
        for piece in self.pieces:
            low, high = max(begin - at, 0), min(end - at, _length(piece))
            if low < high:
                if isinstance(piece, bytes):
                    found.append(piece[low:high])
                else:
                    found.append(Piece(piece.path, piece.at + low, high - low))
            at += _length(piece)
        return Body(found)


@dataclass(frozen=True)
class Part:
    """One object of a multipart body."""

    content_type: str
    body: Body
    location: str = ""


def multipart(parts: Sequence[Part], kind: str, identity: bytes) -> tuple[Body, str]:
    """RFC 2387: the body and its Content-Type.

    The boundary comes from `identity`, so that ranges of two requests fit together.
    """
    boundary = hashlib.sha256(identity).hexdigest()[:40]
    pieces: list[bytes | Piece] = []
    for part in parts:
        head = f"--{boundary}\r\nContent-Type: {part.content_type}\r\n"
        if part.location:
            head += f"Content-Location: {part.location}\r\n"
        head += f"Content-Length: {part.body.length}\r\n\r\n"
        pieces.append(head.encode())
        pieces += part.body.pieces
        pieces.append(b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(pieces), f'{MULTIPART}; type="{kind}"; boundary={boundary}'


async def send(request: web.Request, body: Body, content_type: str) -> web.StreamResponse:
    """Answer with it, or with the range that was asked for. Raises BadRange, NotFound."""
    headers = {**HEADERS, "Content-Type": content_type, "Accept-Ranges": "bytes"}
    status, whole = 200, body.length
    if (span := _range(request.headers.get("Range", ""), whole)) is not None:
        begin, end = span
        body, status = body.cut(begin, end), 206
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{whole}"
    if request.method == hdrs.METH_HEAD:
        headers["Content-Length"] = str(body.length)
        return web.Response(status=status, headers=headers)
    if body.length <= AT_ONCE_BYTES:
        content: bytes | bytearray | None = read_cached(body)
        if content is None:
            content = await asyncio.to_thread(read_all, body)
        return web.Response(status=status, body=content, headers=headers)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = body.length
    await response.prepare(request)
    for piece in body.pieces:
        if isinstance(piece, bytes):
            await response.write(piece)
            continue
        file = await asyncio.to_thread(_open, piece.path)
        try:
            for at in range(piece.at, piece.at + piece.length, CHUNK_BYTES):
                size = min(CHUNK_BYTES, piece.at + piece.length - at)
                await response.write(await asyncio.to_thread(os.pread, file, size, at))
        finally:
            os.close(file)
    await response.write_eof()
    return response


def _length(piece: bytes | Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.length


def _range(text: str, length: int) -> tuple[int, int] | None:
    """Begin and end. None: the whole, as for what is no single range (RFC 9110 14.2)."""
    said = RANGE.fullmatch(text.replace(" ", ""))
    if said is None or said[0] == "bytes=-":
        return None
    if not said[1]:
        begin, end = max(length - int(said[2]), 0), length
    else:
        begin, end = int(said[1]), min(int(said[2] or length) + 1, length)
    if begin >= end:
        raise BadRange(length)
    return begin, end


def read_cached(body: Body) -> bytearray | None:
    """Its content where the page cache has all of it; waits for no disk. Raises NotFound.

    A thread for it costs more than the reading, and where many work, a turn of each.
    """
    if body.length > CACHED_BYTES:
        return None
    content = bytearray(body.length)
    room = memoryview(content)
    for piece in body.pieces:
        length = _length(piece)
        if isinstance(piece, bytes):
            room[:length] = piece
        elif not _read_cached(piece, room[:length]):
            return None
        room = room[length:]
    return content


def _read_cached(piece: Piece, room: memoryview) -> bool:
    file = _open(piece.path)
    try:
        return os.preadv(file, [room], piece.at, os.RWF_NOWAIT) == piece.length
    except OSError:  # it is not there, or the file system cannot tell
        return False
    finally:
        os.close(file)


def read_all(body: Body) -> bytes:
    """Its content; waits for the disk."""
    found: list[bytes] = []
    path, file = None, -1
    try:
        for piece in body.pieces:
            if isinstance(piece, bytes):
                found.append(piece)
                continue
            if piece.path != path:
                if file >= 0:
                    os.close(file)
                path, file = piece.path, _open(piece.path)
            found.append(os.pread(file, piece.length, piece.at))
    finally:
        if file >= 0:
            os.close(file)
    return b"".join(found)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise NotFound("the object's file is not there") from None
