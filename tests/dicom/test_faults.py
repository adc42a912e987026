"""Killed at any moment, without room on the disk: what was acknowledged is there, bit for bit."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pydicom.uid import CTImageStorage

from dicom.archive import Archive
from dicom.dimse import status
from dicom.dimse.sender import SendError
from dicom.errors import NotFound
from dicom.ingest import Ingest
from dicom.query import Level
from tests.dicom.samples import ct, part10
from tests.dicom.scu import Scu
from tests.dicom.victim import victim
from tests.server_process import ROOT

KILLS = 100
SENDERS = 2
LONGEST_S = 0.15  # between the first acknowledgement and the end
LARGE = 200 << 20


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as made:
        yield made


def data_set(uid: str, series: str, number: int, size: int = 20_000) -> bytes:
    """An image without its file's header."""
    image = ct(number, series=series, SOPInstanceUID=uid)
    image.add_new(0x00091010, "OB", random.Random(uid).randbytes(size))
    whole = part10(image)
    return whole[144 + int.from_bytes(whole[140:144], "little") :]


class Sender(threading.Thread):
    """Sends new instances until the peer is gone, and again those that were not acknowledged."""

    def __init__(self, port: int, series: str) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._series = series
        self._number = 0
        self.acknowledged: dict[str, bytes] = {}
        self.first = threading.Event()

    def run(self) -> None:
        with contextlib.suppress(OSError, SendError), Scu(self._port, CTImageStorage) as peer:
            while True:
                uid = f"{self._series}.{self._number}"
                sent = data_set(uid, self._series, self._number)
                assert peer.send(uid, sent) == status.SUCCESS
                self.acknowledged[uid] = sent
                self._number += 1
                self.first.set()


def test_killed_at_a_hundred_moments_nothing_acknowledged_is_lost(
    tmp_path: Path, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]
    chance = random.Random(1)
    acknowledged: dict[str, bytes] = {}
    root = tmp_path / "dicom"
    for turn in range(KILLS):
        with victim(root, listener):
            senders = [Sender(port, f"1.2.{turn}.{number}") for number in range(SENDERS)]
            for sender in senders:
                sender.start()
            assert senders[0].first.wait(60)
            time.sleep(chance.random() * LONGEST_S)  # the moment is the matter under test
        for sender in senders:
            sender.join(60)
            acknowledged |= sender.acknowledged
    with victim(root, listener), Scu(port, CTImageStorage) as peer:
        assert peer.send("1.2.1", data_set("1.2.1", "1.2.0", 1)) == status.SUCCESS
    archive = Archive(root)
    assert len(acknowledged) > KILLS
    for uid, sent in acknowledged.items():
        stored = archive.instance({"default"}, uid)
        with archive.open(stored) as file:
            assert file.read()[stored.data_at :] == sent
    counted = archive.find(Level.STUDY, None, {})[0]["NumberOfStudyRelatedInstances"]
    assert counted >= len(acknowledged)
    archive.close()


def test_after_a_power_failure_all_that_was_acknowledged_is_there(
    tmp_path: Path, listener: socket.socket
) -> None:
    """Killing keeps the page cache; the shadow has only what was synced."""
    library, root, shadow = tmp_path / "power_loss.so", tmp_path / "dicom", tmp_path / "shadow"
    source = Path(__file__).with_name("power_loss.cpp")
    command = ["c++", "-std=c++20", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, timeout=110)
    root.mkdir()
    shadow.mkdir()
    serve = f"from tests.dicom.victim import *; serve(Path({str(root)!r}), "
    serve += f"socket.socket(fileno={listener.fileno()}), 0)"
    process = subprocess.Popen(
        [sys.executable, "-c", serve],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(library), "ROOT": str(root), "SHADOW": str(shadow)},
        pass_fds=(listener.fileno(),),
    )
    senders = [Sender(listener.getsockname()[1], f"1.2.{number}") for number in range(SENDERS)]
    try:
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 60
        while min(len(one.acknowledged) for one in senders) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    for sender in senders:
        sender.join(60)
    Ingest(shadow).close()  # what a start after the failure does
    archive = Archive(shadow)
    for sender in senders:
        assert len(sender.acknowledged) >= 20
        for uid, sent in sender.acknowledged.items():
            stored = archive.instance({"default"}, uid)
            with archive.open(stored) as file:
                assert file.read()[stored.data_at :] == sent
    archive.close()


def test_a_full_disk_is_said_and_forgotten_when_there_is_room(
    tmp_path: Path, listener: socket.socket
) -> None:
    """Files have a limit here, which the system reports by another word than a full disk."""
    port = listener.getsockname()[1]
    small, large = (data_set(f"1.2.{n}", "1.2", n, size) for n, size in ((1, 9000), (2, 9 << 20)))
    with victim(tmp_path / "dicom", listener, 8 << 20), Scu(port, CTImageStorage) as peer:
        assert peer.send("1.2.2", large) == status.OUT_OF_RESOURCES
        assert peer.send("1.2.1", small) == status.SUCCESS
    with victim(tmp_path / "dicom", listener), Scu(port, CTImageStorage) as peer:
        assert peer.send("1.2.2", large) == status.SUCCESS
    archive = Archive(tmp_path / "dicom")
    assert len(archive.instances({"default"}, "1.2.3")) == 2
    with pytest.raises(NotFound):
        archive.instance({"default"}, "1.2.3")
    archive.close()


def test_a_large_object_does_not_pass_through_memory(
    tmp_path: Path, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]
    whole = data_set("1.2.1", "1.2", 1, LARGE)
    with victim(tmp_path / "dicom", listener) as process:
        with Scu(port, CTImageStorage) as peer:
            assert peer.send("1.2.9", data_set("1.2.9", "1.2", 9)) == status.SUCCESS
            before = psutil.Process(process.pid).memory_info().rss
            assert peer.send("1.2.1", whole) == status.SUCCESS
        assert psutil.Process(process.pid).memory_info().rss - before < LARGE / 8
