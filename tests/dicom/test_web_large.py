"""A large object goes in and out by HTTP without being in memory, in no process of the server."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import requests

from tests.dicom.samples import ct, part10
from tests.server_process import DistalServer

FRAMES, FRAME_BYTES = 384, 1 << 19
MORE_MAX_BYTES = 60 << 20  # than before; the object has 200 MB


def large() -> Iterator[bytes]:
    """A multi-frame object, piece by piece."""
    image = ct(1, "1.2", "1.2.1", Rows=512, Columns=512, NumberOfFrames=FRAMES, PixelData=None)
    yield part10(image)
    yield b"\xe0\x7f\x10\x00OW\0\0" + (FRAMES * FRAME_BYTES).to_bytes(4, "little")
    for number in range(FRAMES):
        yield bytes([number % 251]) * FRAME_BYTES


class Watch:
    """The most that the server's processes had in memory together."""

    def __init__(self, pid: int) -> None:
        self._server = psutil.Process(pid)
        self.first = self.most = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self._now())

    def _now(self) -> int:
        every = [self._server, *self._server.children(recursive=True)]
        return sum(one.memory_info().rss for one in every)


def decoders(pid: int) -> list[psutil.Process]:
    found = psutil.Process(pid).children(recursive=True)
    return [one for one in found if "dicom.decoder" in " ".join(one.cmdline())]


def test_a_large_object_is_never_in_memory(tmp_path: Path) -> None:
    with DistalServer(tmp_path / "data") as server:
        assert server.process is not None
        headers = {"Authorization": f"Bearer {server.token('r', 'specialist')}"}
        root = server.url + "/dicomweb/studies"
        kind = {"Content-Type": "application/dicom"}
        small = part10(ct(1, "1.1", "1.1.1"))
        assert requests.post(root, data=small, headers=headers | kind).status_code == 200
        # Both decoders have started: the one that people wait for and the one that describes.
        shown = f"{root}/1.1/series/1.1.1/instances/1.1.1.1/rendered"
        assert requests.get(shown, headers=headers).status_code == 200
        while len(decoders(server.process.pid)) < 2:
            time.sleep(0.05)
        assert requests.get(f"{root}/1.1/metadata", headers=headers).status_code == 200
        watch = Watch(server.process.pid)
        try:
            answer = requests.post(root, data=large(), headers=headers | kind)
            assert answer.status_code == 200, answer.text
            digest = hashlib.sha256()
            asked = headers | {"Accept": "application/dicom"}
            address = f"{root}/1.2/series/1.2.1/instances/1.2.1.1"
            with requests.get(address, headers=asked, stream=True) as whole:
                for piece in whole.iter_content(1 << 20):
                    digest.update(piece)
            last = requests.get(f"{address}/frames/{FRAMES}", headers=headers)
        finally:
            watch.close()
    sent = hashlib.sha256()
    for piece in large():
        sent.update(piece)
    assert digest.digest() == sent.digest()
    assert bytes([(FRAMES - 1) % 251]) * FRAME_BYTES in last.content
    assert watch.most - watch.first < MORE_MAX_BYTES
