"""The simulated ultrasound machine: its picture follows the probe's pose and force."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from clients.robot import mark
from clients.robot.__main__ import SCENE
from clients.robot.source import Pixels, Pose
from clients.robot.ultrasound import HEIGHT, Simulator
from control.orders import Imaging

Draw = Callable[..., Pixels]
PRESSED = (0.0, 0.0, 6.0)


def pose(across_m: float = 0.0, tilt: float = 0.0) -> Pose:
    """On the top of the belly, 6 mm in, the beam downward."""
    return Pose((0.5 + across_m, 0.0, 0.114), (0.0, np.cos(tilt / 2), 0.0, np.sin(tilt / 2)))


@pytest.fixture(scope="module")
def machine() -> Simulator:
    return Simulator(SCENE)


def inside(pixels: Pixels) -> Pixels:
    """The fan's middle, without the scale."""
    return pixels[60:420, 220:420].astype(np.float32)


def grain(pixels: Pixels) -> Pixels:
    """The speckle, without what is light and dark."""
    return np.asarray(pixels - cv2.GaussianBlur(pixels, (0, 0), 4))


def test_the_picture_comes_with_contact(machine: Simulator) -> None:
    free, touched, pressed = (
        inside(machine.draw(pose(), (0.0, 0.0, n))).mean() for n in (0.0, 1.5, 6.0)
    )
    assert free == 0
    assert 10 < touched < pressed


def test_a_tilted_probe_sees_on_one_side_only(machine: Simulator) -> None:
    pixels = machine.draw(pose(tilt=0.35), (0.0, 0.0, 2.0)).astype(float)
    left, right = pixels[150:300, 100:250].mean(), pixels[150:300, 390:540].mean()
    assert max(left, right) > 3 * min(left, right) + 10


def test_speckle_moves_with_the_probe(machine: Simulator) -> None:
    """2 mm to the side: the same body, 2 mm further in the picture; not a new throw of dice."""
    here, there = (inside(machine.draw(pose(x), PRESSED)) for x in (0.0, 0.002))
    here, there = (grain(pixels)[:60] for pixels in (here, there))  # over nothing but tissue

    def alike(shift: int) -> float:
        a = here[:, max(shift, 0) : here.shape[1] + min(shift, 0)]
        b = there[:, max(-shift, 0) : there.shape[1] + min(-shift, 0)]
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    best = max(range(-14, 15), key=alike)
    assert 4 <= abs(best) <= 9  # 3 pixels are a millimetre
    assert alike(best) > 0.4
    assert alike(-best) < 0.2


def test_the_knobs(machine: Simulator) -> None:
    def brightness(depth_mm: float, gain_db: float) -> float:
        imaging = Imaging(depth_mm=depth_mm, gain_db=gain_db, frozen=False)
        return float(inside(machine.draw(pose(), PRESSED, imaging)).mean())

    assert brightness(150, -10) + 20 < brightness(150, 0) < brightness(150, 10) - 20
    near = machine.draw(pose(), PRESSED, Imaging(depth_mm=80, gain_db=0, frozen=False))
    assert near.shape[0] == HEIGHT


def test_a_frozen_picture_keeps_the_time_of_its_capture() -> None:
    """So the robot sees it grow old, and does not move by it."""
    machine = Simulator(SCENE, rate=200)
    machine.follow(pose(), PRESSED)
    live = machine.next()
    machine.adjust(Imaging(depth_mm=150, gain_db=0, frozen=True))
    frozen = machine.next()
    assert live is not None and frozen is not None
    assert frozen.captured_us == live.captured_us
    assert np.array_equal(frozen.pixels, live.pixels)


def test_the_time_is_read_back_from_the_picture() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (HEIGHT, 640), np.uint8)
    now_ms = time.time_ns() // 1_000_000
    mark.draw(pixels, now_ms)
    assert mark.read(pixels) == now_ms % 2**24
    assert mark.read(np.zeros_like(pixels)) is None
