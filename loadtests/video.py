"""The published video: 720p VP8 at 30 frames/s, with the frame sizes of an encoder in a call."""

from __future__ import annotations

import random

FRAMES_PER_SECOND = 30
KEY_FRAME_INTERVAL = 90  # three seconds; the plan repeats after a few of them
KEY_FRAME_WEIGHT = 6.0  # times a delta frame
SPREAD = 0.25  # standard deviation of a delta frame's size
OVERHEAD = 66  # IP, UDP, RTP with extensions, SRTP tag: the bit rate is what the network carries
PACKET = 1130  # payload octets of a packet, on average


def plan(bitrate_bps: int, seconds: int = 30) -> list[tuple[int, bool]]:
    """(payload octets, is key frame) of each frame; the same for every run and server."""
    source = random.Random(720)
    weights = []
    for number in range(seconds * FRAMES_PER_SECOND):
        if number % KEY_FRAME_INTERVAL == 0:
            weights.append(KEY_FRAME_WEIGHT)
        else:
            weights.append(min(2.0, max(0.4, source.gauss(1.0, SPREAD))))
    payload = bitrate_bps / 8 * PACKET / (PACKET + OVERHEAD) * seconds
    scale = payload / sum(weights)
    return [(round(weight * scale), weight == KEY_FRAME_WEIGHT) for weight in weights]
