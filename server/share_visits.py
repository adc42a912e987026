"""`/shared/LINK`: who comes by a link shows its code and a second factor, and sees one study.

The page at that address is the same for everybody: what an address or a preview of it can tell is
nothing. The code stands behind `#`, which no browser sends; it comes by POST after a click. Who is
let in gets a cookie for the addresses below his link alone, with which he reads and never stores;
each request asks anew whether the link still opens.
"""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Annotated

from aiohttp import hdrs, web
from msgspec import Meta, Struct

from dicom.errors import DicomError
from dicom.pool import Busy
from dicom.shares import (
    FactorWrong,
    LinkEnded,
    LinkLocked,
    LinkNotReady,
    LinkUnknown,
    Share,
    Shares,
    SignedOut,
    Who,
)
from dicom.web.scope import Scope
from server.config import Settings
from server.dicom_access import over_tls
from server.limits import RateLimit
from server.requests import client_address, read_json, slow_down
from signaling.problem import Handler, Problem

PATH = "/shared/{link}"
VISIT_PATH = PATH + "/dicomweb"
COOKIE = "distal-shared"
BURST, PER_S = 40, 1.0  # of one address, over all links: a ward has one
AT_ONCE = 2  # answers that are judged: each takes a core for 50 ms
WAITING_MAX = 50
SESSIONS_NOTED = 4096
FILES = frozenset({"objects"})  # handlers of Reading that hand out whole files
NO_STORE = {hdrs.CACHE_CONTROL: "no-store"}
Code = Annotated[str, Meta(max_length=64)]


class Look(Struct, forbid_unknown_fields=True):
    """What the page has."""

    code: Code


class Open(Struct, forbid_unknown_fields=True):
    """And what the person knows."""

    code: Code
    factor: Annotated[str, Meta(min_length=1, max_length=32)]


class ShareVisits:
    """The routes of those who come by a link."""

    def __init__(self, settings: Settings, links: Shares) -> None:
        self._settings = settings
        self._links = links
        self._limit = RateLimit(BURST, PER_S, time.monotonic)
        self._judging = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._noting = asyncio.Lock()
        self._noted: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post(PATH + "/look", self.look),
            web.post(PATH + "/open", self.open),
            web.post(PATH + "/close", self.close),
        ]

    def watched(self, routes: Iterable[web.RouteDef]) -> list[web.RouteDef]:
        """The same, with the first use in each visit written down before it is answered."""
        return [
            web.RouteDef(one.method, one.path, self._watched(one.handler), one.kwargs)
            for one in routes
        ]

    async def look(self, request: web.Request) -> web.Response:
        """What may be said to anybody who has the link, and whether he has been let in."""
        slow_down(request, self._limit, self._settings.behind_proxy)
        link, asked = request.match_info["link"], await read_json(request, Look)
        try:
            share = await asyncio.to_thread(self._links.look, link, asked.code, self._who(request))
        except DicomError as error:
            raise _problem(error) from None
        answer = {
            "sender": share.sender,
            "factor": share.factor,
            "deidentified": share.deidentified,
            "expires_ms": share.expires_ms,
        }
        return web.json_response(answer, headers=NO_STORE)

    async def open(self, request: web.Request) -> web.Response:
        """Judge the second factor, and let him in."""
        slow_down(request, self._limit, self._settings.behind_proxy)
        link, asked = request.match_info["link"], await read_json(request, Open)
        if self._waiting >= WAITING_MAX:
            raise Busy("too many come at once; try again in a moment")
        self._waiting += 1
        try:
            async with self._judging:
                session = await asyncio.to_thread(
                    self._links.open, link, asked.code, asked.factor, self._who(request)
                )
        except DicomError as error:
            raise _problem(error) from None
        finally:
            self._waiting -= 1
        answer = web.json_response(
            {"study": session.share.shown_study, "until_ms": session.until_ms}, headers=NO_STORE
        )
        answer.set_cookie(
            COOKIE,
            session.cookie,
            path=f"/shared/{link}",
            max_age=max(session.until_ms // 1000 - int(time.time()), 0),
            httponly=True,
            samesite="Strict",
            secure=over_tls(request),
        )
        return answer

    async def close(self, request: web.Request) -> web.Response:
        """Leave: the cookie goes."""
        answer = web.Response(status=204, headers=NO_STORE)
        answer.del_cookie(COOKIE, path=f"/shared/{request.match_info['link']}")
        return answer

    def scope(self, request: web.Request) -> Scope:
        """What this visit may see: the link's study. Raises Problem."""
        share, _ = self._admitted(request)
        if share.deidentified:
            return Scope(institutions=frozenset({share.shown_institution}))
        return Scope(shared=frozenset({(share.shown_institution, share.shown_study)}))

    def root_of(self, origin: str, request: web.Request) -> str:
        """How the outside calls the service of this visit."""
        return origin + VISIT_PATH.replace("{link}", request.match_info["link"])

    def _admitted(self, request: web.Request) -> tuple[Share, str]:
        try:
            return self._links.admitted(request.match_info["link"], request.cookies.get(COOKIE, ""))
        except DicomError as error:
            raise _problem(error, looking=True) from None

    def _watched(self, handler: Handler) -> Handler:
        kind = "downloaded" if handler.__name__ in FILES else "viewed"

        @functools.wraps(handler)
        async def watched(request: web.Request) -> web.StreamResponse:
            share, nonce = self._admitted(request)
            key = (share.name, nonce, kind)
            if key not in self._noted:
                await self._note(key, share, self._who(request))
            return await handler(request)

        return watched

    async def _note(self, key: tuple[str, str, str], share: Share, who: Who) -> None:
        async with self._noting:  # a page asks for much at once
            if key in self._noted:
                return
            await asyncio.to_thread(self._links.note, share, key[2], who)
            self._noted[key] = None
            if len(self._noted) > SESSIONS_NOTED:
                self._noted.popitem(last=False)

    def _who(self, request: web.Request) -> Who:
        return Who(
            remote=client_address(request, self._settings.behind_proxy),
            user_agent=request.headers.get(hdrs.USER_AGENT, ""),
        )


def _problem(error: DicomError, looking: bool = False) -> Exception:
    """As HTTP says it, with what the page needs to say it in words."""
    match error:
        case LinkEnded() if looking:  # a picture of one who was inside
            return Problem(401, str(error), title="Link ended", more={"reason": error.reason})
        case LinkEnded():
            return Problem(410, str(error), title="Link ended", more={"reason": error.reason})
        case LinkUnknown() if looking:
            return Problem(401, "open the link again", title="Not open")
        case LinkUnknown():
            return Problem(404, str(error), title="Link unknown")
        case SignedOut():
            return Problem(401, str(error), title="Not open")
        case FactorWrong():
            return Problem(403, str(error), title="Not right", more={"left": error.left})
        case LinkLocked():
            wait_s = max(math.ceil(error.until_ms / 1000 - time.time()), 1)
            return Problem(
                429,
                str(error),
                title="Locked",
                headers={hdrs.RETRY_AFTER: str(wait_s)},
                more={"until_ms": error.until_ms},
            )
        case LinkNotReady():
            return Problem(503, str(error), title="Not ready", headers={hdrs.RETRY_AFTER: "5"})
        case _:
            return error
