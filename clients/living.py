"""How a program that is a participant lives and ends: by a signal, by dismissal, by refusal."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine

from clients.participant import Dismissed
from clients.protocol_client import RequestError


async def live(work: Coroutine[None, None, None]) -> int:
    """Until SIGTERM or SIGINT (0), dismissal (0) or refusal (1): the program's exit status."""
    living = asyncio.create_task(work)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    living.cancel()
    try:
        await living
    except asyncio.CancelledError:
        return 0
    except Dismissed as dismissed:
        print(f"dismissed: {dismissed}", file=sys.stderr)
        return 0
    except RequestError as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    return 0
