"""An ultrasound machine that speaks OpenIGTLink, as PLUS and 3D Slicer do: IMAGE in, TRANSFORM out.

OpenIGTLink 3, by `pyigtl`. The sender's clock is not ours, so a picture counts as captured when it
came. The probe's pose goes back as the transform `ProbeToBase` (millimetres), for whoever builds a
volume of it. The protocol has no common words for depth and gain: they stay at the machine; frozen
is done here.
"""

from __future__ import annotations

import time

import numpy as np
import pyigtl

from clients.robot.source import (
    WAIT_S,
    WHOLE,
    Picture,
    Pixels,
    Pose,
    SourceLost,
    axes_of,
    frozen_only,
    now_us,
)
from control.orders import Imaging
from control.vectors import Vector

PORT = 18944
CONNECT_S = 5.0
SILENT_S = 3.0  # without an image: pyigtl does not always notice that its server is gone
POSE_S = 0.04  # between two transforms
POSE_NAME = "ProbeToBase"


class OpenIgtLink:
    """A client of the server at `HOST[:PORT]`; `device` is the name of its images."""

    def __init__(self, address: str, device: str = "Image") -> None:
        host, _, port = address.partition(":")
        self._device = device
        self._imaging = WHOLE
        self._posed_s = 0.0
        self._heard_s = time.monotonic()
        self._shown: Picture | None = None
        self._client = pyigtl.OpenIGTLinkClient(host or "127.0.0.1", int(port or PORT))
        due_s = time.monotonic() + CONNECT_S
        while not self._client.is_connected():
            if time.monotonic() > due_s:
                self._client.stop()
                raise SourceLost(f"no OpenIGTLink server at {address}")
            time.sleep(0.02)

    @property
    def imaging(self) -> Imaging:
        return self._imaging

    def adjust(self, imaging: Imaging) -> None:
        """Frozen alone; the other knobs are the machine's."""
        self._imaging = frozen_only(imaging)

    def follow(self, pose: Pose, force: Vector) -> None:
        if time.monotonic() - self._posed_s < POSE_S or not self._client.is_connected():
            return
        self._posed_s = time.monotonic()
        matrix = np.eye(4)
        matrix[:3, :3] = axes_of(pose.orientation)
        matrix[:3, 3] = np.asarray(pose.position) * 1000
        message = pyigtl.TransformMessage(matrix, device_name=POSE_NAME)
        self._client.send_message(message, wait=False)

    def next(self) -> Picture | None:
        message = self._client.wait_for_message(self._device, timeout=WAIT_S)
        if message is None:
            if not self._client.is_connected():
                raise SourceLost("the OpenIGTLink server is gone")
            if time.monotonic() - self._heard_s > SILENT_S:
                raise SourceLost(f"no image {self._device} for {SILENT_S:g} s")
            return None
        self._heard_s = time.monotonic()
        if not self._imaging.frozen or self._shown is None:
            self._shown = Picture(_pixels(message.image), now_us())
        return self._shown

    def close(self) -> None:
        self._client.stop()


def _pixels(image: object) -> Pixels:
    """The first slice: grey, or colour; more than eight bits are scaled to them."""
    slice_ = np.asarray(image)[0]
    if slice_.ndim == 3:
        slice_ = slice_[:, :, 0] if slice_.shape[2] < 3 else slice_[:, :, 2::-1]
    if slice_.dtype != np.uint8:
        low, high = float(slice_.min()), float(slice_.max())
        slice_ = (slice_ - low) * (255 / max(high - low, 1e-9))
    return np.ascontiguousarray(slice_, np.uint8)
