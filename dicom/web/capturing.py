"""A still or a clip of a remote ultrasound examination comes into the case, by the way of STOW-RS.

    PUT …/captures/UUID?study=…&age_ms=…   image/png, video/webm or video/mp4

It is answered when the object is on the disk and in the index. Who does not hear the answer sends
the same capture again: it is stored once.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog
from aiohttp import hdrs, web

from dicom import jobs
from dicom.archive import Archive, Instance
from dicom.captures.case import (
    Case,
    instance_of,
    of_the_same_patient,
    open_study,
    series_of,
    unidentified,
)
from dicom.descriptions import Descriptions
from dicom.errors import NotFound, Refused, StorageFull
from dicom.ingest import Draft, Expected, Sender
from dicom.intake import Intake, take_own
from dicom.pool import Busy, Decoders
from dicom.presentation.session import Author
from dicom.web.accept import content_type
from dicom.web.body import HEADERS
from dicom.web.errors import BadRequest, TooLarge, TooOften, Unsupported
from dicom.web.scope import Seat, Seats
from dicom.web.upload import Upload, pieces

log = structlog.get_logger("dicom.capturing")

STILL = "image/png"
SIZES = {  # bytes; a page records a minute at most, at 2.5 Mbit/s
    STILL: 32 << 20,
    "video/webm": 64 << 20,
    "video/mp4": 64 << 20,
}
UNDER_WAY_MAX = 8  # at once; each holds a piece of 1 MB, and its turn at a decoder
AGE_MAX_MS = 7 * 24 * 3600 * 1000  # a page that was left open
UID = re.compile(r"[0-9.]{1,64}")
NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class _Wish:
    """What somebody sends."""

    capture: uuid.UUID
    media: str
    taken: datetime


class Capturing:
    """The handler. `wait_s` says how long somebody has to wait who has sent too many."""

    def __init__(
        self,
        archive: Archive,
        descriptions: Descriptions,
        decoders: Decoders,
        intake: Callable[[], Awaitable[Intake]],
        seats: Seats,
        wait_s: Callable[[str], float],
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._archive = archive
        self._descriptions = descriptions
        self._decoders = decoders
        self._intake = intake
        self._seats = seats
        self._wait_s = wait_s
        self._now = now
        self._under_way: set[uuid.UUID] = set()

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """For the application."""
        return [web.put(prefix + "/captures/{capture}", self.keep)]

    async def keep(self, request: web.Request) -> web.Response:
        """Keep it, and say whose it is now: 201; 200 where it was kept before."""
        seat = self._seats(request)
        wish = _wish(request, self._now())
        case = await self._case(seat, request.query.get("study", ""))
        if (wait_s := self._wait_s(seat.scope.subject)) > 0:
            raise TooOften("too many captures in a short time; this one can be sent again", wait_s)
        if wish.capture in self._under_way or len(self._under_way) >= UNDER_WAY_MAX:
            raise Busy("captures are being stored; send it again in a moment")
        self._under_way.add(wish.capture)
        try:
            return await self._kept(request, seat, case, wish)
        finally:
            self._under_way.discard(wish.capture)

    async def _kept(
        self, request: web.Request, seat: Seat, case: Case, wish: _Wish
    ) -> web.Response:
        institution = seat.scope.stores_into
        uid = instance_of(wish.capture)
        with contextlib.suppress(NotFound):
            there = await asyncio.to_thread(self._archive.instance, {institution}, uid)
            return _answer(200, there.study, there.series, there.uid, institution, case)
        intake = await self._intake()
        came = await self._receive(request, intake, SIZES[wish.media])
        try:
            made = await self._made(intake, seat, case, wish, came)
        finally:
            await intake.discard(came)
        expected = Expected(sop_instance=uid, study=case.study)
        outcome = await take_own(intake, made, Sender(institution, "CONSOLE"), expected)
        if case.own:
            seat.give(institution, case.study)
        log.info(
            "capture kept", by=seat.scope.subject, media=wish.media, identified=bool(case.patient)
        )
        return _answer(201, outcome.study, outcome.series, uid, institution, case)

    async def _made(
        self, intake: Intake, seat: Seat, case: Case, wish: _Wish, came: Draft
    ) -> Draft:
        """The DICOM object, written by a decoder. Raises Refused, StorageFull."""
        made = await intake.draft()
        clip = None if wish.media == STILL else wish.capture
        job = jobs.Capture(
            path=str(came.path),
            media=wish.media,
            out=str(made.path),
            about=case.about,
            series=series_of(case, seat.consultation, seat.scope.stores_into, clip),
            instance=instance_of(wish.capture),
            number=seat.next_number(),
            began_at=_moment(seat.began),
            taken_at=_moment(wish.taken),
            author=Author("", _moment(self._now()), importlib.metadata.version("distal")),
        )
        # A clip takes seconds: no picture that somebody waits for stands behind it.
        decoders = self._decoders.later if clip else self._decoders
        try:
            await decoders.run(job)
        except BaseException as error:
            await intake.discard(made)
            if isinstance(error, Refused) and error.reason == "full":
                raise StorageFull(str(error)) from None
            raise
        return made

    async def _case(self, seat: Seat, study: str) -> Case:
        """Whose it is. Raises NotFound where the study cannot be seen."""
        institution = seat.scope.stores_into
        where = (seat.consultation, institution, seat.began)
        nobody = unidentified(seat.consultation, seat.room, institution, seat.began)
        if not study:
            return nobody
        if not UID.fullmatch(study):
            raise BadRequest("study is no UID")
        found = await asyncio.to_thread(self._open, seat, study)
        if found is None:
            return nobody
        [said] = await self._descriptions.of([found])
        told = msgspec.json.decode(said, type=dict[str, object])
        if found.institution == institution:
            return open_study(study, told)
        return of_the_same_patient(told, found.institution, *where)

    def _open(self, seat: Seat, study: str) -> Instance | None:
        """One of its objects, of the own institution's if it has the study.

        None: its objects name several patients.
        """
        own = {seat.scope.stores_into}
        try:
            found = self._archive.first(own, study)
        except NotFound:
            found = self._archive.first(seat.scope.of(study) - own, study)
        differ = self._archive.patients_differ(found.institution, study)
        return None if differ else found

    async def _receive(self, request: web.Request, intake: Intake, most: int) -> Draft:
        """Its bytes in a file. Raises TooLarge, BadRequest, StorageFull."""
        upload = Upload(await intake.draft(), most)
        try:
            async for piece in pieces(request):
                await upload.write(piece)
            await upload.finish()
        except BaseException:
            upload.abandon()
            await intake.discard(upload.draft)
            raise
        return upload.draft


def _wish(request: web.Request, now: datetime) -> _Wish:
    """Raises BadRequest, Unsupported, TooLarge."""
    try:
        capture = uuid.UUID(request.match_info["capture"])
    except ValueError:
        raise BadRequest("the address has no UUID") from None
    media = content_type(request.headers.get(hdrs.CONTENT_TYPE, ""))[0]
    if media not in SIZES:
        raise Unsupported(f"a capture is one of {', '.join(SIZES)}")
    if (request.content_length or 0) > SIZES[media]:
        raise TooLarge(f"it has more than {SIZES[media]} bytes")
    age_ms = request.query.get("age_ms", "0")
    if not NUMBER.fullmatch(age_ms) or int(age_ms) > AGE_MAX_MS:
        raise BadRequest(f"age_ms is a number up to {AGE_MAX_MS}")
    return _Wish(capture, media, now - timedelta(milliseconds=int(age_ms)))


def _moment(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S")


def _answer(
    status: int, study: str, series: str, instance: str, institution: str, case: Case
) -> web.Response:
    said = {
        "study": study,
        "series": series,
        "instance": instance,
        "institution": institution,
        "patient": case.patient,
    }
    return web.json_response(said, status=status, headers={**HEADERS})
