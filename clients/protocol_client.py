"""A client of the signaling WebSocket (`signaling/protocol.py`).

One `ProtocolClient` is one session, however many sockets it takes: when a socket drops, the client
resumes on a new one. Invariant: every event reaches the reader once and in order, because `seq` is
always that of the last event taken in, and a resume asks for what follows it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import TypeVar

import aiohttp
import msgspec

from clients.backoff import Backoff
from signaling.protocol import (
    PROTOCOL_VERSION,
    AnyAnswer,
    AnyEvent,
    AnyRequest,
    Error,
    Event,
    Hello,
    Ping,
    Removed,
    Resume,
    ServerClosing,
    Welcome,
)

REQUEST_TIMEOUT_S = 15.0  # longer than any answer takes, shorter than a person's patience
PING_INTERVAL_S = 2.5  # with its answer's time: a dead socket is noticed within 6 s
PONG_S = 3.5
# A try made while the network was away hangs after its return too: better a new one soon. Every
# fourth may take long, for a network that is back, and slow.
TRY_S = 1.2
LONG_TRY_EVERY = 4
EVENTS_MAX = 4096  # a reader that falls this far behind has stopped reading
MESSAGE_BYTES_MAX = 4 * 1024 * 1024  # a room's whole state, with 60 people and their chat

_decoder: msgspec.json.Decoder[AnyAnswer | AnyEvent] = msgspec.json.Decoder(AnyAnswer | AnyEvent)
_encoder = msgspec.json.Encoder()

AnswerT = TypeVar("AnswerT", bound=AnyAnswer)


class RequestError(Exception):
    """The server refused a request: `code`, `reason` and `field` are its own words."""

    def __init__(self, error: Error) -> None:
        where = f" ({error.field})" if error.field else ""
        super().__init__(f"{error.code}: {error.reason}{where}")
        self.code = error.code
        self.reason = error.reason
        self.field = error.field


class ConnectionLost(ConnectionError):
    """The socket dropped before the answer came; whether the request was done is unknown."""


class SessionOver(ConnectionError):
    """Nothing left to resume. `closing` is the event that ended the session, if one did."""

    def __init__(self, reason: str, closing: Removed | ServerClosing | None = None) -> None:
        super().__init__(reason)
        self.closing = closing


class ProtocolClient:
    """A session with the server at `url` (`ws://…/ws` or `wss://…/ws`).

    `connect()` says hello; `request()` asks; `events()` yields what happens until the session is
    over. An `async with` block connects and closes.
    """

    def __init__(self, url: str, token: str | None, *, resume: Resume | None = None) -> None:
        self.url = url
        self.seq = resume.seq if resume else 0
        self.welcome: Welcome | None = None
        self._token = token
        self._resume = resume
        self._ids = itertools.count(1)
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._online = asyncio.Event()
        self._pending: dict[int, asyncio.Future[AnyAnswer]] = {}
        self._events: asyncio.Queue[AnyEvent | SessionOver] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._over: SessionOver | None = None
        self._closing: Removed | ServerClosing | None = None

    async def __aenter__(self) -> ProtocolClient:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def online(self) -> bool:
        """A socket is open and greeted."""
        return self._online.is_set()

    async def connect(self) -> Welcome:
        """Open the socket and say hello. Raises RequestError when the server refuses."""
        http = self._http = aiohttp.ClientSession()
        try:
            wire, self.welcome = await self._open(http, self._resume, REQUEST_TIMEOUT_S)
        except BaseException:
            await http.close()
            raise
        self._spawn(self._live(http, wire))
        self._spawn(self._ping())
        return self.welcome

    async def ask(self, request: AnyRequest) -> AnyAnswer:
        """Send a request (its `id` is set here) and return its answer.

        Raises RequestError, ConnectionLost, SessionOver or TimeoutError.
        """
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            while not self._online.is_set():
                if self._over:
                    raise self._over
                await self._online.wait()
            return await self._exchange(request)

    async def request(self, request: AnyRequest, answer: type[AnswerT]) -> AnswerT:
        """Ask, and insist on the type of the answer."""
        got = await self.ask(request)
        if not isinstance(got, answer):
            raise TypeError(f"expected {answer.__name__}, the server sent {type(got).__name__}")
        return got

    async def events(self) -> AsyncIterator[AnyEvent]:
        """What happens in the session, in order, each once. Ends with SessionOver."""
        while True:
            event = await self._events.get()
            if isinstance(event, SessionOver):
                self._events.put_nowait(event)  # for whoever asks again
                raise event
            yield event

    def drop(self) -> None:
        """Cut the socket without a word, as a failing network does; the session then resumes."""
        if self._socket is not None:
            wire = self._socket.get_extra_info("socket")
            if wire is not None:
                with contextlib.suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Close the socket; the server keeps the session for a while, unless one left before."""
        self._end(SessionOver("closed by this client"))
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._socket.close()
        if self._http is not None:
            await self._http.close()

    # --- one socket ----------------------------------------------------------------------------

    async def _open(
        self, http: aiohttp.ClientSession, resume: Resume | None, within_s: float
    ) -> tuple[aiohttp.ClientWebSocketResponse, Welcome]:
        async with asyncio.timeout(within_s):
            wire = await http.ws_connect(
                self.url,
                max_msg_size=MESSAGE_BYTES_MAX,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )
        try:
            async with asyncio.timeout(within_s):
                hello = Hello(
                    id=next(self._ids), version=PROTOCOL_VERSION, token=self._token, resume=resume
                )
                await wire.send_str(_encoder.encode(hello).decode())
                welcome = await self._first_answer(wire)
        except BaseException:
            await wire.close()
            raise
        self._socket = wire
        self._online.set()
        return wire, welcome

    async def _first_answer(self, wire: aiohttp.ClientWebSocketResponse) -> Welcome:
        message = await wire.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionLost("the server closed the socket before its welcome")
        answer = _decoder.decode(message.data)
        if isinstance(answer, Error):
            raise RequestError(answer)
        if not isinstance(answer, Welcome):
            raise TypeError(f"expected Welcome, the server sent {type(answer).__name__}")
        return answer

    async def _exchange(self, request: AnyRequest) -> AnyAnswer:
        if self._socket is None:
            raise ConnectionLost("not connected")
        number = next(self._ids)
        answered: asyncio.Future[AnyAnswer] = asyncio.get_running_loop().create_future()
        self._pending[number] = answered
        text = _encoder.encode(msgspec.structs.replace(request, id=number)).decode()
        try:
            await self._socket.send_str(text)
            return await answered
        except (aiohttp.ClientError, ConnectionResetError) as error:
            raise ConnectionLost(str(error)) from error
        finally:
            self._pending.pop(number, None)

    async def _read(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        async for message in wire:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            got = _decoder.decode(message.data)
            if isinstance(got, Event):
                self._take_event(got)
            else:
                self._take_answer(got)

    def _take_event(self, event: AnyEvent) -> None:
        if event.seq <= self.seq:
            return  # replayed by a resume, seen before
        self.seq = event.seq
        if isinstance(event, Removed | ServerClosing):
            self._closing = event
        if self._events.qsize() >= EVENTS_MAX:
            raise SessionOver(f"{EVENTS_MAX} events unread")
        self._events.put_nowait(event)

    def _take_answer(self, answer: AnyAnswer) -> None:
        waiting = self._pending.get(answer.re)
        if waiting is None or waiting.done():
            return  # its asker has stopped waiting
        if isinstance(answer, Error):
            waiting.set_exception(RequestError(answer))
        else:
            waiting.set_result(answer)

    # --- one session ---------------------------------------------------------------------------

    async def _live(
        self, http: aiohttp.ClientSession, wire: aiohttp.ClientWebSocketResponse
    ) -> None:
        """Read socket after socket until the session is over."""
        try:
            while True:
                try:
                    await self._read(wire)
                finally:
                    self._online.clear()
                    self._fail_pending(ConnectionLost("the socket dropped"))
                    await wire.close()
                if self._closing is not None:
                    raise SessionOver(type(self._closing).__name__, self._closing)
                wire = await self._resume_session(http)
        except SessionOver as over:
            self._end(over)
        except (RequestError, OSError, msgspec.MsgspecError, TypeError) as error:
            self._end(SessionOver(str(error)))

    async def _resume_session(self, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        greeted = self.welcome
        if greeted is None:
            raise SessionOver("never greeted")
        backoff = Backoff(first_s=0.1, longest_s=1.0)
        try:
            async with asyncio.timeout(greeted.resume_s):
                attempt = 0
                while True:
                    attempt += 1
                    resume = Resume(session=greeted.session, seq=self.seq, media=True)
                    within_s = REQUEST_TIMEOUT_S if attempt % LONG_TRY_EVERY == 0 else TRY_S
                    try:
                        wire, self.welcome = await self._open(http, resume, within_s)
                        return wire
                    except (aiohttp.ClientError, OSError):
                        await asyncio.sleep(backoff.next_s())
        except TimeoutError:
            raise SessionOver("the server could not be reached again in time") from None

    async def _ping(self) -> None:
        """A socket can be dead without saying so: ask every few seconds, drop it when silent."""
        while not self._over:
            await asyncio.sleep(PING_INTERVAL_S)
            if not self._online.is_set():
                continue
            try:
                async with asyncio.timeout(PONG_S):
                    await self._exchange(Ping(id=0))
            except TimeoutError:
                self.drop()
            except (ConnectionLost, RequestError):
                continue

    def _end(self, over: SessionOver) -> None:
        if self._over is None:
            self._over = over
            self._events.put_nowait(over)
        self._online.set()  # nobody waits for a socket that will not come; request() sees _over
        self._online.clear()
        self._fail_pending(self._over)

    def _fail_pending(self, error: ConnectionError) -> None:
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(error)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
