"""The memory of a server that runs for months: what nobody needs is freed soon and given back."""

from __future__ import annotations

import asyncio
import ctypes
import gc

TRIM_EVERY_S = 10.0


def settle() -> None:
    """Call once when all is loaded: from now on the collector of cycles minds what comes and goes.

    What was loaded stays: to look through it takes 40 ms of everybody's event loop each time.
    """
    gc.collect()
    gc.freeze()
    # The oldest generation is collected only when what has reached it since is a quarter of what
    # it held at the last time. That was all that was loaded; now it is nothing.
    gc.collect()
    # Each socket that ends leaves aiohttp's cycle of references behind: they are collected after
    # 14 000 new objects instead of 77 000.
    gc.set_threshold(700, 10, 1)


async def give_back() -> None:
    """For ever: once in a while, hand the pages that lie free to the system.

    Messages and keys of those who have left lie between what lives, so that glibc by itself gives
    back next to nothing. Elsewhere the allocator has no such call.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await asyncio.sleep(TRIM_EVERY_S)
        # Without the interpreter's lock; 0.1 ms, and 4 when a hundred people came and went since.
        await asyncio.to_thread(trim, 0)
