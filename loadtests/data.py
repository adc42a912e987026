"""`python -m loadtests.data`: what a narrow downlink does to data channels, phase by phase.

One person sends 100 messages a second of 100 octets on an unreliable channel. One receiver has a
free path, another is behind the emulator, whose downlink changes. The delay of each message is
compared with the path's own at the moment of sending: what the same message took to the receiver
with the free path, and the emulator's delay and queue as it stood then. The last line is JSON
(`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import struct
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clients import media_loop
from clients.data import DataChannels
from clients.participant import Participant, Publication
from clients.scene import encode
from loadtests import verdict
from loadtests.distal import Distal
from loadtests.impairment.emulator import Emulator
from loadtests.impairment.profiles import Profile
from loadtests.impairment.settings import LinkSettings
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import During
from signaling import protocol as p

ROOM, LABEL = "data", "pointer"
EVERY_S = 0.01
OCTETS = 100
ON_THE_WAY = 208  # a message's IP packet: with its sender's name, SCTP, DTLS, UDP and IP
BEYOND_MS = 100.0  # the most beyond the path's own delay, at the 99th percentile
DELAY_MS = 25.0
DRAIN_S = 3.0
_HEAD = struct.Struct("!IQ")


@dataclass(frozen=True)
class Phase:
    """So long, with a downlink like this."""

    name: str
    down: Mapping[str, Any]
    seconds: float
    video: bool = False


PHASES = [
    Phase("free", {}, 8),
    Phase("200 kbit/s, with video", {"rate_kbps": 200, "queue_ms": 300}, 12, video=True),
    Phase("40 kbit/s, with video", {"rate_kbps": 40, "queue_ms": 300}, 12, video=True),
    Phase("40 kbit/s, a queue of 10 s", {"rate_kbps": 40, "queue_ms": 10_000}, 12),
    Phase("5 % loss", {"loss": 0.05}, 12),
    Phase("3 s of outage", {"outage": "lose"}, 3),
    Phase("after it", {}, 6),
]


@dataclass
class Sent:
    """One message: when, in which phase, and the emulator's own delay then."""

    at_ns: int
    phase: int
    own_ms: float


@dataclass
class Run:
    """What was sent, and when it arrived at whom: by receiver and number."""

    sent: list[Sent] = field(default_factory=list)
    arrived: dict[str, dict[int, int]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def taken(self, receiver: str) -> DataChannels:
        """The channels of a receiver that notes when messages come."""
        times = self.arrived[receiver] = {}

        def note(_label: str, _sender: str, message: str | bytes) -> None:
            if isinstance(message, bytes):
                times.setdefault(_HEAD.unpack_from(message)[0], time.monotonic_ns())

        return DataChannels({LABEL: "newest"}, note)

    def delays_ms(self, receiver: str, phase: int) -> np.ndarray:
        """From sending to arrival, of what was sent in a phase; NaN for what never came."""
        times = self.arrived[receiver]
        return np.array(
            [
                (times[number] - sent.at_ns) / 1e6 if number in times else np.nan
                for number, sent in enumerate(self.sent)
                if sent.phase == phase
            ]
        )

    def own_ms(self, phase: int) -> np.ndarray:
        """The emulator's part of the path's own delay, likewise."""
        return np.array([sent.own_ms for sent in self.sent if sent.phase == phase])


async def film(path: Path) -> list[media_loop.MediaLoop]:
    """Two seconds of the demonstration's film, without its sound."""
    await asyncio.to_thread(encode, path, "VP8", 2)
    loops = await asyncio.to_thread(media_loop.load, path)
    return [loop for loop in loops if loop.kind == "video"]


async def run(seed: int, phases: Sequence[Phase]) -> Run:
    """All phases in turn, with a freshly started server."""
    made = Run()
    usual = LinkSettings(delay_ms=DELAY_MS, queue_ms=300)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="distal-data-")))
        loops = await film(folder / "film.mkv")
        server = Distal(folder, "--media-threads", "1")  # the emulator stands before one port
        await server.start()
        stack.push_async_callback(server.stop)
        to = ("127.0.0.1", server.media_port)
        network = stack.enter_context(Emulator(to, Profile(usual, usual, ""), seed=seed))
        proxy = SignalingProxy(server.url, {server.media_port: network.address})
        web = await stack.enter_async_context(proxy)
        showing = asyncio.Event()

        async def show(_codecs: p.CodecPreferences) -> Sequence[Publication]:
            await showing.wait()
            return [Publication(t, "camera", codec="VP8") for t in media_loop.tracks(loops)]

        async def enter(url: str, name: str, data: DataChannels) -> Participant:
            token = await server.token(ROOM)
            guest = Participant(url, token, name=name, data=data)
            await stack.enter_async_context(guest)
            await guest.until(lambda: data.open)
            return guest

        await enter(web.ws_url, "narrow", made.taken("narrow"))
        await enter(server.ws_url, "free", made.taken("free"))
        sender = DataChannels({LABEL: "newest"})
        await enter(server.ws_url, "sender", sender)
        camera: Participant | None = None
        for number, phase in enumerate(phases):
            if phase.video and camera is None:
                showing.set()
                token = await server.token(ROOM)
                camera = Participant(server.ws_url, token, name="camera", publish=show)
                await stack.enter_async_context(camera)
            elif not phase.video and camera is not None:
                await camera.close()
                camera = None
            network.play([During(0, 3600, down=phase.down)] if phase.down else [])
            await send(made, sender, network, number, phase)
        await asyncio.sleep(DRAIN_S)  # what is under way still comes, however late
        made.counters = await server.data_counters()
    return made


async def send(
    made: Run, sender: DataChannels, network: Emulator, number: int, phase: Phase
) -> None:
    """Send for one phase, noting the path's own delay each time."""
    rate_kbps = phase.down.get("rate_kbps", 0)
    alone_ms = DELAY_MS + (ON_THE_WAY * 8 / rate_kbps if rate_kbps else 0.0)
    began = due = time.monotonic()
    while due < began + phase.seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due = max(due + EVERY_S, time.monotonic() - 10 * EVERY_S)  # after a hiccup, no burst
        own_ms = alone_ms + network.queue_ms("down")
        head = _HEAD.pack(len(made.sent), 0)
        made.sent.append(Sent(time.monotonic_ns(), number, own_ms))
        sender.send(LABEL, head.ljust(OCTETS, b"\0"))


def judged(
    made: Run, phases: Sequence[Phase]
) -> tuple[list[str], list[verdict.Bar], dict[str, Any]]:
    """The table's rows, what was asked, and the figures."""
    rows = ["| phase | sent | delivered | own delay p50 | beyond it p50 | p99 | oldest delivered |"]
    rows.append("|---|---|---|---|---|---|---|")
    bars, numbers = [], {}
    for index, phase in enumerate(phases):
        delays, own = made.delays_ms("narrow", index), made.own_ms(index)
        free = made.delays_ms("free", index)
        beyond = delays - own - free  # where the free path lost it, nothing is there to compare
        beyond = beyond[~np.isnan(beyond)]
        came = delays[~np.isnan(delays)]
        p50, p99 = np.percentile(beyond, [50, 99]) if len(beyond) else (np.nan, np.nan)
        oldest = float(came.max()) if len(came) else 0.0
        numbers[phase.name] = {
            "sent": len(delays),
            "delivered": len(came),
            "own_ms_p50": float(np.percentile(own, 50)),
            "beyond_ms_p50": float(p50),
            "beyond_ms_p99": float(p99),
            "delay_ms_p99": float(np.percentile(came, 99)) if len(came) else None,
            "free_ms_p99": float(np.nanpercentile(free, 99)),
            "oldest_ms": oldest,
        }
        rows.append(
            f"| {phase.name} | {len(delays)} | {len(came)} | {np.percentile(own, 50):.0f} ms "
            f"| {p50:.0f} ms | {p99:.0f} ms | {oldest:.0f} ms |"
        )
        if len(came):
            work = f"data channels, {phase.name}: delay beyond the path's own, p99"
            asked = f"≤ {BEYOND_MS:.0f} ms"
            bars.append(verdict.Bar(work, asked, f"{p99:.0f} ms", bool(p99 <= BEYOND_MS)))
    return rows, bars, numbers


def main(arguments: list[str] | None = None) -> int:
    """0 when it ran, whether or not what was asked is held."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.data", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=1.0, help="times the phases' lengths")
    chosen = parser.parse_args(arguments)
    phases = [Phase(f.name, f.down, f.seconds * chosen.pace, f.video) for f in PHASES]
    made = asyncio.run(run(chosen.seed, phases))
    rows, bars, numbers = judged(made, phases)
    words = ", ".join(f"{name} {value}" for name, value in sorted(made.counters.items()))
    words = f"The relay counted, towards both receivers: {words}."
    print("\n".join([*rows, "", words]))
    result = {"phases": numbers, "relay": made.counters, "seed": chosen.seed}
    print(verdict.line("data", bars, result, markdown="\n".join([*rows, "", words])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
