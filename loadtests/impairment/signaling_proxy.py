"""The server's web side at another address, where every description leads to the emulator.

So browsers, WHIP and WHEP clients and headless participants go through an impaired network without
knowing of it. Signaling itself is not impaired, unless `cut` takes it away with the rest.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
from aiohttp import web

from loadtests.impairment.candidates import Address, through

MESSAGE_BYTES_MAX = 16 * 1024 * 1024  # a room's whole state, or the web client's largest file
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"})
# aiohttp unpacks and packs by itself, and negotiates its own WebSocket.
OWN = HOP | {"content-length", "content-encoding", "accept-encoding"}

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class SignalingProxy:
    """`async with SignalingProxy(server.url, {media_port: network.address}) as web: web.url`."""

    def __init__(
        self, server: str, emulators: Mapping[int, Address], *, listen: Address = ("127.0.0.1", 0)
    ) -> None:
        self.url = ""
        self._server = server.rstrip("/")
        self._emulators = emulators
        self._listen = listen
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self._away = False
        self._outage = asyncio.Event()  # set with the next one

    async def __aenter__(self) -> SignalingProxy:
        self._http = aiohttp.ClientSession(auto_decompress=True)
        app = web.Application(client_max_size=MESSAGE_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._listen)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    @property
    def ws_url(self) -> str:
        """Address of the signaling WebSocket."""
        return self.url.replace("http", "ws", 1) + "/ws"

    def cut(self) -> None:
        """From now on nothing passes, and nobody is told.

        What is open, or is opened until `mend`, never speaks again: TCP's retransmissions after a
        long outage come later than any client waits.
        """
        self._away = True
        self._outage.set()

    def mend(self) -> None:
        """New connections pass again."""
        self._away = False
        self._outage = asyncio.Event()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        outage = self._outage
        if self._away:
            await asyncio.Event().wait()
        answer = await self._answered(request)
        if outage.is_set():
            await asyncio.Event().wait()
        return answer

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_socket(request)
        return await self._pass_request(request)

    async def _pass_request(self, request: web.Request) -> web.Response:
        assert self._http is not None
        async with self._http.request(
            request.method,
            self._server + request.path_qs,
            headers=_passed(request.headers),
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            body = await answer.read()
            if answer.content_type == "application/sdp":
                body = through(body.decode(), self._emulators).encode()
            return web.Response(status=answer.status, body=body, headers=_passed(answer.headers))

    async def _pass_socket(self, request: web.Request) -> web.WebSocketResponse:
        assert self._http is not None
        headers = {
            name: value
            for name, value in _passed(request.headers).items()
            if not name.lower().startswith("sec-websocket")
        }
        near = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES_MAX)
        outage = self._outage
        async with self._http.ws_connect(
            self._server + request.path_qs, headers=headers, max_msg_size=MESSAGE_BYTES_MAX
        ) as far:
            await near.prepare(request)
            both = [
                asyncio.create_task(self._pump(near, far, leads_back=False)),
                asyncio.create_task(self._pump(far, near, leads_back=True)),
            ]
            gone = asyncio.create_task(outage.wait())
            try:
                await asyncio.wait([*both, gone], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*both, gone):
                    task.cancel()
                await asyncio.gather(*both, gone, return_exceptions=True)
            if outage.is_set():  # nobody reads: pings stay unanswered, either way
                await asyncio.Event().wait()
        with suppress(ConnectionError):
            await near.close(code=far.close_code or 1000)
        return near

    async def _pump(self, source: Socket, sink: Socket, *, leads_back: bool) -> None:
        async for message in source:
            if message.type is aiohttp.WSMsgType.TEXT:
                await sink.send_str(self._message(message.data) if leads_back else message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await sink.send_bytes(message.data)

    def _message(self, text: str) -> str:
        if '"sdp"' not in text:
            return text
        message = json.loads(text)
        if isinstance(message.get("sdp"), str):
            message["sdp"] = through(message["sdp"], self._emulators)
        return json.dumps(message, ensure_ascii=False)


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in OWN}
