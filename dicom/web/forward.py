"""Stored objects to another node, by STOW-RS as user, in the bytes they came in: PS3.18 10.5."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import msgspec
from aiohttp import hdrs

from dicom.archive import Archive, Instance
from dicom.errors import DicomError
from dicom.nodes import WebNode
from dicom.web.body import CHUNK_BYTES, Body, Part, Piece, multipart

TOGETHER_MAX, TOGETHER_BYTES = 50, 64 << 20  # of one request; one object may be larger
CONNECT_S, SILENCE_S = 15.0, 120.0
ANSWER_MAX = 4 << 20
DICOM, JSON = "application/dicom", "application/dicom+json"


class ForwardError(DicomError):
    """The node is not there, or does not want any of it."""


def together(chosen: Sequence[Instance]) -> list[list[Instance]]:
    """What goes out in one request each."""
    found: list[list[Instance]] = []
    size = 0
    for one in chosen:
        if not found or len(found[-1]) == TOGETHER_MAX or size + one.size > TOGETHER_BYTES:
            found.append([])
            size = 0
        found[-1].append(one)
        size += one.size
    return found


async def forward(
    session: aiohttp.ClientSession, node: WebNode, archive: Archive, batch: Sequence[Instance]
) -> dict[str, str]:
    """Store them there: by instance UID what was wrong. Raises ForwardError."""
    parts = [Part(DICOM, Body([Piece(archive.path(one), 0, one.size)])) for one in batch]
    body, kind = multipart(parts, DICOM, b"".join(one.digest for one in batch))
    headers = {
        hdrs.CONTENT_TYPE: kind,
        hdrs.CONTENT_LENGTH: str(body.length),
        hdrs.ACCEPT: JSON,
    }
    if node.token:
        headers[hdrs.AUTHORIZATION] = f"Bearer {node.token}"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S)
    try:
        async with session.post(
            node.url.rstrip("/") + "/studies",
            data=_content(body),
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
        ) as answer:
            said = await answer.content.read(ANSWER_MAX)
            if answer.status not in (200, 202, 409):
                raise ForwardError(f"it answered {answer.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ForwardError(f"no connection: {type(error).__name__}") from None
    failed = _failed(said)
    if answer.status == 409 and not failed:
        return {one.uid: "refused" for one in batch}
    return failed


def _failed(said: bytes) -> dict[str, str]:
    try:
        told: dict[str, Any] = msgspec.json.decode(said) if said.strip() else {}
        return {
            one["00081155"]["Value"][0]: f"refused: {one['00081197']['Value'][0]:04X}"
            for one in told.get("00081198", {}).get("Value", [])
        }
    except (msgspec.DecodeError, LookupError, TypeError, ValueError, AttributeError):
        raise ForwardError("its answer is not DICOM JSON") from None


async def _content(body: Body) -> AsyncIterator[bytes]:
    for piece in body.pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        file = await asyncio.to_thread(os.open, piece.path, os.O_RDONLY)
        try:
            for at in range(piece.at, piece.at + piece.length, CHUNK_BYTES):
                size = min(CHUNK_BYTES, piece.at + piece.length - at)
                yield await asyncio.to_thread(os.pread, file, size, at)
        finally:
            os.close(file)
