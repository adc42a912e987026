"""`/api/shares`: links to one study, made, listed and taken back by doctors of its institution."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from aiohttp import hdrs, web
from msgspec import Meta, Struct

from dicom.factors import Factor
from dicom.shares import Audience, Listed, Share, Shares, Who, Wish
from dicom.teaching import Teaching
from server.config import Settings
from server.dicom_access import Access
from server.limits import RateLimit
from server.requests import client_address, public_origin, read_json, slow_down

TTL_MAX_S = 30 * 24 * 3600
BURST, PER_S = 60, 0.5
NO_STORE = {hdrs.CACHE_CONTROL: "no-store"}
Uid = Annotated[str, Meta(pattern=r"^[0-9.]{1,64}\Z")]


class ShareRequest(Struct, forbid_unknown_fields=True):
    """A link as the dialog asks for it."""

    study: Uid
    audience: Audience
    factor: Factor
    ttl_s: Annotated[int, Meta(ge=60, le=TTL_MAX_S)]
    deidentified: bool = False


class ShareApi:
    """The routes of doctors, by bearer token."""

    def __init__(
        self, settings: Settings, access: Access, links: Shares, teaching: Teaching
    ) -> None:
        self._settings = settings
        self._access = access
        self._links = links
        self._teaching = teaching
        self._limit = RateLimit(BURST, PER_S, time.monotonic)

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post("/api/shares", self.make),
            web.get("/api/shares", self.of_study, allow_head=False),
            web.delete("/api/shares/{link}", self.revoke),
            web.get("/api/shares/{link}/events", self.events, allow_head=False),
        ]

    async def make(self, request: web.Request) -> web.Response:
        """A new link. Its address and its digits are told here and never again."""
        institution, who = self._doctor(request)
        slow_down(request, self._limit, self._settings.behind_proxy)
        asked = await read_json(request, ShareRequest)
        if asked.deidentified:
            self._teaching.check()
        wish = Wish(
            institution,
            asked.study,
            asked.audience,
            asked.factor,
            asked.ttl_s,
            asked.deidentified,
        )
        made = await asyncio.to_thread(self._links.make, wish, who)
        if asked.deidentified:
            self._teaching.begin(made.share)
        settings = self._settings
        origin = public_origin(request, settings.behind_proxy, settings.public_url)
        answer = {
            "url": f"{origin}/shared/{made.share.name}#{made.code}",
            "digits": made.digits,
            "link": self._told(Listed(made.share, 0, None)),
        }
        return web.json_response(answer, status=201, headers=NO_STORE)

    async def of_study(self, request: web.Request) -> web.Response:
        """A study's links, and which second factors a new one may have."""
        institution, _ = self._doctor(request)
        study = request.query.get("study", "")
        offers = await asyncio.to_thread(self._links.offers, institution, study)
        found = await asyncio.to_thread(self._links.of_study, institution, study)
        answer = {"factors": offers, "links": [self._told(one) for one in found]}
        return web.json_response(answer, headers=NO_STORE)

    async def revoke(self, request: web.Request) -> web.Response:
        """Take a link back; who is looking is refused the next picture."""
        institution, who = self._doctor(request)
        link = request.match_info["link"]
        share = await asyncio.to_thread(self._links.revoke, institution, link, who)
        return web.json_response(self._told(Listed(share, 0, None)), headers=NO_STORE)

    async def events(self, request: web.Request) -> web.Response:
        """What happened to a link, the newest first."""
        institution, _ = self._doctor(request)
        link = request.match_info["link"]
        found = await asyncio.to_thread(self._links.events, institution, link)
        shown = ("at_ms", "kind", "who", "remote", "user_agent")
        answer = {"events": [{name: event[name] for name in shown} for event in found]}
        return web.json_response(answer, headers=NO_STORE)

    def _doctor(self, request: web.Request) -> tuple[str, Who]:
        institution, claims = self._access.doctor(request)
        return institution, Who(
            claims.name or claims.role,
            claims.subject,
            client_address(request, self._settings.behind_proxy),
            request.headers.get(hdrs.USER_AGENT, ""),
        )

    def _told(self, listed: Listed) -> dict[str, Any]:
        """A link without its secrets."""
        share: Share = listed.share
        done, count = self._teaching.progress.get(share.name, (0, 0))
        return {
            "name": share.name,
            "audience": share.audience,
            "factor": share.factor,
            "deidentified": share.deidentified,
            "made_by": share.made_by,
            "made_ms": share.made_ms,
            "expires_ms": share.expires_ms,
            "state": share.closed(round(time.time() * 1000)) or share.state,
            "locked_until_ms": share.locked_until_ms,
            "accesses": listed.accesses,
            "last_ms": listed.last_ms,
            "done": done,
            "count": count,
            "shown": share.shown_count,
            "withheld": share.withheld_count,
        }
