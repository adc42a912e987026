"""STOW-RS, PS3.18 10.5: objects stream from a request into files, and from there into the archive.

While one is being indexed the next one is received. Each is answered for itself: the request is a
success when all are kept, accepted when some are.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any

import msgspec
from aiohttp import hdrs, web

from dicom.errors import DicomError, StorageFull
from dicom.ingest import Draft, Expected, Kind, Outcome, Sender
from dicom.intake import Gone, Intake
from dicom.pool import Busy
from dicom.web.accept import MULTIPART, Media, content_type, covers, parse
from dicom.web.body import HEADERS
from dicom.web.errors import BadRequest, Forbidden, NotAcceptable, TooLarge, Unsupported
from dicom.web.parts import Begin, Data, End, Event, Parts
from dicom.web.scope import Gate
from dicom.web.upload import Upload, pieces

DICOM, JSON = "application/dicom", "application/dicom+json"
PARTS_MAX = 20_000  # of one request: a study
REQUESTS_MAX = 32  # at once; each holds two pieces of 1 MB
TAKEN_AT_ONCE = 8  # objects of one request that wait for the disk
UID = re.compile(r"[0-9.]{1,64}")

# Failure reasons: PS3.18 table I.2-2, and PS3.7 annex C for what that leaves out.
OUT_OF_RESOURCES, MISMATCH, CANNOT_UNDERSTAND = 0xA700, 0xA900, 0xC000
PROCESSING_FAILURE, DUPLICATE, UNKNOWN_SYNTAX = 0x0110, 0x0111, 0xC122
REASONS = {
    "full": OUT_OF_RESOURCES,
    "gone": PROCESSING_FAILURE,
    "conflict": DUPLICATE,
    "mismatch": MISMATCH,
    "transfer syntax": UNKNOWN_SYNTAX,
}


class Storing:
    """The handler. `intake` gives the way in, once who ingests is there."""

    def __init__(
        self,
        intake: Callable[[], Awaitable[Intake]],
        gate: Gate,
        root_of: Callable[[web.Request], str],
    ) -> None:
        self._intake = intake
        self._gate = gate
        self._root_of = root_of
        self._requests = 0

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post(prefix + "/studies", self.store),
            web.post(prefix + "/studies/{study}", self.store),
        ]

    async def store(self, request: web.Request) -> web.Response:
        """Keep all that comes, and say what was kept."""
        scope = self._gate(request)
        if not scope.stores_into:
            raise Forbidden("this token stores nothing: that is for doctors and devices")
        study = request.match_info.get("study", "")
        if study and not UID.fullmatch(study):
            raise BadRequest("the address has no Study Instance UID")
        wanted = [media.type for media in _accepted(request)]
        if not any(covers(one, kind) for one in wanted for kind in (JSON, "application/json")):
            raise NotAcceptable(f"the answer is {JSON}")
        events = _events(request)
        if self._requests >= REQUESTS_MAX:
            raise Busy("too many send at once; try again in a moment")
        self._requests += 1
        try:
            receiving = _Receiving(
                await self._intake(), Sender(scope.stores_into, "STOW-RS"), Expected(study=study)
            )
            outcomes = await receiving.run(events)
        finally:
            self._requests -= 1
        return _answer(outcomes, self._root_of(request), study)


class _Receiving:
    """One request's objects."""

    def __init__(self, intake: Intake, sender: Sender, expected: Expected) -> None:
        self._intake = intake
        self._sender = sender
        self._expected = expected
        self._free = asyncio.Semaphore(TAKEN_AT_ONCE)
        self._taking: list[asyncio.Task[Outcome]] = []
        self._failed: list[Outcome] = []
        self._upload: Upload | None = None
        self._next = self._ahead()

    def _ahead(self) -> asyncio.Task[Draft]:
        """Ask for a draft before it is needed: who ingests has other things to do too."""
        return asyncio.create_task(self._intake.draft())

    async def run(self, events: AsyncIterator[Event]) -> list[Outcome]:
        """Their outcomes. What was handed in is finished, whatever happens to the request."""
        try:
            async for event in events:
                await self._on(event)
        except BadRequest as error:
            self._fail("malformed", str(error))
            if len(self._failed) == 1 and not self._taking:
                raise
        finally:
            await self._drop()
            done = await asyncio.gather(*self._taking)
            with contextlib.suppress(DicomError):
                await self._intake.discard(await self._next)
        return [*done, *self._failed]

    async def _on(self, event: Event) -> None:
        match event:
            case Begin(headers):
                if len(self._taking) + len(self._failed) >= PARTS_MAX:
                    raise TooLarge(f"at most {PARTS_MAX} objects in one request")
                await self._begin(headers.get("content-type", DICOM))
            case Data(content) if self._upload is not None:
                try:
                    await self._upload.write(content)
                except StorageFull as error:
                    await self._give_up("full", error)
                except TooLarge as error:
                    await self._give_up("too large", error)
            case End() if self._upload is not None:
                await self._end(self._upload)

    async def _begin(self, kind: str) -> None:
        if content_type(kind)[0] != DICOM:
            self._fail("content type", f"a part is not {DICOM}")
            return
        asked, self._next = self._next, self._ahead()
        try:
            self._upload = Upload(await asked)
        except StorageFull as error:
            await self._give_up("full", error)
        except (Gone, OSError) as error:
            await self._give_up("gone", error)

    async def _end(self, upload: Upload) -> None:
        self._upload = None
        await self._free.acquire()
        self._taking.append(asyncio.create_task(self._take(upload)))

    async def _take(self, upload: Upload) -> Outcome:
        try:
            await upload.finish()
            return await self._intake.take(upload.draft, self._sender, self._expected)
        except StorageFull as error:
            await self._intake.discard(upload.draft)
            return _failed("full", str(error))
        except Gone as error:
            return _failed("gone", str(error))
        finally:
            self._free.release()

    async def _give_up(self, reason: str, error: Exception) -> None:
        self._fail(reason, str(error))
        await self._drop()

    async def _drop(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.abandon()
            await self._intake.discard(upload.draft)

    def _fail(self, reason: str, detail: str) -> None:
        self._failed.append(_failed(reason, detail))


def _events(request: web.Request) -> AsyncIterator[Event]:
    """The parts of the body; one object alone is one part. Raises BadRequest, Unsupported."""
    kind, said = content_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        raise Unsupported("objects are sent as they are, without Content-Encoding")
    if kind == DICOM:
        return _alone(request)
    if kind != MULTIPART:
        raise Unsupported(f'send {MULTIPART}; type="{DICOM}"; boundary=…')
    if said.get("type", DICOM).lower() != DICOM:
        raise Unsupported(f"parts of type {DICOM} are taken, others are not")
    if not said.get("boundary"):
        raise BadRequest("Content-Type has no boundary")
    return _parts(request, Parts(said["boundary"]))


async def _parts(request: web.Request, parts: Parts) -> AsyncIterator[Event]:
    async for content in pieces(request):
        for event in parts.feed(content):
            yield event
    if not parts.complete:
        raise BadRequest("the body ends before its last boundary")


async def _alone(request: web.Request) -> AsyncIterator[Event]:
    yield Begin({})
    async for content in pieces(request):
        yield Data(content)
    yield End()


def _accepted(request: web.Request) -> list[Media]:
    return parse(request.headers.getall(hdrs.ACCEPT, []))


def _failed(reason: str, detail: str) -> Outcome:
    return Outcome(Kind.REFUSED, reason=reason, detail=detail)


def _answer(outcomes: list[Outcome], root: str, study: str) -> web.Response:
    """PS3.18 10.5.3: 200 for all, 202 for some, 409 for none."""
    kept = [one for one in outcomes if one.kept]
    failed = [one for one in outcomes if not one.kept]
    if not outcomes:
        raise BadRequest("there is no object in the body")
    if not kept and all(one.reason == "full" for one in failed):
        raise StorageFull("the disk is full; nothing was stored")
    said: dict[str, Any] = {}
    studies = {study or one.study for one in kept}
    if len(studies) == 1:
        said["00081190"] = _value("UR", f"{root}/studies/{studies.pop()}")
    if failed:
        said["00081198"] = {"vr": "SQ", "Value": list(map(_failure, failed))}
    if kept:
        said["00081199"] = {"vr": "SQ", "Value": list(_references(kept, root))}
    status = 200 if not failed else 202 if kept else 409
    headers = {**HEADERS, hdrs.CONTENT_TYPE: JSON}
    return web.Response(status=status, body=msgspec.json.encode(said), headers=headers)


def _failure(one: Outcome) -> dict[str, Any]:
    reason = REASONS.get(one.reason, CANNOT_UNDERSTAND)
    return _reference(one) | {
        "00081197": {"vr": "US", "Value": [reason]},
    }


def _references(kept: Iterable[Outcome], root: str) -> Iterator[dict[str, Any]]:
    for one in kept:
        place = f"{root}/studies/{one.study}/series/{one.series}/instances/{one.sop_instance}"
        yield _reference(one) | {"00081190": _value("UR", place)}


def _reference(one: Outcome) -> dict[str, Any]:
    return {
        "00081150": _value("UI", one.sop_class),
        "00081155": _value("UI", one.sop_instance),
    }


def _value(vr: str, value: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]} if value else {"vr": vr}
