"""One WebSocket from its handshake to its end: hello, then requests by table, within bounds."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web

from media.rate import TokenBucket
from signaling import protocol as p
from signaling.bearer import bearer
from signaling.decode import decode, request_id
from signaling.refusal import Refused
from signaling.requests import handle
from signaling.session import Session
from signaling.wire import Wire

if TYPE_CHECKING:
    from signaling.service import Signaling

log = logging.getLogger(__name__)
COSTLY = {p.Publish: 5.0, p.CheckNetwork: 20.0}  # they make the relay work
BYTES_PER_TOKEN = 16 * 1024  # a large message counts for several
FLOOD = 50  # requests beyond the rate, one after another: no client of ours does that
GOODBYES = (WSCloseCode.OK, WSCloseCode.GOING_AWAY)  # of a page that is closed or loaded again
LAST_WORDS_S = 2.0  # for what is queued when a socket ends


class Closing(Exception):
    """The socket is to be closed; what there was to say has been said."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """Serves one socket. Requests are answered one after another, in their order."""

    def __init__(
        self, signaling: Signaling, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        settings = signaling.settings
        self._signaling = signaling
        self._socket = socket
        self._token = bearer(request)
        self._wire = Wire(socket, request, settings.queue_messages, settings.queue_bytes)
        self._now = asyncio.get_running_loop().time
        self._bucket = TokenBucket(settings.requests_per_s, settings.requests_burst, self._now())
        self._refused = 0

    async def run(self) -> None:
        """Until the socket is closed by either side."""
        writer = asyncio.create_task(self._wire.run())
        session: Session | None = None
        try:
            session = await self._greet()
            while session and (message := await self._receive()) is not None:
                await self._serve(session, message)
        except Closing as closing:
            self._wire.close(closing.code, closing.reason)
        finally:
            if session:
                goodbye = self._socket.close_code in GOODBYES
                self._signaling.dropped(session, self._wire, said_goodbye=goodbye)
            await self._finish(writer)

    def close(self, code: int, reason: str) -> None:
        """Close once what is queued has been sent."""
        self._wire.close(code, reason)

    # --- hello ---------------------------------------------------------------------------------

    async def _greet(self) -> Session | None:
        """Wait for a hello that opens a session; None when the client goes away before."""
        settings = self._signaling.settings
        left = settings.hello_bytes
        try:
            async with asyncio.timeout(settings.hello_s), self._signaling.strangers:
                while (message := await self._receive()) is not None:
                    left -= len(message.encode())
                    if left < 0:
                        self._refuse(Refused("too_large", "more than 16 KB before hello"), -1)
                        raise Closing(1009, "too large")
                    if session := self._hello(message):
                        return session
        except TimeoutError:
            self._refuse(Refused("unauthorized", f"no hello within {settings.hello_s:g} s"), -1)
            raise Closing(1008, "no hello") from None
        return None

    def _hello(self, message: str) -> Session | None:
        """Try a first message; None when it may be tried again without `resume`."""
        try:
            request = decode(message)
            if not isinstance(request, p.Hello):
                raise Refused("unauthorized", "say hello first", "type")
            return self._signaling.welcome(request, self._token, self._wire)
        except Refused as refused:
            self._refuse(refused, request_id(message))
            if refused.code != "session_gone":
                raise Closing(1008, refused.code) from None
            return None

    # --- after it ------------------------------------------------------------------------------

    async def _serve(self, session: Session, message: str) -> None:
        """Answer one message."""
        try:
            self._pay(1.0 + len(message) / BYTES_PER_TOKEN)
            request = decode(message)
            if (cost := COSTLY.get(type(request))) is not None:
                self._pay(cost)
            async with session.lock:
                if session.wire is not self._wire:
                    raise Closing(4000, "replaced")
                if session.ended:
                    raise Closing(1000, "left")
                answer = await handle(self._signaling, session, request)
            self._wire.send(p.encode(answer))
            self._refused = 0
        except Refused as refused:
            self._refuse(refused, request_id(message))
            self._refused = self._refused + 1 if refused.code == "too_many_requests" else 0
            if self._refused > FLOOD:
                raise Closing(1008, "too many requests") from None
        except (Closing, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("unexpected error in a request")
            self._refuse(Refused("internal", "the server's mistake"), request_id(message))

    def _pay(self, cost: float) -> None:
        if not self._bucket.spend(cost, self._now()):
            rate = self._signaling.settings.requests_per_s
            raise Refused("too_many_requests", f"at most {rate:g} requests a second")

    # --- the socket ----------------------------------------------------------------------------

    async def _receive(self) -> str | None:
        """The next text message; None when the socket is closed."""
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.TEXT:
                return str(message.data)
            if message.type is not WSMsgType.BINARY:
                return None
            self._refuse(Refused("malformed", "text messages only"), -1)
            raise Closing(1008, "text messages only")

    def _refuse(self, refused: Refused, re: int) -> None:
        self._wire.send(p.encode(refused.answer(re)))

    async def _finish(self, writer: asyncio.Task[None]) -> None:
        """Let the last words out, then make sure that nothing stays behind."""
        self._wire.close(1000, "")
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await writer
        except TimeoutError:
            self._wire.abort()
        finally:
            writer.cancel()
