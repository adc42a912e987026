"""DICOMweb inside the server: the archive opened, decoders started, errors as problem+json."""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

from aiohttp import hdrs, web

from dicom import database
from dicom.archive import Archive
from dicom.derived import Derived
from dicom.descriptions import Descriptions
from dicom.errors import DicomError, NotFound, Refused, StorageFull
from dicom.intake import Gone, Intake
from dicom.pool import Busy, Decoders
from dicom.shares import CannotShare, Shares
from dicom.teaching import Teaching
from dicom.transfers import TooMany, Transfers
from dicom.web import errors
from dicom.web.capturing import Capturing
from dicom.web.saving import Saving
from dicom.web.scope import Scope
from dicom.web.service import Reading
from dicom.web.stow import Storing
from server.child import ChildError
from server.config import Settings
from server.dicom_access import PATH, Access, no_room, no_sitting
from server.keys import own_secret
from server.limits import RateLimit
from server.requests import public_origin
from server.share_api import ShareApi
from server.share_visits import VISIT_PATH, ShareVisits
from server.transfer_api import TransferApi, destinations
from signaling.film import Given
from signaling.problem import Problem
from signaling.sitting import Sitting
from signaling.tokens import Claims, TokenVerifier

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
STATUS: dict[type[DicomError], int] = {
    errors.BadRequest: 400,
    errors.Forbidden: 403,
    NotFound: 404,
    CannotShare: 409,
    errors.Outside: 409,
    errors.NotAcceptable: 406,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    errors.BadRange: 416,
    Refused: 422,
    errors.TooOften: 429,
    Busy: 503,
    Gone: 503,
    TooMany: 503,
    StorageFull: 507,
}
SHARE_KEY = "share-key"  # in the data directory: keeps second factors and sessions of links
CAPTURES_AT_ONCE, CAPTURES_PER_S = 20, 0.5  # of one person: more than a hand presses
ALLOWED = "Authorization, Content-Type, Accept, Range"


class DicomApi:
    """The routes, and what runs behind them while the application runs."""

    def __init__(
        self,
        settings: Settings,
        verifier: TokenVerifier,
        intake: Callable[[], Awaitable[Intake]],
        given: Callable[[Claims], Iterable[Given] | None] = no_room,
        sitting: Callable[[Claims], Sitting | None] = no_sitting,
    ) -> None:
        self._settings = settings
        self._root = settings.data_dir / "dicom"
        self._access = Access(verifier, given, settings.sees, sitting)
        self._decoders = Decoders()
        self.archive = Archive(self._root)
        self._descriptions = Descriptions(self._root, self.archive, self._decoders)
        self._derived = Derived(self._root / "derived", self._decoders)
        self._reading = Reading(
            self.archive,
            self._descriptions,
            self._decoders,
            self._derived,
            self._scope,
            self._root_url,
        )

        self._storing = Storing(intake, self._scope, self._root_url)
        self._saving = Saving(self.archive, self._descriptions, self._decoders, intake, self._scope)
        self._capturing = Capturing(
            self.archive,
            self._descriptions,
            self._decoders,
            intake,
            self._access.seat,
            RateLimit(CAPTURES_AT_ONCE, CAPTURES_PER_S, time.monotonic).wait_s,
        )
        self._links = Shares(self._root, own_secret(settings.data_dir / SHARE_KEY))
        self._teaching = Teaching(
            self.archive, self._descriptions, self._decoders, intake, self._links
        )
        self._share = ShareApi(settings, self._access, self._links, self._teaching)
        self._transfers = Transfers(self._root, self.archive, destinations(settings))
        self._transfer = TransferApi(self._access, self._transfers)
        self._visits = ShareVisits(settings, self._links)
        self._shown = Reading(
            self.archive,
            self._descriptions,
            self._decoders,
            self._derived,
            self._visits.scope,
            lambda request: self._visits.root_of(self._origin(request), request),
        )

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        routes = [*self._reading.routes(PATH), *self._storing.routes(PATH)]
        routes += [*self._saving.routes("/api/film"), *self._capturing.routes("/api/film")]
        routes += [*self._share.routes(), *self._visits.routes(), *self._transfer.routes()]
        routes += self._visits.watched(self._shown.routes(VISIT_PATH))
        return [
            *(
                web.RouteDef(one.method, one.path, self._answered(one.handler), one.kwargs)
                for one in routes
            ),
            web.options(PATH + "/{anything:.*}", self._preflight),
            web.post("/api/dicomweb/session", self._access.open_session),
        ]

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Around the application's life."""
        await asyncio.to_thread(_prepare, self._root)
        await asyncio.to_thread(self._derived.prepare)
        tasks = [
            asyncio.create_task(self._descriptions.keep_up()),
            asyncio.create_task(self._teaching.keep_up()),
        ]
        await self._transfers.start()
        yield
        await self._transfers.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._teaching.close()
        await self._decoders.close()
        self._descriptions.close()
        self._links.close()
        self.archive.close()

    def _scope(self, request: web.Request) -> Scope:
        return self._access.scope(request)

    def _origin(self, request: web.Request) -> str:
        settings = self._settings
        return public_origin(request, settings.behind_proxy, settings.public_url)

    def _root_url(self, request: web.Request) -> str:
        return self._origin(request) + PATH

    def _answered(self, handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                answer = await handler(request)
            except DicomError as error:
                raise problem(error) from None
            except ChildError as error:
                raise Problem(503, str(error), headers={hdrs.RETRY_AFTER: "5"}) from None
            if not answer.prepared:
                answer.headers.update(self._cors(request))
            return answer

        return answered

    async def _preflight(self, request: web.Request) -> web.Response:
        headers = self._cors(request)
        if headers:
            headers |= {
                hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, HEAD, POST",
                hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ALLOWED,
                hdrs.ACCESS_CONTROL_MAX_AGE: "600",
            }
        return web.Response(status=204, headers=headers)

    def _cors(self, request: web.Request) -> dict[str, str]:
        """For viewers on origins that --allow-origin names; they send the token, no cookie."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or origin not in self._settings.allow_origin:
            return {}
        return {
            hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin,
            hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "Content-Range, Warning",
            hdrs.VARY: hdrs.ORIGIN,
        }


def _prepare(root: Path) -> None:
    """An index to read, also before anything was received."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = database.writing(database.url_of(root))
    database.migrate(engine)
    engine.dispose()


def problem(error: DicomError) -> Problem:
    """What went wrong, as HTTP says it."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    headers: dict[str, str] = {}
    if isinstance(error, errors.BadRange):
        headers = {hdrs.CONTENT_RANGE: f"bytes */{error.length}"}
    elif isinstance(error, (Busy, Gone, TooMany)):
        headers = {hdrs.RETRY_AFTER: "2"}
    elif isinstance(error, errors.TooOften):
        headers = {hdrs.RETRY_AFTER: str(math.ceil(error.wait_s))}
    return Problem(status, str(error), headers=headers)
