"""A session at the pictures is kept: presentation states and key objects, as new instances.

They go into the saver's own institution, in new series of the study; what is there stays as it is.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
import structlog
from aiohttp import web

from dicom import jobs
from dicom.archive import Archive, Instance
from dicom.descriptions import Descriptions
from dicom.errors import NotFound
from dicom.ingest import Expected, Outcome, Sender
from dicom.intake import Intake, take_own
from dicom.pool import Decoders
from dicom.presentation.image import TAGS
from dicom.presentation.session import Author, Session
from dicom.query import Level
from dicom.web.body import HEADERS
from dicom.web.errors import BadRequest, Forbidden, TooLarge
from dicom.web.scope import Gate, Scope

log = structlog.get_logger("dicom.saving")

BODY_MAX = 1 << 20  # 300 figures of 100 points
HEADER_MAX = 1 << 16  # bytes of a picture's JSON that count here
FIRST_SERIES = 9001  # behind those of a scanner


class Saving:
    """The handler."""

    def __init__(
        self,
        archive: Archive,
        descriptions: Descriptions,
        decoders: Decoders,
        intake: Callable[[], Awaitable[Intake]],
        gate: Gate,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._archive = archive
        self._descriptions = descriptions
        self._decoders = decoders
        self._intake = intake
        self._gate = gate
        self._now = now

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """For the application."""
        return [web.post(prefix + "/studies/{study}/presentations", self.save)]

    async def save(self, request: web.Request) -> web.Response:
        """Keep it, and say as what: 201."""
        scope = self._gate(request)
        if not scope.stores_into or scope.stores_into not in scope.institutions:
            raise Forbidden("only doctors keep what they see, in their own institution")
        session = await _session(request)
        study = request.match_info["study"]
        uids = list(dict.fromkeys(place.instance for place in session.places))
        found = await asyncio.to_thread(self._instances, scope, study, uids)
        described = await self._descriptions.of(found)
        author = Author(
            scope.name or scope.subject,
            self._now().strftime("%Y%m%d%H%M%S"),
            importlib.metadata.version("distal"),
        )
        number = await asyncio.to_thread(self._next_series, scope.stores_into, study)
        headers = tuple(await asyncio.to_thread(lambda: [_needed(one) for one in described]))
        made = msgspec.msgpack.decode(
            await self._decoders.run(jobs.Present(session, headers, author, number)),
            type=list[tuple[str, bytes]],
        )
        kept = [
            await self._keep(content, Expected(sop_instance=uid, study=study), scope.stores_into)
            for uid, content in made
        ]
        log.info("session kept", by=scope.subject, objects=len(kept), keys=len(session.keys))
        return web.json_response(
            [
                {"class": one.sop_class, "series": one.series, "instance": one.sop_instance}
                for one in kept
            ],
            status=201,
            headers={**HEADERS},
        )

    def _instances(self, scope: Scope, study: str, uids: list[str]) -> list[Instance]:
        """The pictures, as this institution has them. Raises NotFound, Forbidden."""
        own = {scope.stores_into}
        try:
            return [self._archive.instance(own, uid, study) for uid in uids]
        except NotFound:
            self._archive.instance(scope.of(study) - own, uids[0], study)
            raise Forbidden(
                "these images belong to another institution: a doctor of theirs can keep this view"
            ) from None

    def _next_series(self, institution: str, study: str) -> int:
        match = {"StudyInstanceUID": study}
        return FIRST_SERIES + len(self._archive.find(Level.SERIES, {institution}, match))

    async def _keep(self, content: bytes, expected: Expected, institution: str) -> Outcome:
        intake = await self._intake()
        draft = await intake.draft()
        try:
            await asyncio.to_thread(draft.path.write_bytes, content)
        except BaseException:
            await intake.discard(draft)
            raise
        return await take_own(intake, draft, Sender(institution, "VIEWER"), expected)


async def _session(request: web.Request) -> Session:
    if (request.content_length or 0) > BODY_MAX:
        raise TooLarge(f"a session has at most {BODY_MAX} bytes")
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > BODY_MAX:
            raise TooLarge(f"a session has at most {BODY_MAX} bytes")
    try:
        return msgspec.json.decode(bytes(body), type=Session)
    except msgspec.DecodeError as error:
        raise BadRequest(f"no session: {error}") from None


def _needed(described: bytes) -> bytes:
    """What the new objects repeat of a picture; what is too long is left out."""
    said = msgspec.json.decode(described, type=dict[str, msgspec.Raw])
    kept: dict[str, Any] = {
        tag: value for tag, value in said.items() if tag in TAGS and len(bytes(value)) < HEADER_MAX
    }
    return msgspec.json.encode(kept)
