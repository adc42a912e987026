"""The floor beside the table: encrypting and sending alone, nothing received, nothing decided."""

from __future__ import annotations

import os

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from loadtests._native import Engine, floor

OCTETS = 1150
PACKETS_PER_FRAME = 9
FRAMES_PER_SECOND = 30


def _session() -> Session:
    policy = Policy(
        key=os.urandom(28),
        ssrc_type=Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    return Session(policy)


def measure(subscribers: int, seconds: float = 3.0) -> dict[str, float]:
    """CPU µs of the sending thread for each packet, without and with segmentation offload."""
    engine = Engine(1000)
    sinks = [engine.open("127.0.0.1") for _ in range(subscribers)]
    sessions = [_session() for _ in sinks]
    result = {}
    for title, segmentation in (("sendmmsg", False), ("sendmmsg + UDP_SEGMENT", True)):
        if segmentation:
            sessions = [_session() for _ in sinks]
        packets, cpu_s = floor(
            ports=[engine.port(sink) for sink in sinks],
            sessions=[int(ffi.cast("uintptr_t", s._srtp[0])) for s in sessions],
            protect=int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect"))),
            packets_per_frame=PACKETS_PER_FRAME,
            octets=OCTETS,
            frames=int(seconds * FRAMES_PER_SECOND),
            frames_per_second=FRAMES_PER_SECOND,
            segmentation=segmentation,
        )
        result[title] = cpu_s / packets * 1e6
    return result
