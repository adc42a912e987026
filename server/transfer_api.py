"""`/api/dicom/transfers`: a doctor sends a study to another archive, one that is listed."""

from __future__ import annotations

from typing import Annotated

from aiohttp import hdrs, web
from msgspec import Meta, Struct, structs

from dicom.nodes import Node, WebNode
from dicom.transfers import Transfer, Transfers
from server.config import Settings
from server.dicom_access import Access
from server.requests import read_json
from signaling.problem import Problem

NO_STORE = {hdrs.CACHE_CONTROL: "no-store"}


class TransferRequest(Struct, forbid_unknown_fields=True):
    """What to send, and where."""

    study: Annotated[str, Meta(pattern=r"^[0-9.]{1,64}\Z")]
    node: Annotated[str, Meta(min_length=1, max_length=64)]


def destinations(settings: Settings) -> dict[str, Node | WebNode]:
    """Where studies may be sent, by name."""
    found: dict[str, Node | WebNode] = {
        ae: node for ae, node in settings.nodes().listed.items() if node.host
    }
    for name, node in settings.dicomweb_nodes.items():
        found[name] = WebNode(node.url, node.token)
    return found


class TransferApi:
    """The routes of doctors, by bearer token."""

    def __init__(self, access: Access, transfers: Transfers) -> None:
        self._access = access
        self._transfers = transfers

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.get("/api/dicom/nodes", self.nodes, allow_head=False),
            web.post("/api/dicom/transfers", self.ask),
            web.get("/api/dicom/transfers", self.listed, allow_head=False),
            web.delete("/api/dicom/transfers/{number}", self.cancel),
        ]

    async def nodes(self, request: web.Request) -> web.Response:
        """Where a study can be sent."""
        self._access.doctor(request)
        return web.json_response({"nodes": sorted(self._transfers.nodes)}, headers=NO_STORE)

    async def ask(self, request: web.Request) -> web.Response:
        """Send one. It goes on by itself."""
        institution, claims = self._access.doctor(request)
        asked = await read_json(request, TransferRequest)
        seen = self._access.sees(institution)
        made = await self._transfers.ask(seen, asked.study, asked.node, claims.subject)
        return web.json_response(_told(made), status=201, headers=NO_STORE)

    async def listed(self, request: web.Request) -> web.Response:
        """The last ones, and how far they are."""
        institution, _ = self._access.doctor(request)
        seen = self._access.sees(institution)
        found = await self._transfers.listed(seen, request.query.get("study"))
        return web.json_response({"transfers": [*map(_told, found)]}, headers=NO_STORE)

    async def cancel(self, request: web.Request) -> web.Response:
        """Send no more of it."""
        institution, _ = self._access.doctor(request)
        number = request.match_info["number"]
        if not (number.isascii() and number.isdecimal() and len(number) < 19):
            raise Problem(404, "no such transfer")
        made = await self._transfers.cancel(self._access.sees(institution), int(number))
        return web.json_response(_told(made), headers=NO_STORE)


def _told(one: Transfer) -> dict[str, object]:
    return structs.asdict(one)
