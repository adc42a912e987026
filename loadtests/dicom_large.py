"""`python -m loadtests.dicom_large`: a multi-frame object of 2 GB in and out by HTTP.

It is stored by STOW-RS piece by piece, retrieved whole and compared, and one frame of it is asked
for. Meanwhile the memory of the server's processes is looked at twenty times a second. The last
line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import http.client
import io
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from loadtests import verdict
from loadtests.dicom_peers import Distal
from loadtests.dicom_store import ROOT, image

MEMORY_MAX_MB = 300
FRAME_BYTES = 512 * 512 * 2
LOOK_S = 0.05
ADDRESS = f"/studies/{ROOT}/series/{ROOT}.1/instances/{ROOT}.1.1"


def content(frames: int) -> Iterator[bytes]:
    """The object, piece by piece."""
    head = image(1, 1)
    head.NumberOfFrames = frames
    del head.PixelData
    file = io.BytesIO()
    head.save_as(file, enforce_file_format=True)
    yield file.getvalue()
    yield b"\xe0\x7f\x10\x00OW\0\0" + (frames * FRAME_BYTES).to_bytes(4, "little")
    for number in range(frames):
        yield bytes([number % 251]) * FRAME_BYTES


class Memory:
    """The most that a server's processes had together, and how much of it each, MB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        server = psutil.Process(self._pid)
        while not self._over.wait(LOOK_S):
            with contextlib.suppress(psutil.Error):
                every = [server, *server.children(recursive=True)]
                self.most = max(self.most, sum(one.memory_info().rss for one in every) >> 20)


def ask(server: Distal, frames: int) -> dict[str, Any]:
    """In, out, and one frame."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port)
    own = {"Authorization": f"Bearer {server.token()}"}
    sent, came = hashlib.sha256(), hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for piece in content(frames):
            sent.update(piece)
            yield piece

    began = time.monotonic()
    kind = {"Content-Type": "application/dicom"}
    connection.request("POST", server.web + "/studies", pieces(), own | kind, encode_chunked=True)
    answer = connection.getresponse()
    answer.read()
    stored_s, status = time.monotonic() - began, answer.status
    began = time.monotonic()
    connection.request("GET", server.web + ADDRESS, headers=own | {"Accept": "application/dicom"})
    answer = connection.getresponse()
    while piece := answer.read(1 << 20):
        came.update(piece)
    retrieved_s = time.monotonic() - began
    began = time.monotonic()
    octets = {"Accept": "application/octet-stream; transfer-syntax=*"}
    connection.request("GET", f"{server.web}{ADDRESS}/frames/{frames}", headers=own | octets)
    frame = connection.getresponse().read()
    return {
        "stored_s": stored_s,
        "retrieved_s": retrieved_s,
        "frame_s": time.monotonic() - began,
        "same": status == 200
        and came.digest() == sent.digest()
        and frame == bytes([(frames - 1) % 251]) * FRAME_BYTES,
    }


async def measure(folder: Path, frames: int) -> dict[str, Any]:
    """On a fresh server."""
    server = Distal(folder / "Distal")
    async with server:
        with Memory(server.child.pid) as memory:
            found = await asyncio.to_thread(ask, server, frames)
    return found | {"memory_mb": memory.most}


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.dicom_large", description=__doc__)
    parser.add_argument("--frames", type=int, default=4000, help="of half a megabyte")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk that is meant")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as made:
        found = asyncio.run(measure(Path(made), chosen.frames))
    size_gb = chosen.frames * FRAME_BYTES / 1e9
    measured = (
        f"{found['memory_mb']} MB; in {found['stored_s']:.1f} s, out {found['retrieved_s']:.1f} s,"
        f" one frame {found['frame_s'] * 1000:.0f} ms, {'the same' if found['same'] else 'ALTERED'}"
    )
    work = f"an object of {size_gb:.1f} GB in and out by HTTP: memory of all processes"
    held = found["same"] and found["memory_mb"] < MEMORY_MAX_MB
    bar = verdict.Bar(work, f"< {MEMORY_MAX_MB} MB", measured, held)
    print(measured)
    print(verdict.line("A large object", [bar], found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
