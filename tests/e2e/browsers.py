"""Chromium in nine shapes: here, as if across a network, without UDP, with other cameras or none,
with WebGL and without any."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from playwright.async_api import Browser, BrowserContext, Playwright

CHROMIUM = "/usr/bin/chromium"
CAMERA, CAMERA_FPS = (320, 240), 15  # three pages share two cores
NOISE = 3  # of 255: some 300 kbit/s
SHARP_CAMERA = (640, 360)  # the smallest of which browsers send two encodings
_ALWAYS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
# Without the loopback flag a page reaches the server by the addresses that it advertises, and by
# nothing else: it stands for a browser on another machine.
# `no_udp` may not send or receive a single datagram, as behind a hospital's firewall.
# `refused` has a camera that nobody allows it to use; `trusting`, and
# `no_udp` too, take any certificate.
# `webgl` draws with a GPU of software that says it is a real one, slowly, and has no camera; `bare`
# has neither. The others have one of software and say so.
# `busy` has a picture that takes all the bandwidth that a camera may have.
Shape = Literal[
    "local", "routed", "bare", "sharp", "busy", "refused", "trusting", "no_udp", "webgl"
]


UNMASKED_RENDERER_WEBGL = 37446
REAL_GPU = """
const { getParameter } = WebGL2RenderingContext.prototype;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  return name === UNMASKED ? "Some GPU" : getParameter.call(this, name);
};""".replace("UNMASKED", str(UNMASKED_RENDERER_WEBGL))


class Browsers:
    """One browser process of each shape, started when first asked for."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        self._playwright = playwright
        self._folder = folder
        self._running: dict[Shape, Browser] = {}
        self._contexts: list[BrowserContext] = []

    async def context(
        self,
        shape: Shape = "local",
        language: str = "zh-CN",
        size: tuple[int, int] = (1280, 800),
        *,
        phone: bool = False,
    ) -> BrowserContext:
        """A visitor with nothing remembered."""
        browser = self._running.get(shape) or await self._launch(shape)
        context = await browser.new_context(
            locale=language,
            viewport={"width": size[0], "height": size[1]},
            has_touch=phone,
            is_mobile=phone,
        )
        context.set_default_timeout(60_000 if shape == "webgl" else 20_000)
        if shape == "webgl":
            await context.add_init_script(REAL_GPU)
        self._contexts.append(context)
        return context

    async def close_contexts(self) -> None:
        """Send the visitors of one test home."""
        while self._contexts:
            await self._contexts.pop().close()

    async def close(self) -> None:
        await self.close_contexts()
        for browser in self._running.values():
            await browser.close()

    async def _launch(self, shape: Shape) -> Browser:
        arguments = [*_ALWAYS]
        if shape == "webgl":
            arguments += [
                "--use-gl=angle",
                "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader",
            ]
        else:
            arguments.append("--disable-gpu")
        if shape == "bare":
            arguments.append("--disable-software-rasterizer")  # or Chromium makes WebGL itself
        if shape not in ("bare", "webgl"):
            camera = self._folder / f"{shape}.y4m"
            size = SHARP_CAMERA if shape == "sharp" else CAMERA
            write_camera(camera, *size, noise=NOISE if shape == "busy" else 0)
            arguments += [
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ]
        if shape != "refused":
            arguments.append("--use-fake-ui-for-media-stream")
        if shape in ("trusting", "no_udp"):
            arguments.append("--ignore-certificate-errors")
        if shape != "routed":
            arguments.append("--allow-loopback-in-peer-connection")
        if shape == "no_udp":
            arguments.append("--webrtc-ip-handling-policy=disable_non_proxied_udp")
        self._running[shape] = await self._playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=arguments, chromium_sandbox=False
        )
        return self._running[shape]


def write_camera(path: Path, width: int, height: int, noise: int = 0) -> None:
    """Two seconds of a bright square going round, as a YUV4MPEG2 file."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width]
    chroma = np.full(width * height // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{CAMERA_FPS}:1 Ip C420\n".encode())
        for index in range(2 * CAMERA_FPS):
            turn = 2 * np.pi * index / (2 * CAMERA_FPS)
            centre = (
                width / 2 + 90 * np.cos(turn),
                height / 2 + 60 * np.sin(turn),
            )
            near = (np.abs(x - centre[0]) < 30) & (np.abs(y - centre[1]) < 30)
            luma = np.where(near, 220, 60 + x // 4) + random.integers(0, noise + 1, x.shape)
            file.write(b"FRAME\n" + luma.astype(np.uint8).tobytes() + chroma)
