"""`python -m loadtests.impairment`: a bad network between this machine's clients and a server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from loadtests.impairment import self_test
from loadtests.impairment.emulator import Emulator
from loadtests.impairment.profiles import PROFILES
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import parse_during, parse_fields, parse_outage

LOOK_S = 0.1
T = TypeVar("T")


def address(text: str) -> tuple[str, int]:
    """Read `127.0.0.1:10000`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"expected ADDRESS:PORT, not {text!r}")
    return host, int(port)


def _saying_why(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Keep the message of a ValueError, which argparse would drop."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m loadtests.impairment", description=__doc__)
    p.add_argument("--listen", type=address, default=("127.0.0.1", 0), help="loopback only")
    p.add_argument("--to", type=address, default=("127.0.0.1", 10000), help="the server's UDP port")
    p.add_argument("--profile", choices=PROFILES, default="none")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=600.0, help="then it ends by itself")
    p.add_argument("--clients", type=int, default=64, help="addresses at once, at most")
    p.add_argument(
        "--set",
        type=_saying_why(parse_fields),
        action="append",
        default=[],
        metavar="[up.|down.]SETTING=VALUE,...",
        help="instead of the profile's",
    )
    p.add_argument(
        "--during",
        type=_saying_why(parse_during),
        action="append",
        default=[],
        metavar="START-END:SETTINGS",
        help="for these seconds; for example 10-40:down.rate_kbps=1000,down.queue_ms=300",
    )
    p.add_argument(
        "--outage",
        type=_saying_why(parse_outage),
        action="append",
        default=[],
        metavar="START+SECONDS",
        help="nothing passes; for example 5+25",
    )
    p.add_argument(
        "--web",
        metavar="URL",
        help="the server's web side: served again at an address of its own, its media through here",
    )
    p.add_argument("--profiles", action="store_true", help="print the profiles and why they are so")
    p.add_argument("--self-test", action="store_true", help="measure what the emulator adds itself")
    p.add_argument("--packets-per-s", type=int, default=5000, help="of the self-test")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the time is over or a signal comes; the last line of stdout is JSON."""
    chosen = parser().parse_args(arguments)
    if chosen.profiles:
        for name, profile in PROFILES.items():
            print(f"{name}\n  up    {profile.up}\n  down  {profile.down}")
            print(f"  {' '.join(profile.why.split())}\n")
        return 0
    if chosen.self_test:
        seconds = min(chosen.seconds, self_test.Load.seconds)
        result = self_test.measure(self_test.Load(chosen.packets_per_s, seconds))
        self_test.print_table(result)
        print(json.dumps(result))
        return 0
    profile = PROFILES[chosen.profile]
    try:
        for up, down in chosen.set:
            profile = profile.with_fields(up, down)
        network = Emulator(
            chosen.to,
            profile,
            seed=chosen.seed,
            during=[*chosen.during, *chosen.outage],
            listen=chosen.listen,
            seconds=chosen.seconds,
            clients=chosen.clients,
        )
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    with network:
        asyncio.run(_run(network, chosen.web, chosen.to[1]))
    print(json.dumps({"profile": chosen.profile, "seed": chosen.seed, **network.report()}))
    return 0


async def _run(network: Emulator, web: str | None, server_port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        print(f"listening on {network.address[0]}:{network.address[1]}", flush=True)
        if web:
            proxy = SignalingProxy(web, {server_port: network.address})
            await stack.enter_async_context(proxy)
            print(f"web on {proxy.url}", flush=True)
        while network.running and not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)


if __name__ == "__main__":
    sys.exit(main())
