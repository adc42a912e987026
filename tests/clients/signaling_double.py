"""A small signaling server under a test's control: it can cut sockets and forget sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from signaling import protocol as p

Handler = Callable[[p.AnyRequest], Awaitable[p.AnyAnswer] | p.AnyAnswer]


class SignalingDouble:
    """One session. `emit` numbers events and keeps them for a resume, as the real server does."""

    def __init__(self) -> None:
        self.requests: list[p.AnyRequest] = []
        self.answers: dict[type[p.Request], Callable[[p.AnyRequest], p.AnyAnswer | None]] = {}
        self.hellos: list[p.Hello] = []
        self.events: list[p.AnyEvent] = []
        self.forgotten = False
        self.away = False
        self.refuse: p.Error | None = None
        self.resume_s = 5
        self.sockets: list[web.WebSocketResponse] = []
        application = web.Application()
        application.router.add_get("/ws", self._serve)
        self.server = TestServer(application)

    async def __aenter__(self) -> SignalingDouble:
        await self.server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()

    @property
    def url(self) -> str:
        return str(self.server.make_url("/ws"))

    async def emit(self, event: p.AnyEvent) -> None:
        event.seq = len(self.events) + 1
        self.events.append(event)
        for socket in self.sockets:
            await socket.send_str(msgspec.json.encode(event).decode())

    async def cut(self) -> None:
        for socket in list(self.sockets):
            await socket.close()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        if self.away:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        decoder: msgspec.json.Decoder[p.AnyRequest] = msgspec.json.Decoder(p.AnyRequest)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                got = decoder.decode(message.data)
                if isinstance(got, p.Hello):
                    await self._greet(socket, got)
                    continue
                self.requests.append(got)
                answer = self.answers.get(type(got), lambda r: p.Ok(re=r.id))(got)
                if answer is not None:
                    await socket.send_str(msgspec.json.encode(answer).decode())
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)
        return socket

    async def _greet(self, socket: web.WebSocketResponse, hello: p.Hello) -> None:
        self.hellos.append(hello)
        if self.refuse or (hello.resume and self.forgotten):
            code: p.ErrorCode = self.refuse.code if self.refuse else "session_gone"
            error = p.Error(re=hello.id, code=code, reason="as the test wants")
            await socket.send_str(msgspec.json.encode(error).decode())
            return
        welcome = p.Welcome(
            re=hello.id,
            version=1,
            session="secret",
            participant="me",
            room="r",
            title="t",
            role="specialist",
            name="n",
            institution="",
            grants=p.Grants(),
            transports=[],
            resumed=hello.resume is not None,
            joined=False,
            resume_s=self.resume_s,
        )
        await socket.send_str(msgspec.json.encode(welcome).decode())
        for event in self.events[hello.resume.seq if hello.resume else 0 :]:
            await socket.send_str(msgspec.json.encode(event).decode())
        self.sockets.append(socket)


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
