"""A real aiohttp server with signaling on a fake relay, and a client that speaks the protocol."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import time
from contextlib import AsyncExitStack

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signaling.problem import problem_middleware
from signaling.service import Signaling
from signaling.settings import SignalingSettings
from signaling.tokens import Claims, TokenVerifier, encode
from tests.films import films, show  # noqa: F401  (fixtures)
from tests.signaling.fake_relay import FakeRelay

KEY = Ed25519PrivateKey.generate()
_subjects = itertools.count(1)
PATIENCE_S = 10.0


def token(role="specialist", room="demo", name=None, subject=None, expires=None, **more):
    claims = Claims(
        subject=subject or f"s{next(_subjects)}",
        room=room,
        role=role,
        name=name,
        expires=expires or int(time.time()) + 600,
        **more,
    )
    return encode(claims, KEY, "k1")


class Refusal(Exception):
    def __init__(self, answer):
        super().__init__(answer["reason"])
        self.code, self.field = answer["code"], answer["field"]


class Peer:
    """A client: `ask` sends a request and waits for its answer; events collect in `events`."""

    def __init__(self, socket):
        self.socket = socket
        self.events = []
        self.answers = {}
        self.welcome = None
        self.me = None
        self.removed_unnumbered = []
        self._ids = itertools.count(1)
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def _read(self):
        while (message := await self.socket.receive()).type is WSMsgType.TEXT:
            said = json.loads(message.data)
            if "re" in said:
                self.answers[said["re"]] = said
            elif said["seq"] == 0:
                self.removed_unnumbered.append(said)
            else:
                self.events.append(said)
            self._changed.set()
        self._changed.set()

    @property
    def closed(self):
        return self._task.done()

    @property
    def seq(self):
        return self.events[-1]["seq"] if self.events else 0

    async def until(self, condition):
        """What `condition` gives once it is true; fails when the socket closes before."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):
                assert not self.closed, "the socket closed"
                self._changed.clear()
                await self._changed.wait()
            return found

    async def ask(self, type, **fields):
        request = next(self._ids)
        await self.socket.send_json({"type": type, "id": request, **fields})
        return await self.answer(request)

    async def answer(self, request):
        answer = await self.until(lambda: self.answers.pop(request, None))
        if answer["type"] == "error":
            raise Refusal(answer)
        return answer

    async def hello(self, token=None, **fields):
        if token:
            fields["token"] = token
        self.welcome = await self.ask("hello", version=1, **fields)
        self.me = self.welcome["participant"]
        return self.welcome

    async def join(self, **fields):
        return await self.ask("join", **fields)

    async def event(self, type, **fields):
        """The first event of this kind; it and those before it are done with."""

        def find():
            for index, event in enumerate(self.events):
                if event["type"] == type and all(event[k] == v for k, v in fields.items()):
                    return index + 1
            return None

        index = await self.until(find)
        found = self.events[index - 1]
        del self.events[: index - 1]
        self.events[0] = found
        return found

    def seen(self, type):
        return [event for event in self.events if event["type"] == type]

    async def end(self):
        """Wait until the server has closed; the code it gave."""
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([self._task])
        return self.socket.close_code

    async def drop(self):
        """The socket is gone; the session is not."""
        self._task.cancel()
        await self.socket.close()

    def cut(self):
        """No closing frame, no FIN that means anything: the network is gone."""
        self._task.cancel()
        self.socket._response.connection.transport.abort()


class House:
    """The signaling under test."""

    def __init__(self, settings):
        self.relay = FakeRelay()
        verifier = TokenVerifier({"k1": KEY.public_key()})
        self.signaling = Signaling(self.relay, verifier, settings)
        self.client = None
        self.peers = []

    async def connect(self, headers=None, **options):
        socket = await self.client.ws_connect("/ws", headers=headers or {}, **options)
        self.peers.append(peer := Peer(socket))
        return peer

    async def enter(self, role="specialist", name=None, room="demo", join=True, **more):
        """Somebody who has said hello and, unless told otherwise, is in the room or waits."""
        peer = await self.connect()
        await peer.hello(token(role, room, name or f"Dr {role}", **more))
        if join:
            peer.joined = await peer.join()
        return peer

    async def until(self, condition, patience_s=PATIENCE_S):
        async with asyncio.timeout(patience_s):
            while not (found := condition()):
                await asyncio.sleep(0.01)
            return found


@pytest.fixture
async def make_house():
    """Start the signaling with some settings changed."""
    async with AsyncExitStack() as stack:

        async def make(**changes):
            house = House(dataclasses.replace(SignalingSettings(), **changes))
            app = web.Application(middlewares=[problem_middleware])
            app.add_routes(house.signaling.routes())
            server = TestServer(app, handler_cancellation=True)
            house.client = await stack.enter_async_context(TestClient(server))
            await house.signaling.start()
            stack.push_async_callback(house.signaling.close, 0)
            return house

        yield make


@pytest.fixture
async def house(make_house):
    return await make_house()
