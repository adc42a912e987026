"""What is published: 720p VP8 with the frame sizes of an encoder in a call, and a voice in Opus."""

from __future__ import annotations

import random

FRAMES_PER_SECOND = 30
KEY_FRAME_INTERVAL = 90  # three seconds; the plan repeats after a few of them
KEY_FRAME_WEIGHT = 6.0  # times a delta frame
SPREAD = 0.25  # standard deviation of a delta frame's size
OVERHEAD = 66  # IP, UDP, RTP with extensions, SRTP tag: the bit rate is what the network carries
PACKET = 1130  # payload octets of a packet, on average
SOUNDS_PER_SECOND = 50
SOUND_OCTETS = 80  # 32 kbit/s of payload


def plan(
    bitrate_bps: int, seconds: int = 30, frames_per_second: int = FRAMES_PER_SECOND
) -> list[tuple[int, bool]]:
    """(payload octets, is key frame) of each frame; the same for every run and server."""
    source = random.Random(720)
    weights = []
    for number in range(seconds * frames_per_second):
        if number % (KEY_FRAME_INTERVAL * frames_per_second // FRAMES_PER_SECOND) == 0:
            weights.append(KEY_FRAME_WEIGHT)
        else:
            weights.append(min(2.0, max(0.4, source.gauss(1.0, SPREAD))))
    payload = bitrate_bps / 8 * PACKET / (PACKET + OVERHEAD) * seconds
    scale = payload / sum(weights)
    return [(round(weight * scale), weight == KEY_FRAME_WEIGHT) for weight in weights]


def sounds(seconds: int = 30) -> list[int]:
    """Payload octets of each 20 ms of a voice; their order tells one second from another."""
    source = random.Random(48)
    return [
        max(20, round(source.gauss(SOUND_OCTETS, SOUND_OCTETS / 5)))
        for _ in range(seconds * SOUNDS_PER_SECOND)
    ]
