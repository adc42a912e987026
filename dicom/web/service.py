"""The routes of `/dicomweb` that read: searching (QIDO-RS) and retrieving (WADO-RS)."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from dicom import jobs
from dicom.archive import Archive, Instance
from dicom.derived import Derived
from dicom.describe import swapped
from dicom.descriptions import Descriptions
from dicom.errors import NotFound
from dicom.pool import Decoders
from dicom.query import RESULTS_MAX, Level
from dicom.recent import Recent
from dicom.syntax import EXPLICIT
from dicom.web import frames, qido, rendered
from dicom.web.accept import Media, covers, parse
from dicom.web.body import HEADERS, Body, Part, Piece, multipart, read_all, send
from dicom.web.errors import BadRequest, NotAcceptable
from dicom.web.metadata import Metadata, instance_url
from dicom.web.scope import Gate, Scope

JSON, DICOM, PDF = "application/dicom+json", "application/dicom", "application/pdf"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
INSTANCES_MAX = 50_000  # of one answer
FRAMES_MAX = 2000  # of one answer that is decoded, held in memory
DECODED_MAX_BYTES = 512 << 20
PARENTS = {
    "study": "StudyInstanceUID",
    "series": "SeriesInstanceUID",
}
STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
FRAME = INSTANCE + "/frames/{frames}"
HELD = "/of/{institution}"  # what one institution holds, of those that may be seen
BULK = re.compile(r"(\d{1,18})-(\d{1,18})-([1248])")


class Reading:
    """Handlers over one archive. `root_of` says how the outside calls this service.

    Two institutions may hold a study of one UID. Who sees both reads the first at `/studies`,
    and each at `/of/INSTITUTION/studies`, as the addresses in the lists say.
    """

    def __init__(
        self,
        archive: Archive,
        descriptions: Descriptions,
        decoders: Decoders,
        derived: Derived,
        gate: Gate,
        root_of: Callable[[web.Request], str],
    ) -> None:
        self._archive = archive
        self._recent = Recent(archive)
        self._decoders = decoders
        self._derived = derived
        self._descriptions = descriptions
        self._metadata = Metadata(archive, descriptions)
        self._whole = gate
        self._service = root_of

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """For the application."""
        gets = {
            "/studies": self.studies,
            "/series": self.series,
            "/instances": self.instances,
            STUDY: self.objects,
            STUDY + "/series": self.series,
            STUDY + "/instances": self.instances,
            STUDY + "/metadata": self.metadata,
            STUDY + "/thumbnail": self.thumbnail,
            SERIES: self.objects,
            SERIES + "/instances": self.instances,
            SERIES + "/metadata": self.metadata,
            SERIES + "/thumbnail": self.thumbnail,
            INSTANCE: self.objects,
            INSTANCE + "/metadata": self.metadata,
            INSTANCE + "/rendered": self.picture,
            INSTANCE + "/thumbnail": self.thumbnail,
            INSTANCE + "/pixeldata": self.frames,
            INSTANCE + "/bulkdata/{bulk}": self.bulk,
            FRAME: self.frames,
            FRAME + "/rendered": self.picture,
            FRAME + "/thumbnail": self.thumbnail,
        }
        return [
            web.get(prefix + held + path, handler)
            for held in ("", HELD)
            for path, handler in gets.items()
        ]

    # --- QIDO-RS -------------------------------------------------------------------------------

    async def studies(self, request: web.Request) -> web.Response:
        """Search for studies."""
        return await self._search(request, Level.STUDY)

    async def series(self, request: web.Request) -> web.Response:
        """Search for series, of one study or of all."""
        return await self._search(request, Level.SERIES)

    async def instances(self, request: web.Request) -> web.Response:
        """Search for instances."""
        return await self._search(request, Level.INSTANCE)

    async def _search(self, request: web.Request, level: Level) -> web.Response:
        scope = self._gate(request)
        _json_type(request)
        where = {PARENTS[name]: uid for name, uid in request.match_info.items() if name in PARENTS}
        query = qido.parse(level, request.query.items(), where)
        rows = await asyncio.to_thread(self._find, scope, level, query)
        root = self._root_of(request)
        named = scope.several and "institution" not in request.match_info
        found = qido.answer(level, rows, lambda held: root + _held(held) if named else root)
        if level is Level.INSTANCE and (query.more or query.everything):
            await self._add_more(rows, found, query)
        if len(rows) == RESULTS_MAX:
            query.warnings.append("there may be more: ask again with an offset")
        headers = dict(HEADERS)
        if query.warnings:
            headers["Warning"] = ", ".join(
                f'299 {request.host} "{text}"' for text in query.warnings[:10]
            )
        return _json(request, qido.encode(found), headers)

    def _find(self, scope: Scope, level: Level, query: qido.Query) -> list[dict[str, Any]]:
        """Rows of what is shared, and after them of the institutions' own."""
        asked = query.match.get("StudyInstanceUID")
        uids = None if asked is None else asked.split("\\")
        rows: list[dict[str, Any]] = []
        for owner, uid in sorted(scope.shared):
            if owner not in scope.institutions and (uids is None or uid in uids):
                rows += self._archive.find(level, {owner}, {**query.match, "StudyInstanceUID": uid})
        rest = max(query.offset - len(rows), 0)
        rows = rows[query.offset : query.offset + query.limit]
        limit = query.limit - len(rows)
        if scope.institutions and limit > 0:
            rows += self._archive.find(level, scope.institutions, query.match, limit, rest)
        return rows

    async def _add_more(
        self, rows: Sequence[dict[str, object]], found: list[dict[str, object]], query: qido.Query
    ) -> None:
        """Attributes that only the instances themselves have."""
        by_id = await asyncio.to_thread(self._archive.by_ids, [int(str(r["id"])) for r in rows])
        said = await self._descriptions.of(by_id)
        await asyncio.to_thread(qido.add, found, said, None if query.everything else query.more)

    # --- WADO-RS -------------------------------------------------------------------------------

    async def metadata(self, request: web.Request) -> web.Response:
        """All attributes but bulk data."""
        scope = self._gate(request)
        kind = _json_type(request)
        root = self._root_of(request)
        study = request.match_info["study"]
        if "instance" in request.match_info:
            content = await self._metadata.plain(await self._instance(request), root)
            return _json(request, content, HEADERS, kind)
        series = request.match_info.get("series")
        packed = await self._metadata.compressed(scope.of(study), study, series, root)
        headers = {**HEADERS, "Content-Type": kind, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            packed = await asyncio.to_thread(gzip.decompress, packed)
        return web.Response(body=packed, headers=headers)

    async def objects(self, request: web.Request) -> web.StreamResponse:
        """Part 10 files of a study, series or instance, as they came unless asked otherwise."""
        found = await self._found(request)
        multi, syntax = _dicom_type(_accepted(request), found)
        async with self._files(found, syntax) as parts:
            if not multi:
                return await send(request, parts[0].body, parts[0].content_type)
            identity = b"".join(one.digest for one in found) + syntax.encode()
            body, kind = await asyncio.to_thread(multipart, parts, DICOM, identity)
            return await send(request, body, kind)

    async def frames(self, request: web.Request) -> web.StreamResponse:
        """Frames, each in a part; one alone may come without parts."""
        instance = await self._instance(request)
        if not instance.frames:
            raise NotFound("it has no frames")
        numbers = _frame_numbers(request.match_info.get("frames"), instance)
        form = frames.choose(_accepted(request), instance, len(numbers) == 1)
        if (form.decode or form.progressive) and len(numbers) > FRAMES_MAX:
            raise BadRequest(f"at most {FRAMES_MAX} frames are decoded at once")
        if form.progressive:
            bodies = [await self._progressive(instance, number) for number in numbers]
        elif form.decode:
            bodies = [Body([content]) for content in await self._decoded(instance, numbers)]
        elif instance.encapsulated:
            bodies = await asyncio.to_thread(self._stored, instance, numbers)
        else:
            bodies = self._stored(instance, numbers)
        if not form.multipart:
            return await send(request, bodies[0], form.content_type)
        address = f"{instance_url(self._root_of(request), instance)}/frames/"
        parts = [
            Part(form.content_type, body, f"{address}{number}")
            for number, body in zip(numbers, bodies, strict=True)
        ]
        identity = instance.digest + form.content_type.encode() + repr(numbers).encode()
        body, kind = multipart(parts, form.type, identity)
        return await send(request, body, kind)

    async def bulk(self, request: web.Request) -> web.StreamResponse:
        """A long value, by the place that the metadata name."""
        instance = await self._instance(request)
        said = BULK.fullmatch(request.match_info["bulk"])
        if said is None or int(said[1]) + int(said[2]) > instance.size:
            raise NotFound("no such bulk data")
        at, length, unit = map(int, said.groups())
        body = Body([Piece(self._archive.path(instance), at, length)])
        accepted = _accepted(request)
        if unit > 1:
            if length > DECODED_MAX_BYTES // 16:
                raise NotAcceptable("it is too long to be turned into little endian here")
            body = await asyncio.to_thread(_little, body, unit)
        for media in accepted:
            if not media.multipart and covers(media.type, PDF) and media.type != "*/*":
                return await send(request, body, PDF)
            if not media.multipart and covers(media.type, frames.OCTETS):
                return await send(request, body, frames.OCTETS)
            if media.multipart and covers(media.content, frames.OCTETS):
                identity = instance.digest + said[0].encode()
                whole, kind = multipart([Part(frames.OCTETS, body)], frames.OCTETS, identity)
                return await send(request, whole, kind)
        raise NotAcceptable("bulk data are application/octet-stream")

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """One frame as a screen shows it; a document as it is."""
        instance = await self._instance(request)
        query = request.query
        if instance.sop_class == ENCAPSULATED_PDF:
            return await self._document(request, instance)
        kind = rendered.picture_type(_accepted(request))
        job = jobs.Render(
            await self._place(instance, _one_frame(request, instance)),
            rendered.window(query),
            rendered.view(query),
            kind == rendered.PNG,
            rendered.quality(query),
        )
        return await self._rendered(job, kind)

    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        """A small picture: of a study or series, of what is in its middle."""
        if "instance" in request.match_info:
            instance = await self._instance(request)
        else:
            shown = [one for one in await self._found(request) if one.frames]
            if not shown:
                raise NotFound("it has no pictures")
            instance = shown[len(shown) // 2]
        kind = rendered.picture_type(_accepted(request))
        view = rendered.view(request.query)
        if view is None:
            size = rendered.THUMBNAIL_POINTS
            view = jobs.View(size, size)
        place = await self._place(instance, _one_frame(request, instance))
        job = jobs.Render(place, None, view, kind == rendered.PNG, 80)
        return await self._rendered(job, kind)

    async def _rendered(self, job: jobs.Render, kind: str) -> web.StreamResponse:
        content = await self._decoders.run(job)
        return web.Response(body=content, headers={**HEADERS, "Content-Type": kind})

    async def _document(self, request: web.Request, instance: Instance) -> web.StreamResponse:
        if not any(covers(media.type, PDF) for media in _accepted(request)):
            raise NotAcceptable("it is a document: application/pdf")
        [said] = await self._descriptions.of([instance])
        span = qido.document(said)
        if span is None:
            raise NotFound("the document is not there")
        at, length = span
        return await send(request, Body([Piece(self._archive.path(instance), at, length)]), PDF)

    # --- below ---------------------------------------------------------------------------------

    def _gate(self, request: web.Request) -> Scope:
        scope = self._whole(request)
        held = request.match_info.get("institution")
        return scope if held is None else scope.only(held)

    def _root_of(self, request: web.Request) -> str:
        held = request.match_info.get("institution")
        return self._service(request) + ("" if held is None else _held(held))

    async def _instance(self, request: web.Request) -> Instance:
        said = request.match_info
        study = said["study"]
        institutions = self._gate(request).of(study)
        return await self._recent.instance(institutions, study, said["series"], said["instance"])

    async def _found(self, request: web.Request) -> list[Instance]:
        """What an address names. Raises NotFound."""
        said = request.match_info
        if "instance" in said:
            return [await self._instance(request)]
        study = said["study"]
        found = await asyncio.to_thread(
            self._archive.instances, self._gate(request).of(study), study, said.get("series")
        )
        own = [one for one in found if one.institution == found[0].institution]
        if len(own) > INSTANCES_MAX:
            raise BadRequest(f"more than {INSTANCES_MAX} instances: retrieve them by series")
        return own

    def _stored(self, instance: Instance, numbers: Sequence[int]) -> list[Body]:
        path = self._archive.path(instance)
        most = None if instance.encapsulated else frames.native_length(instance)
        return [
            Body([Piece(path, at, min(length, most or length)) for at, length in spans])
            for spans in self._archive.spans(instance, numbers)
        ]

    async def _place(self, instance: Instance, number: int) -> jobs.Place:
        if instance.encapsulated:
            [spans] = await asyncio.to_thread(self._spans, instance, [number])
        else:  # simple arithmetic
            [spans] = self._spans(instance, [number])
        return self._placed(instance, number, spans)

    def _spans(
        self, instance: Instance, numbers: Sequence[int]
    ) -> list[tuple[tuple[int, int], ...]]:
        if instance.pixel_at is None and instance.frames:  # deflated: the decoder looks inside
            return [() for _ in numbers]
        spans = self._archive.spans(instance, numbers)
        return [tuple((at, length) for at, length in frame) for frame in spans]

    def _placed(
        self, instance: Instance, number: int, spans: tuple[tuple[int, int], ...]
    ) -> jobs.Place:
        return jobs.Place(
            str(self._archive.path(instance)),
            instance.transfer_syntax,
            number,
            spans,
            instance.pixel_at or 0,
            instance.encapsulated,
            instance.data_at,
        )

    async def _decoded(self, instance: Instance, numbers: Sequence[int]) -> list[bytes]:
        found: list[bytes] = []
        spans = await asyncio.to_thread(self._spans, instance, numbers)
        for number, frame in zip(numbers, spans, strict=True):
            place = self._placed(instance, number, frame)
            found.append(await self._decoders.run(jobs.Decode(place)))
            if sum(map(len, found)) > DECODED_MAX_BYTES:
                raise BadRequest("ask for fewer frames at once")
        return found

    async def _progressive(self, instance: Instance, number: int) -> Body:
        place = await self._place(instance, number)
        made = await self._derived.frame(instance.object_key, place)
        return Body([Piece(made.path, 0, made.size)])

    @contextlib.asynccontextmanager
    async def _files(self, found: Sequence[Instance], syntax: str) -> AsyncIterator[list[Part]]:
        """The files as parts, transcoded where `syntax` says so."""
        with tempfile.TemporaryDirectory(prefix="dicom-") as directory:
            parts = []
            for number, one in enumerate(found):
                path, size, now = self._archive.path(one), one.size, one.transfer_syntax
                if syntax not in ("", "*", now):
                    path = Path(directory) / str(number)
                    await self._transcode(one, path)
                    size, now = path.stat().st_size, EXPLICIT
                kind = f"{DICOM}; transfer-syntax={now}"
                parts.append(Part(kind, Body([Piece(path, 0, size)])))
            yield parts

    async def _transcode(self, instance: Instance, out: Path) -> None:
        numbers = range(1, instance.frames + 1)
        table = await asyncio.to_thread(self._spans, instance, numbers)
        place = self._placed(instance, 1, table[0] if table else ())
        await self._decoders.run(jobs.Transcode(place, tuple(table), str(out)))


def _held(institution: str) -> str:
    return HELD.replace("{institution}", quote(institution, safe=""))


def _accepted(request: web.Request) -> list[Media]:
    said = request.headers.getall("Accept", [])
    return parse([request.query["accept"]] if "accept" in request.query else said)


def _json_type(request: web.Request) -> str:
    for media in _accepted(request):
        for offered in (JSON, "application/json"):
            if not media.multipart and covers(media.type, offered):
                return offered
    raise NotAcceptable(f"answers are {JSON}")


def _json(
    request: web.Request, content: bytes, headers: dict[str, str], kind: str | None = None
) -> web.Response:
    answer = web.Response(
        body=content, headers={**headers, "Content-Type": kind or _json_type(request)}
    )
    if len(content) > 1024:
        answer.enable_compression()
    return answer


def _dicom_type(accepted: Sequence[Media], found: Sequence[Instance]) -> tuple[bool, str]:
    """Whether in parts, and the transfer syntax: empty or `*` for what each has."""
    for media in accepted:
        if not (media.type == "*/*" or covers(media.content, DICOM)):
            continue
        multi = media.multipart or media.type == "*/*"
        if not multi and len(found) > 1:
            continue
        stored = {one.transfer_syntax for one in found}
        if media.syntax in ("", "*", EXPLICIT) or stored == {media.syntax}:
            return multi, media.syntax
    raise NotAcceptable(f'accept multipart/related; type="{DICOM}"; transfer-syntax=*')


def _frame_numbers(text: str | None, instance: Instance) -> list[int]:
    if text is None:
        return list(range(1, instance.frames + 1))
    parts = text.split(",")
    if not all(part.isascii() and part.isdecimal() and len(part) <= 7 for part in parts):
        raise BadRequest("frames are numbers from 1, separated by commas")
    numbers = [int(part) for part in parts]
    if not all(1 <= number <= instance.frames for number in numbers):
        raise NotFound(f"it has frames 1 to {instance.frames}")
    return numbers


def _one_frame(request: web.Request, instance: Instance) -> int:
    if not instance.frames:
        raise NotFound("it has no pictures")
    if "frames" not in request.match_info:
        return 1
    numbers = _frame_numbers(request.match_info["frames"], instance)
    if len(numbers) != 1:
        raise BadRequest("one frame is rendered at a time")
    return numbers[0]


def _little(body: Body, unit: int) -> Body:
    return Body([swapped(read_all(body), unit)])
