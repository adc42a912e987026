"""The drawn county site: a consultation room, a clinician and an ultrasound screen.

Invariant: the picture at `t` and at `t + LOOP_S` is the same, so the film has no seam. Everything
that moves does so with a period that divides LOOP_S.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 1280, 720
LOOP_S = 10
TAU = 2 * np.pi

Image = NDArray[Any]  # uint8, BGR or grey
Floats = NDArray[np.float32]
Colour = tuple[int, int, int]

FONT = cv2.FontFace("uni")  # built into OpenCV 5, Chinese included: no font need be installed
PANEL = (780, 92, 440, 500)  # the ultrasound screen: left, top, width, height
PERSON = (250, 120, 430, 480)  # where the clinician moves
DESK_TOP = 470
FINE = 2  # still parts are drawn twice as large and scaled down: smooth edges


def rgb(code: str) -> Colour:
    """A web colour in OpenCV's order."""
    return int(code[4:6], 16), int(code[2:4], 16), int(code[0:2], 16)


def text(
    image: Image, words: str, at: tuple[int, int], colour: Colour, size: int, weight: int
) -> None:
    cv2.putText(image, words, at, colour, FONT, size, weight)


class Scene:
    """Draws the frame of any moment; everything that stands still is drawn once."""

    def __init__(self) -> None:
        room = _room()
        desk, cover = _desk()
        _blend(room[DESK_TOP:], desk, cover)
        _caption(room)
        left, top, width, height = PERSON
        low = slice(DESK_TOP, top + height)  # where the desk hides the person
        self._room = room
        self._before = desk[: low.stop - DESK_TOP, left : left + width]
        self._before_cover = cover[: low.stop - DESK_TOP, left : left + width]
        self._person, self._opacity = _person()
        self._ultrasound = Ultrasound(404, 330)
        grain = np.random.default_rng(7).normal(0, 1.0, (HEIGHT + 64, WIDTH + 64, 1))
        self._lighter = np.repeat(np.maximum(grain, 0).astype(np.uint8), 3, axis=2)
        self._darker = np.repeat(np.maximum(-grain, 0).astype(np.uint8), 3, axis=2)

    def frame(self, t: float) -> Image:
        """The picture at `t` seconds, BGR."""
        image = self._room.copy()
        self._draw_person(image, t)
        self._draw_panel(image, t)
        t %= LOOP_S
        text(image, f"00:{int(t):02d}.{int(t * 10) % 10}", (1130, 672), rgb("e8edf0"), 24, 500)
        return self._grainy(image, t)

    def _draw_person(self, image: Image, t: float) -> None:
        left, top, width, height = PERSON
        breath = 2.2 * np.sin(TAU * t / 5)
        sway = 2.6 * np.sin(TAU * t / 10)
        lean = 0.004 * np.sin(TAU * t / 5 + 1)
        move = np.array([[1, lean, sway], [0, 1 - breath / 900, breath]], np.float32)
        person = cv2.warpAffine(self._person, move, (width, height))
        opacity = cv2.warpAffine(self._opacity, move, (width, height))
        for eye in (188, 242):
            open_px = 1 if any(abs(t % LOOP_S - blink) < 0.07 for blink in (2.1, 5.3, 8.8)) else 5
            centre = (int(eye + sway), int(139 + breath))
            cv2.ellipse(person, centre, (4, open_px), 0, 0, 360, rgb("2b2320"), -1, cv2.LINE_AA)
        area = image[top : top + height, left : left + width]
        _blend(area, np.asarray(person, np.uint8), np.asarray(opacity, np.float32))
        _blend(area[DESK_TOP - top :], self._before, self._before_cover)

    def _draw_panel(self, image: Image, t: float) -> None:
        left, top, width, _ = PANEL
        picture = self._ultrasound.frame(t)
        y, x = top + 56, left + (width - picture.shape[1]) // 2
        area = image[y : y + picture.shape[0], x : x + picture.shape[1]]
        area[:] = cv2.max(area, cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
        _draw_heartbeat(image[top + 400 : top + 470, left + 18 : left + width - 18], t)

    def _grainy(self, image: Image, t: float) -> Image:
        """A camera's fine noise, so that the picture weighs what a real one weighs."""
        step = round(t * 30)
        y, x = (step * 37) % 64, (step * 23) % 64
        here = np.s_[y : y + HEIGHT, x : x + WIDTH]
        lighter = cv2.add(image, self._lighter[here])
        return np.asarray(cv2.subtract(lighter, self._darker[here]), np.uint8)


def _blend(under: Image, over: Image, opacity: Floats) -> None:
    under[:] = cv2.blendLinear(np.ascontiguousarray(under), over, 1 - opacity, opacity)


def _room() -> Image:
    height, width = HEIGHT * FINE, WIDTH * FINE
    wall_top, wall_low = np.array(rgb("dfe7e4")), np.array(rgb("bccac9"))
    shade = np.linspace(0, 1, height)[:, None, None]
    image = np.broadcast_to(wall_top * (1 - shade) + wall_low * shade, (height, width, 3))
    image = np.ascontiguousarray(image, np.uint8)

    def box(x: int, y: int, w: int, h: int, colour: str) -> None:
        corner = ((x + w) * FINE, (y + h) * FINE)
        cv2.rectangle(image, (x * FINE, y * FINE), corner, rgb(colour), -1)

    box(0, 470, WIDTH, 8, "a9b8b6")  # wainscot
    box(0, 478, WIDTH, 120, "9fb1ae")
    box(60, 70, 190, 250, "f5f7f4")  # window
    for x in (70, 160):
        box(x, 80, 80, 230, "cfe3ec")
        box(x, 230, 80, 80, "a9c7b0")
        box(x, 214, 80, 20, "bcd6c9")
    box(52, 316, 206, 12, "e9ece8")
    box(20, 56, 52, 290, "8fb0b3")  # curtain
    for fold in range(24, 72, 12):
        box(fold, 56, 3, 290, "7fa2a6")
    box(560, 96, 150, 196, "f2f4f1")  # anatomy chart
    centre = (635 * FINE, 180 * FINE)
    cv2.ellipse(image, centre, (34 * FINE, 52 * FINE), 0, 0, 360, rgb("dcb8a8"), -1, cv2.LINE_AA)
    cv2.ellipse(image, centre, (16 * FINE, 26 * FINE), 0, 0, 360, rgb("c58f80"), -1, cv2.LINE_AA)
    for y in (250, 262, 274):
        box(585, y, 100, 4, "c6cfcc")
    x, y, w, h = PANEL
    box(x - 14, y - 14, w + 28, h + 28, "2b343a")  # the ultrasound machine's screen
    box(x, y, w, h, "0e1215")
    box(x + w // 2 - 60, y + h + 14, 120, 120, "3a454c")
    small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    text(small, "超声 · Ultrasound", (x + 18, y + 34), rgb("e8edf0"), 20, 500)
    text(small, "3.5 MHz   16 cm", (x + 292, y + 34), rgb("9fb0ba"), 15, 400)
    text(small, "心率 HR 60", (x + 18, y + 488), rgb("7fc99a"), 15, 500)
    for i in range(9):
        cv2.line(small, (x + 424, y + 66 + i * 40), (x + 430, y + 66 + i * 40), rgb("9fb0ba"), 1)
    return np.asarray(small, np.uint8)


def _desk() -> tuple[Image, Floats]:
    """From row DESK_TOP on, the desk in front and the bar under it: picture and opacity."""
    top = DESK_TOP
    shape = ((HEIGHT - top) * FINE, WIDTH * FINE)
    image = np.zeros((*shape, 3), np.uint8)
    opacity = np.zeros(shape, np.uint8)

    def poly(points: list[tuple[int, int]], colour: str, cover: int = 255) -> None:
        corners = np.array([(x * FINE, (y - top) * FINE) for x, y in points], np.int32)
        cv2.fillPoly(image, [corners], rgb(colour), cv2.LINE_AA)
        cv2.fillPoly(opacity, [corners], cover, cv2.LINE_AA)

    poly([(0, 566), (760, 566), (792, 612), (0, 612)], "c9ad8b")
    poly([(0, 610), (792, 610), (792, 720), (0, 720)], "a98c6b")
    poly([(96, 540), (232, 540), (246, 586), (82, 586)], "e6eaec")  # papers
    poly([(112, 552), (206, 552), (208, 555), (111, 555)], "b5c0c4")
    poly([(108, 564), (214, 564), (216, 567), (107, 567)], "b5c0c4")
    poly([(600, 500), (728, 500), (740, 582), (588, 582)], "39444b")  # laptop, seen from behind
    poly([(582, 580), (746, 580), (752, 590), (576, 590)], "4a565e")
    poly([(0, 632), (1280, 632), (1280, 720), (0, 720)], "12181c")  # below: the clock
    small = cv2.resize(image, None, fx=1 / FINE, fy=1 / FINE, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(opacity, None, fx=1 / FINE, fy=1 / FINE, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.asarray(cover / 255, np.float32)


def _caption(room: Image) -> None:
    """At the top: names and marks of the client cover the bottom of a picture."""
    cv2.rectangle(room, (16, 10), (196, 50), rgb("8f5c12"), -1)
    text(room, "模拟 · Simulated", (28, 38), rgb("ffffff"), 20, 600)
    note = "绘制的演示画面，没有真实病人 · A drawn demonstration, no real patient"
    text(room, note, (212, 37), rgb("3b4a52"), 17, 500)


def _person() -> tuple[Image, Floats]:
    """The clinician, seated, in a white coat: picture and opacity."""
    _, _, width, height = PERSON
    image = np.zeros((height * FINE, width * FINE, 3), np.uint8)
    opacity = np.zeros((height * FINE, width * FINE), np.uint8)

    def poly(points: list[tuple[int, int]], colour: str) -> None:
        corners = np.array([(x * FINE, y * FINE) for x, y in points], np.int32)
        cv2.fillPoly(image, [corners], rgb(colour), cv2.LINE_AA)
        cv2.fillPoly(opacity, [corners], 255, cv2.LINE_AA)

    def oval(x: int, y: int, w: int, h: int, colour: str) -> None:
        for layer, paint in ((image, rgb(colour)), (opacity, 255)):
            size = (w * FINE, h * FINE)
            cv2.ellipse(layer, (x * FINE, y * FINE), size, 0, 0, 360, paint, -1, cv2.LINE_AA)

    def line(points: list[tuple[int, int]], colour: str, thick: int) -> None:
        corners = np.array([(x * FINE, y * FINE) for x, y in points], np.int32)
        cv2.polylines(image, [corners], False, rgb(colour), thick * FINE, cv2.LINE_AA)

    oval(215, 128, 74, 86, "2e2825")  # hair
    poly([(190, 190), (240, 190), (246, 250), (184, 250)], "d9aa8c")  # neck
    oval(215, 290, 128, 62, "f4f6f6")  # shoulders
    poly([(87, 292), (343, 292), (372, 480), (58, 480)], "f4f6f6")
    poly([(184, 236), (246, 236), (215, 330)], "7fa9b5")  # scrubs at the collar
    oval(215, 142, 58, 70, "e3b899")  # face
    poly(
        [(157, 128), (166, 84), (215, 66), (264, 84), (273, 128), (246, 100), (184, 102)], "2e2825"
    )
    line([(175, 121), (186, 117), (199, 119)], "4a3a33", 3)
    line([(231, 119), (244, 117), (255, 121)], "4a3a33", 3)
    line([(215, 146), (211, 163), (217, 166)], "c89a7d", 2)
    line([(197, 184), (206, 188), (222, 188), (232, 184)], "b0695c", 3)
    line([(172, 252), (215, 344), (215, 480)], "d4dbdc", 3)  # lapels
    line([(258, 252), (215, 344)], "d4dbdc", 3)
    line([(178, 244), (172, 300), (186, 352), (206, 364)], "39444b", 5)  # stethoscope
    line([(252, 244), (262, 310), (246, 344)], "39444b", 5)
    oval(210, 366, 10, 10, "8794a0")
    poly([(262, 372), (318, 372), (318, 424), (262, 424)], "e9eded")  # pocket
    line([(262, 372), (318, 372)], "cfd6d8", 3)
    line([(282, 360), (282, 380)], "1f7a8c", 4)
    line([(104, 350), (116, 480)], "d9dfe0", 3)
    line([(326, 350), (314, 480)], "d9dfe0", 3)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    cover = cv2.resize(opacity, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (cover / 255).astype(np.float32)


class Ultrasound:
    """A sector of speckle with a kidney-like organ and a vessel that beats once a second."""

    def __init__(self, width: int, height: int) -> None:
        random = np.random.default_rng(11)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._x, self._y = x, y
        apex = (width / 2, -46.0)
        angle = np.arctan2(x - apex[0], y - apex[1])
        depth = np.hypot(x - apex[0], y - apex[1])
        inside = (np.abs(angle) < 0.55) & (depth > 60) & (depth < height + 42)
        self._mask = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.2)
        speckle = cv2.GaussianBlur(
            random.rayleigh(1, (height, width)).astype(np.float32), (5, 3), 0
        )
        self._texture = (speckle * _tissue(x, y, width, height)).astype(np.float32)
        dx, dy = x - width * 0.62, y - height * 0.66  # from the vessel
        away = np.hypot(dx, dy) + 1e-3
        push = 7.0 * np.exp(-((away - 24) ** 2) / 2600) / away
        self._push_x, self._push_y = dx * push, dy * push
        self._noise = random.normal(0, 5, (height + 32, width + 32)).astype(np.float32)

    def frame(self, t: float) -> Image:
        """Grey levels at `t`: the texture, pushed outward from the vessel at each beat."""
        beat = np.exp(-((t % 1.0 - 0.25) ** 2) / 0.012) + 0.3 * np.exp(
            -((t % 1.0 - 0.55) ** 2) / 0.02
        )
        breath = 3.0 * np.sin(TAU * t / 5)
        source_x = np.asarray(self._x - beat * self._push_x, np.float32)
        source_y = np.asarray(self._y - beat * self._push_y - breath, np.float32)
        warped = cv2.remap(
            self._texture, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        step = round(t * 30)
        y, x = (step * 11) % 32, (step * 7) % 32
        noise = self._noise[y : y + warped.shape[0], x : x + warped.shape[1]]
        return np.asarray(np.clip((warped + noise) * self._mask, 0, 255), np.uint8)


def _tissue(x: Floats, y: Floats, width: int, height: int) -> Floats:
    """How strongly each place echoes."""

    def oval(cx: float, cy: float, w: float, h: float, tilt: float) -> Floats:
        cos, sin = np.cos(tilt), np.sin(tilt)
        u, v = x - cx * width, y - cy * height
        across, along = (u * cos + v * sin) / (w * width), (v * cos - u * sin) / (h * height)
        return np.asarray(np.hypot(across, along), np.float32)

    echo = np.full_like(x, 74.0)
    echo += 26 * np.sin(y / 7 + 3 * np.sin(x / 90)) * np.exp(-y / 46)  # skin and muscle layers
    kidney = oval(0.42, 0.44, 0.22, 0.17, 0.3)
    echo = np.where(kidney < 1, 48.0, echo)
    echo = np.where(oval(0.43, 0.44, 0.11, 0.07, 0.3) < 1, 118.0, echo)
    echo += 70 * np.exp(-(((kidney - 1) / 0.05) ** 2))  # capsule
    vessel = oval(0.62, 0.66, 0.062, 0.075, 0.0)
    echo = np.where(vessel < 1, 7.0, echo)
    echo += 90 * np.exp(-(((vessel - 1.06) / 0.09) ** 2))
    echo += 60 * np.exp(-(((y - height * (0.86 + 0.05 * np.sin(x / 70))) / 6) ** 2))  # diaphragm
    blurred = cv2.GaussianBlur(echo.astype(np.float32), (0, 0), 1.3)
    return np.asarray(blurred * (1.05 - 0.45 * y / height), np.float32)


def _draw_heartbeat(area: Image, t: float) -> None:
    """A sweeping trace: five seconds wide, dark just ahead of the pen."""
    height, width = area.shape[:2]
    x = np.arange(width)
    pen = (t % 5) / 5 * width
    when = x / width * 5
    phase = when % 1.0
    wave = np.zeros(width)
    for at, tall, wide in ((0.18, 0.10, 0.03), (0.27, -0.12, 0.010), (0.30, 1.0, 0.013),
                           (0.335, -0.24, 0.012), (0.56, 0.22, 0.045)):  # fmt: skip
        wave += tall * np.exp(-((phase - at) ** 2) / (2 * wide**2))
    y = height * 0.72 - wave * height * 0.6
    behind = (pen - x) % width
    points = np.stack([x, y], axis=1)
    for part in (points[x <= pen], points[(x > pen) & (behind < width - 26)]):
        if len(part) > 1:
            corners = np.round(part * 8).astype(np.int32)
            cv2.polylines(area, [corners], False, rgb("7fc99a"), 2, cv2.LINE_AA, 3)
