"""The sending half of one WebSocket: a bounded queue and the task that empties it.

Whoever sends never waits, so a slow reader cannot hold up a room; when too much waits for him, his
connection is cut and he may resume.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from aiohttp import WSMsgType, web

log = logging.getLogger(__name__)


class Wire:
    """Queue of one socket. `run` belongs to a task of its own."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, max_messages: int, max_bytes: int
    ) -> None:
        self._socket = socket
        self._request = request
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._more = asyncio.Event()
        self._close_with: tuple[int, str] | None = None
        self.cut = False

    def send(self, data: bytes) -> None:
        """Queue one message; what comes after `close` goes nowhere."""
        if self._close_with or self.cut:
            return
        self._queue.append(data)
        self._bytes += len(data)
        self._more.set()
        if len(self._queue) > self._max_messages or self._bytes > self._max_bytes:
            log.warning("a socket is too slow: cut with %d messages waiting", len(self._queue))
            self.abort()

    def close(self, code: int, reason: str) -> None:
        """Close once everything before has been sent."""
        if self._close_with is None:
            self._close_with = (code, reason)
            self._more.set()

    def abort(self) -> None:
        """Cut the connection now."""
        self.cut = True
        self._queue.clear()
        self._bytes = 0
        if self._request.transport is not None:
            self._request.transport.abort()

    async def run(self) -> None:
        """Send what is queued until told to close, or the socket is gone."""
        try:
            while not self.cut:
                while self._queue:
                    data = self._queue.popleft()
                    self._bytes -= len(data)
                    await self._socket.send_frame(data, WSMsgType.TEXT)
                if self._close_with:
                    code, reason = self._close_with
                    await self._socket.close(code=code, message=reason.encode()[:120])
                    return
                self._more.clear()
                await self._more.wait()
        except (ConnectionError, RuntimeError):
            self.cut = True  # the reading half notices too
