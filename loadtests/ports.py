"""Ports for servers that are started a moment later."""

from __future__ import annotations

import contextlib
import random
import socket

# Below those that the kernel gives to whoever asks for any (32768 and up), so that no browser or
# other client takes one in the moment between its choice and its use.
FIRST, LAST = 15_000, 32_000
_choice = random.SystemRandom()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that is free now."""
    while True:
        port = _choice.randrange(FIRST, LAST)
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def free_udp_port(following: int = 0) -> int:
    """A UDP port that is free now, and so are those that follow it.

    The first is free for TCP too: media take both by one number.
    """
    while True:
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            first = free_port()
            for port in range(first, first + 1 + following):
                probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                probe.bind(("127.0.0.1", port))
            return first
