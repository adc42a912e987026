"""Real machines: OpenIGTLink against pyigtl's own server, a film through FFmpeg."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyigtl
import pytest

from clients.robot.capture import Capture
from clients.robot.igtl import POSE_NAME, OpenIgtLink
from clients.robot.source import Picture, Pose, SourceLost, now_us
from control.orders import Imaging
from loadtests.ports import free_udp_port

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


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(SourceLost):
        Capture("/nowhere/at/all.mkv")


def first(next_: Callable[[], Picture | None]) -> Picture:
    for _ in range(50):
        if picture := next_():
            return picture
    raise AssertionError("no picture came")
