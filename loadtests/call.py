"""One call through a bad network: a camera in three encodings, the relay, and a browser that
watches it behind the emulator. Only the watching side goes through the emulator.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from loadtests import encodings
from loadtests.distal import Distal
from loadtests.impairment.emulator import Emulator
from loadtests.impairment.profiles import Profile
from loadtests.impairment.settings import LinkSettings
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import During
from loadtests.peer import PROFILES, Network
from loadtests.simulcast import SimulcastPublisher
from loadtests.viewer import Sample, Viewer

SETTLE_S = 3.0  # the largest encoding is shown for so long before anything is counted
QUEUE_SAMPLE_S = 0.02
LINE_MAX_S = 300.0  # the emulator ends by itself
WIDEST = encodings.SIZES[-1].width


@dataclass(frozen=True)
class Plan:
    """The watching side's line, and what happens to it from the moment that all is well."""

    seconds: float
    usual: LinkSettings
    during: Sequence[During] = ()


@dataclass(frozen=True)
class Call:
    """What happened; times are seconds since the plan began."""

    seconds: float
    frames: list[tuple[float, int, int]]  # shown: when, width, RTP timestamp
    samples: list[Sample]  # all streams
    queue_ms: list[tuple[float, float]]  # of the line's way down
    line: dict[str, Any]
    publisher: dict[str, int]


async def call(plan: Plan, seed: int) -> Call:
    """Start a server and everybody, wait until the picture is large, and watch."""
    recording = await asyncio.to_thread(encodings.recording)
    with tempfile.TemporaryDirectory(prefix="distal-call-") as folder:
        server = Distal(Path(folder))
        await server.start()
        try:
            async with (
                Network(PROFILES["AES-128-GCM"], 0) as network,
                _publishing(server, network, recording) as (publisher, media_port),
            ):
                return await _watch(server, media_port, publisher, plan, seed)
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def _publishing(
    server: Distal, network: Network, recording: encodings.Recording
) -> AsyncIterator[tuple[SimulcastPublisher, int]]:
    """With the relay's port for this room."""
    audio_ssrc = random.getrandbits(31) | 1
    rids = [encoding.size.rid for encoding in recording.video]
    session = await server.publish_simulcast(network, rids, audio_ssrc)
    extensions = {
        uri: n for section in session.remote.sections for uri, n in section.extensions.items()
    }
    publisher = SimulcastPublisher(session.peer, recording, audio_ssrc, extensions)
    publisher.start()
    try:
        yield publisher, session.remote.candidates[0][1]
    finally:
        await publisher.stop()
        await session.leave()


async def _watch(
    server: Distal, media_port: int, publisher: SimulcastPublisher, plan: Plan, seed: int
) -> Call:
    line = Profile(plan.usual, plan.usual, "")
    to = ("127.0.0.1", media_port)
    with Emulator(to, line, seed=seed, seconds=LINE_MAX_S) as network:
        async with SignalingProxy(server.url, {media_port: network.address}) as web:
            link = await server.invite("specialist", web.url)
            async with Viewer(link) as viewer:
                await viewer.shows(WIDEST, SETTLE_S)
                late_before = publisher.late_frames
                began_s = time.time()
                network.play(plan.during)
                queue = await _queue(network, plan.seconds)
                seen = await viewer.seen()
                report = network.report()
    frames = [(at_s - began_s, width, stamp) for at_s, width, stamp in seen.frames]
    samples = [replace(sample, at_s=sample.at_s - began_s) for sample in seen.samples]
    return Call(
        plan.seconds,
        [frame for frame in frames if 0 <= frame[0] <= plan.seconds],
        [sample for sample in samples if 0 <= sample.at_s <= plan.seconds],
        queue,
        report,
        {
            "late_frames": publisher.late_frames - late_before,
            "key_frames": sum(layer.key_frames for layer in publisher.layers),
            "key_frame_requests": sum(layer.requests for layer in publisher.layers),
            "resent": publisher.resent,
        },
    )


async def _queue(network: Emulator, seconds: float) -> list[tuple[float, float]]:
    """The way down's queue, many times a second, until the plan is over."""
    samples = []
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        samples.append((passed, network.queue_ms("down")))
        await asyncio.sleep(QUEUE_SAMPLE_S)
    return samples
