"""What a server no longer needs is freed soon, and given back to the system.

In processes of their own: the collector and the allocator are everybody's.
"""

from __future__ import annotations

import subprocess
import sys

from tests.server_process import ROOT

CYCLES = """
import gc, weakref
from server import memory, run  # all that a server has loaded

class Socket:
    def __init__(self):
        self.handler = [self]

memory.settle()
socket = Socket()
gone = weakref.ref(socket)
gc.collect(1)  # it lasts for a while, and then ends
del socket
others = 0
while gone() and others < 100_000:
    Socket()
    others += 1
print(others)
"""

PAGES = """
import asyncio
from pathlib import Path
from server import memory

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

async def main():
    memory.TRIM_EVERY_S = 0.01
    before = resident_mb()
    messages = [bytes(1000) for _ in range(100_000)]
    kept = messages[::200]  # pins what lies below it
    del messages
    grown = resident_mb() - before
    giving = asyncio.create_task(memory.give_back())
    async with asyncio.timeout(20):
        while resident_mb() - before > grown / 3:
            await asyncio.sleep(0.01)
    giving.cancel()
    print(grown)

asyncio.run(main())
"""


def printed(program: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_what_refers_to_itself_is_freed_though_it_is_little_beside_all_that_was_loaded() -> None:
    assert printed(CYCLES) < 20_000


def test_what_lies_free_between_what_lives_is_given_back() -> None:
    assert printed(PAGES) > 50
