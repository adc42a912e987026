"""Real machines: OpenIGTLink against pyigtl's own server, a film through FFmpeg."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pyigtl
import pytest

from clients.robot import igtl
from clients.robot.capture import Capture
from clients.robot.igtl import POSE_NAME, OpenIgtLink
from clients.robot.picture_track import Pictures, PictureTrack
from clients.robot.reopened import Reopened
from clients.robot.source import Picture, Pose, SourceLost, now_us
from control.orders import Imaging
from loadtests.ports import free_udp_port
from tests.clients.robot.machine import HEIGHT, WIDTH, machine

FROZEN = Imaging(depth_mm=150, gain_db=0, frozen=True)


def test_images_come_and_the_pose_goes_by_openigtlink() -> None:
    port = free_udp_port()
    server = pyigtl.OpenIGTLinkServer(port=port, local_server=True)
    image = np.arange(48 * 64, dtype=np.uint8).reshape(1, 48, 64)
    over = threading.Event()

    def machine() -> None:
        while not over.wait(0.02):
            if server.is_connected():
                message = pyigtl.ImageMessage(image, device_name="Image")
                server.send_message(message, wait=False)

    thread = threading.Thread(target=machine)
    thread.start()
    source = OpenIgtLink(f"127.0.0.1:{port}")
    try:
        before_us = now_us()
        picture = first(source.next)
        assert np.array_equal(picture.pixels, image[0])
        assert before_us < picture.captured_us <= now_us()
        source.follow(Pose((0.5, 0.1, 0.2), (1.0, 0.0, 0.0, 0.0)), (0.0, 0.0, 5.0))
        transform = server.wait_for_message(POSE_NAME, timeout=5)
        assert transform.matrix[:3, 3].tolist() == pytest.approx([500, 100, 200])
        source.adjust(FROZEN)
        assert first(source.next).captured_us == picture.captured_us
    finally:
        over.set()
        thread.join()
        source.close()
        server.stop()


def test_a_film_is_played_at_its_own_pace_again_and_again(films: Callable[[str], Path]) -> None:
    source = Capture(str(films("VP8")))
    began_s = time.monotonic()
    pictures = [first(source.next) for _ in range(16)]
    source.close()
    assert time.monotonic() - began_s > 0.45  # 30 a second
    assert pictures[0].pixels.ndim == 3
    stamps = [picture.captured_us for picture in pictures]
    assert stamps == sorted(set(stamps))


async def test_a_machine_that_dies_is_crossed_out_and_goes_on_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody sends to it, so only its silence tells."""
    monkeypatch.setattr(igtl, "SILENT_S", 0.5)
    port = free_udp_port()
    judged: list[int] = []
    with machine(port, 200):
        source = await asyncio.to_thread(Reopened, lambda: OpenIgtLink(f"127.0.0.1:{port}"))
        pictures = Pictures(source)
        track = PictureTrack(pictures, lambda rtp, captured_us: judged.append(captured_us))
        track.sender = SimpleNamespace(_RTCRtpSender__rtp_timestamp=0)  # type: ignore[assignment]
        for _ in range(3):
            assert middle(await track.recv()) == 200
        assert judged and not pictures.lost
        source.adjust(FROZEN)
        await asyncio.sleep(0.7)
        assert not pictures.lost, "frozen is not lost"
    async with asyncio.timeout(30):
        while not crossed(frame := await track.recv()):
            pass
        assert pictures.lost
        assert middle(frame) < 100, "dark"
        judged.clear()
        assert crossed(await track.recv())
        assert not judged, "the robot is told of no picture"
        with machine(port, 120):
            while (frame := await track.recv()) and middle(frame) != 120:
                assert crossed(frame)
            assert not pictures.lost and not source.imaging.frozen
    pictures.close()


def middle(frame: av.VideoFrame) -> int:
    """How bright it is beside the cross."""
    return int(frame.to_ndarray()[HEIGHT // 2, WIDTH // 4])


def crossed(frame: av.VideoFrame) -> bool:
    return int(frame.to_ndarray()[HEIGHT // 2, WIDTH // 2]) > 2 * middle(frame)


def test_a_device_that_stops_is_opened_again() -> None:
    """FFmpeg's own test device, which stops after a third of a second."""
    device = "testsrc=size=64x48:rate=30:duration=0.3"
    opened = []

    def open_again() -> Capture:
        opened.append(time.monotonic())
        return Capture(device, "lavfi")

    source = Reopened(open_again)
    pictures = [first(source.next) for _ in range(20)]
    source.close()
    assert len(opened) == 3
    stamps = [picture.captured_us for picture in pictures]
    assert stamps == sorted(set(stamps))


def test_trying_again_waits_longer_each_time_and_ends_at_once() -> None:
    tried: list[float] = []

    class Broken(Capture):
        def next(self) -> Picture | None:
            raise SourceLost("unplugged")

    def open_again() -> Capture:
        tried.append(time.monotonic())
        if len(tried) in (2, 3):
            raise SourceLost("still unplugged")
        return Broken("testsrc=size=64x48", "lavfi")

    source = Reopened(open_again)
    while len(tried) < 4:
        assert source.next() is None
    waits = np.diff(tried)
    assert waits[0] >= 0.19 and waits[1] > 1.2 * waits[0] and waits[2] > 1.2 * waits[1]
    source.next()  # loses it again
    began = time.monotonic()
    threading.Timer(0.05, source.close).start()
    assert source.next() is None and time.monotonic() - began < 0.19
    assert len(tried) == 4


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(SourceLost):
        Capture("/nowhere/at/all.mkv")


def first(next_: Callable[[], Picture | None]) -> Picture:
    for _ in range(50):
        if picture := next_():
            return picture
    raise AssertionError("no picture came")
