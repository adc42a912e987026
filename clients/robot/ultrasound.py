"""A simulated convex probe: the picture that its pose on the phantom gives.

Scatterers are fixed in the body: a lattice of Gaussian numbers that repeats, times the echo of the
tissue there. So speckle moves with the probe as it does on a patient. What a sound beam meets on
its way is computed on a grid of beams and depths (`_echoes`), filtered by the pulse (a Gabor pair
gives both quadratures), and bent into the fan. How well the probe couples follows the force: none,
and the picture is black; tilted, and one side of it is.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from clients.robot.body import ACOUSTICS, SHAPE, SIDE_MM, Tissue, abdomen, frame
from clients.robot.source import WHOLE, Picture, Pixels, Pose, axes_of, now_us
from control.orders import Imaging, Scene
from control.vectors import Vector, length

Floats = NDArray[np.float32]

WIDTH, HEIGHT = 640, 480
LINES, SAMPLES = 224, 448  # beams, and depths of each
RADIUS_MM, FAN_RAD = 50.0, math.radians(64)  # of a convex abdominal probe
LATTICE, LATTICE_MM = 128, 0.4  # a power of two; repeats after 51 mm
SOFT_MM = 25.0  # how deep the tissue gives way below the probe
SOFT_N_MM = 0.7  # of the skin, for the contact of the single elements
FULL_N = 2.5  # coupled all over
RANGE_DB = 55.0
LOUDEST_DB = 17.0  # that is white
TOP_MARGIN = 14  # pixels above the probe's face
INTERFACE = 14.0  # how bright a boundary is beside scatter
QUIET = 0.0025  # of the receiver, near the probe

_LOUD = np.array([10 ** (ACOUSTICS[t].echo_db / 20) for t in Tissue], np.float32)
_LOSS = np.array([ACOUSTICS[t].loss_db_mm for t in Tissue], np.float32)
_IMPEDANCE = np.array([ACOUSTICS[t].impedance for t in Tissue], np.float32)


class Simulator:
    """A machine of its own clock: one picture every `1 / rate` seconds."""

    def __init__(self, scene: Scene, rate: float = 25.0) -> None:
        self._frame = frame(scene)
        self._labels = abdomen(self._frame.half_mm).ravel()
        random = np.random.default_rng(7)
        self._scatter = random.standard_normal(LATTICE**3).astype(np.float32)
        self._noise = np.abs(random.standard_normal((SAMPLES * 2, LINES))).astype(np.float32)
        self._turn = 0
        self._imaging = WHOLE
        self._fan = _Fan(WHOLE.depth_mm)
        self._period_s = 1 / rate
        self._due_s = time.monotonic()
        self._closed = threading.Event()
        self._there: tuple[Pose, Vector] | None = None
        self._shown: Picture | None = None

    @property
    def imaging(self) -> Imaging:
        return self._imaging

    def adjust(self, imaging: Imaging) -> None:
        self._imaging = imaging

    def follow(self, pose: Pose, force: Vector) -> None:
        self._there = (pose, force)

    def close(self) -> None:
        self._closed.set()

    def next(self) -> Picture | None:
        """Waits for the time of the next picture; a frozen one keeps the time of its capture."""
        now_s = time.monotonic()
        self._due_s = max(self._due_s + self._period_s, now_s - self._period_s)
        self._closed.wait(max(self._due_s - now_s, 0.0))
        imaging, there = self._imaging, self._there
        if not imaging.frozen or self._shown is None:
            captured_us = now_us()
            pixels = self.draw(*there, imaging) if there else np.zeros((HEIGHT, WIDTH), np.uint8)
            self._shown = Picture(pixels, captured_us)
        return self._shown

    def draw(self, pose: Pose, force: Vector, imaging: Imaging = WHOLE) -> Pixels:
        """The picture at a pose (base frame) under a force (N)."""
        if imaging.depth_mm != self._fan.depth_mm:
            self._fan = _Fan(imaging.depth_mm)
        fan = self._fan
        coupled = self._coupling(pose, length(force))
        if not coupled.any():
            return fan.bend(np.zeros((SAMPLES, LINES), np.uint8))
        loud = _envelope(self._echoes(pose, fan))
        loud *= coupled * coupled
        self._turn = (self._turn + 97) % SAMPLES
        loud += self._noise[self._turn : self._turn + SAMPLES] * fan.noise
        np.log10(loud, out=loud)
        loud *= 20 * 255 / RANGE_DB
        loud += 255 * (1 + (imaging.gain_db - LOUDEST_DB) / RANGE_DB)
        return fan.bend(np.clip(loud, 0, 255, out=loud).astype(np.uint8))

    def _coupling(self, pose: Pose, force_n: float) -> Floats:
        """Of each beam, 0 to 1: how well its element touches the skin."""
        face = self._fan.face_mm
        x, _, d = self._place(pose)
        lateral, beam = self._axes(pose)
        across = x + face[0] * lateral[0] + face[1] * beam[0]
        deep = d + face[0] * lateral[2] + face[1] * beam[2]
        wide, high = self._frame.half_mm
        skin = high * (1 - np.sqrt(np.maximum(1 - (across / wide) ** 2, 0)))
        behind = (deep - skin).max() - (deep - skin)  # of the element that presses most
        give = force_n / SOFT_N_MM
        share = np.clip((give - behind) / 1.5, 0, 1) * min(max(force_n - 0.3, 0) / FULL_N, 1)
        return np.asarray(share, np.float32)

    def _place(self, pose: Pose) -> tuple[float, float, float]:
        """The face's middle in the body's own millimetres."""
        x, y, d = self._frame.axes @ (np.asarray(pose.position) - self._frame.top) * 1000
        return float(x), float(y), float(d)

    def _axes(self, pose: Pose) -> tuple[list[float], list[float]]:
        """The probe's width and its beam, in the body's frame."""
        turned = self._frame.axes @ axes_of(pose.orientation)
        return turned[:, 0].tolist(), turned[:, 2].tolist()

    def _echoes(self, pose: Pose, fan: _Fan) -> Floats:
        """What each place sends back, before the pulse smears it."""
        lateral, beam = self._axes(pose)
        middle = self._place(pose)
        sunk_mm = middle[2] - self._frame.skin_mm(middle[0])
        place = []
        for axis in range(3):
            grid = fan.x * np.float32(lateral[axis])
            grid += fan.z * np.float32(beam[axis])
            grid += np.float32(middle[axis])
            place.append(grid)
        place[2] -= fan.soft * np.float32(sunk_mm)  # the tissue gives way
        labels = self._labels.take(_index(place, 1.0, SHAPE, (SIDE_MM, SIDE_MM, 0)))
        here = _LOUD.take(labels)
        here *= self._scatter.take(_lattice(place))
        step_mm = np.float32(fan.depth_mm / SAMPLES)
        impedance = _IMPEDANCE.take(labels)
        here[1:] += np.abs(np.diff(impedance, axis=0)) * np.float32(INTERFACE)
        lost = np.cumsum(_LOSS.take(labels), axis=0)
        lost *= np.float32(-step_mm * math.log(10) / 20)
        here *= np.exp(lost, out=lost)
        return here


def _index(
    place: list[Floats], per_mm: float, shape: tuple[int, int, int], origin: tuple[int, int, int]
) -> NDArray[np.int32]:
    """Into the flat grid of tissue; what is beyond it is as its edge."""
    flat = np.zeros(place[0].shape, np.int32)
    for grid, count, first in zip(place, shape, origin, strict=True):
        cell = grid + np.float32(first)
        np.clip(cell, 0, count - 1, out=cell)
        flat *= count
        flat += cell.astype(np.int32)
    return flat


def _lattice(place: list[Floats]) -> NDArray[np.int32]:
    """Into the scatterers, which repeat."""
    flat = np.zeros(place[0].shape, np.int32)
    for grid in place:
        cell = (grid * np.float32(1 / LATTICE_MM) + np.float32(64 * LATTICE)).astype(np.int32)
        cell &= LATTICE - 1
        flat *= LATTICE
        flat += cell
    return flat


def _pulse(spread: float) -> tuple[Floats, Floats, Floats]:
    """Along the beam the pulse's two quadratures, across it a Gaussian of `spread` beams."""
    at = np.arange(-6, 7, dtype=np.float32)
    bell = np.exp(-0.5 * (at / 2.0) ** 2)
    wave = 2 * np.pi * at / 5
    even, odd = bell * np.cos(wave), bell * np.sin(wave)
    even -= bell * even.sum() / bell.sum() * 0.5
    across = np.asarray(cv2.getGaussianKernel(9, spread, cv2.CV_32F), np.float32).ravel()
    power = math.sqrt(float((even**2).sum()) * float((across**2).sum()))
    return (even / power).astype(np.float32), (odd / power).astype(np.float32), across


_NEAR, _FAR = _pulse(1.0), _pulse(2.1)
_FOCUS, _BLEND = SAMPLES * 11 // 20, 64
_RAMP: Any = np.linspace(0, 1, _BLEND, dtype=np.float32)[:, None]


def _envelope(echoes: Floats) -> Floats:
    """The pulse's energy at each place; its beam is wider beyond the focus."""
    out = np.empty_like(echoes)
    near = _beam(echoes[: _FOCUS + _BLEND], _NEAR)
    far = _beam(echoes[_FOCUS:], _FAR)
    out[:_FOCUS] = near[:_FOCUS]
    out[_FOCUS : _FOCUS + _BLEND] = near[_FOCUS:] * (1 - _RAMP) + far[:_BLEND] * _RAMP
    out[_FOCUS + _BLEND :] = far[_BLEND:]
    return out


def _beam(echoes: Floats, pulse: tuple[Floats, Floats, Floats]) -> Floats:
    even, odd, across = pulse
    i = cv2.sepFilter2D(echoes, cv2.CV_32F, across, even)
    q = cv2.sepFilter2D(echoes, cv2.CV_32F, across, odd)
    return np.asarray(cv2.magnitude(i, q), np.float32)


class _Fan:
    """Beams and depths for one depth setting, and how they lie in the picture."""

    def __init__(self, depth_mm: float) -> None:
        self.depth_mm = depth_mm
        angle = np.linspace(-FAN_RAD / 2, FAN_RAD / 2, LINES, dtype=np.float32)[None, :]
        deep = (np.arange(SAMPLES, dtype=np.float32) + 0.5)[:, None] * (depth_mm / SAMPLES)
        self.x = np.asarray((RADIUS_MM + deep) * np.sin(angle), np.float32)
        self.z = np.asarray((RADIUS_MM + deep) * np.cos(angle) - RADIUS_MM, np.float32)
        self.face_mm = (
            RADIUS_MM * np.sin(angle[0]),
            RADIUS_MM * np.cos(angle[0]) - RADIUS_MM,
        )
        self.soft = np.exp(-deep / SOFT_MM)
        self.noise = np.asarray(QUIET * 10 ** (deep / 130), np.float32)
        self._maps, self._over = self._picture(depth_mm)

    def _picture(self, depth_mm: float) -> tuple[tuple[Any, Any], Pixels]:
        """Where each pixel lies on the grid, and the scale that is drawn over all."""
        per_px = (depth_mm + 4) / (HEIGHT - TOP_MARGIN)
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        left = (x - WIDTH / 2) * per_px
        down = (y - TOP_MARGIN) * per_px + RADIUS_MM * math.cos(FAN_RAD / 2)
        angle = np.arctan2(left, down)
        deep = np.hypot(left, down) - RADIUS_MM
        line = (angle / FAN_RAD + 0.5) * (LINES - 1)
        sample = deep / depth_mm * SAMPLES - 0.5
        outside = (np.abs(angle) > FAN_RAD / 2) | (deep < 0)
        line[outside] = -10
        maps = cv2.convertMaps(line, sample.astype(np.float32), cv2.CV_16SC2)
        over = np.zeros((HEIGHT, WIDTH), np.uint8)
        face = TOP_MARGIN + RADIUS_MM * (1 - math.cos(FAN_RAD / 2)) / per_px
        for centimetre in range(int(depth_mm) // 10 + 1):
            at, size = round(face + centimetre * 10 / per_px), 8 if centimetre % 5 == 0 else 4
            cv2.line(over, (WIDTH - 14 - size, at), (WIDTH - 14, at), 150, 1)
            if centimetre % 5 == 0 and centimetre:
                font = cv2.FONT_HERSHEY_SIMPLEX
                cv2.putText(over, f"{centimetre}", (WIDTH - 48, at + 4), font, 0.4, 150, 1)
        cv2.putText(over, "SIM", (WIDTH - 48, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 150, 1)
        return maps, over

    def bend(self, beams: NDArray[np.uint8]) -> Pixels:
        """The picture of a grid of brightness."""
        black = cv2.BORDER_CONSTANT
        bent = cv2.remap(beams, *self._maps, cv2.INTER_LINEAR, borderMode=black, borderValue=0)
        return np.asarray(cv2.max(bent, self._over), np.uint8)
