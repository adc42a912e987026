"""The emulator on real sockets: a NAT with a bad line behind it."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from loadtests.impairment.emulator import Emulator
from loadtests.impairment.profiles import PROFILES, Profile, links
from loadtests.impairment.self_test import Load, measure
from loadtests.impairment.settings import LinkSettings
from loadtests.impairment.timeline import During, outage

ROOT = Path(__file__).parent.parent.parent


def plain(**fields: float) -> Profile:
    """Both directions alike."""
    return Profile(LinkSettings(**fields), LinkSettings(**fields), "")  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


class Udp(asyncio.DatagramProtocol):
    """A socket that keeps, or sends back, what it gets."""

    def __init__(self, echo: bool) -> None:
        self.echo = echo
        self.got: list[bytes] = []
        self.sources: list[tuple[str, int]] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.got.append(data)
        self.sources.append(address)
        if self.echo:
            self.transport.sendto(data, address)

    @property
    def address(self) -> tuple[str, int]:
        return self.transport.get_extra_info("sockname")


async def udp(echo: bool = False) -> Udp:
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(
        lambda: Udp(echo), local_addr=("127.0.0.1", 0)
    )
    return protocol


@pytest.fixture
async def server() -> AsyncIterator[Udp]:
    protocol = await udp(echo=True)
    yield protocol
    protocol.transport.close()


async def test_each_client_has_a_way_of_its_own_there_and_back(server: Udp) -> None:
    clients = [await udp() for _ in range(3)]
    with Emulator(server.address, plain(delay_ms=1)) as network:
        for round_ in range(3):
            for number, client in enumerate(clients):
                client.transport.sendto(b"%d of %d" % (round_, number), network.address)
        await until(lambda: all(len(client.got) == 3 for client in clients))
        for number, client in enumerate(clients):
            assert client.got == [b"%d of %d" % (round_, number) for round_ in range(3)]
            assert set(client.sources) == {network.address}
        assert len(set(server.sources)) == 3
        assert network.address not in server.sources
        assert network.counts().clients == 3
        for client in clients:
            client.transport.close()


async def test_nothing_comes_before_its_time_or_faster_than_the_rate(server: Udp) -> None:
    client = await udp()
    loop = asyncio.get_running_loop()
    with Emulator(server.address, plain(delay_ms=40, rate_kbps=800, queue_ms=1000)) as network:
        began = loop.time()
        for _ in range(10):
            client.transport.sendto(bytes(972), network.address)  # 10 ms each at that rate
        await until(lambda: len(client.got) == 10)
        took_s = loop.time() - began
    assert took_s >= 0.100 + 0.010 + 2 * 0.040  # all through the first link, the last through both
    client.transport.close()


async def test_loss_is_that_of_the_simulation_with_the_same_seed(server: Udp) -> None:
    server.echo = False
    client = await udp()
    profile = plain(loss=0.2)
    with Emulator(server.address, profile, seed=9) as network:
        for number in range(500):
            client.transport.sendto(b"%d" % number, network.address)
            await until(lambda number=number: network.counts().up.arrived == number + 1)
            await until(lambda: len(server.got) == network.counts().up.delivered)
    up, _ = links(profile, 9, 60)
    for number in range(500):
        up.push(number, number, b"")
    assert [int(data) for data in server.got] == [number for _, number, _ in up.poll(1000)]
    assert 50 < network.counts().up.lost_random < 150
    client.transport.close()


async def test_new_spans_end_the_old_ones(server: Udp) -> None:
    client = await udp()
    with Emulator(server.address, plain(), during=[outage(0, math.inf)]) as network:
        client.transport.sendto(b"lost", network.address)
        await until(lambda: network.counts().up.dropped_outage == 1)
        network.play()
        client.transport.sendto(b"arrives", network.address)
        await until(lambda: client.got == [b"arrives"])
    client.transport.close()


async def test_an_outage_begins_and_ends_by_itself(server: Udp) -> None:
    client = await udp()
    with Emulator(server.address, plain()) as network:
        client.transport.sendto(b"before", network.address)
        await until(lambda: client.got == [b"before"])
        network.play([outage(0, 0.5)])
        while network.counts().up.dropped_outage == 0:
            client.transport.sendto(b"during", network.address)
            await asyncio.sleep(0.01)
        seen = len(client.got)
        while len(client.got) == seen:
            client.transport.sendto(b"after", network.address)
            await asyncio.sleep(0.01)
        assert client.got[-1] == b"after"
        assert network.counts().up.dropped_outage > 5
    client.transport.close()


async def test_a_handover_holds_what_comes_and_lets_it_go_when_it_ends(server: Udp) -> None:
    client = await udp()
    hold = During(0, 0.3, {"outage": "hold"})
    loop = asyncio.get_running_loop()
    began = loop.time()
    with Emulator(server.address, plain(), during=[hold]) as network:
        for number in range(5):
            client.transport.sendto(b"%d" % number, network.address)
        await until(lambda: len(client.got) == 5)  # and nobody had to send again
        assert loop.time() - began >= 0.3
        assert client.got == [b"0", b"1", b"2", b"3", b"4"]
    client.transport.close()


async def test_there_is_a_bound_on_clients(server: Udp) -> None:
    clients = [await udp() for _ in range(3)]
    with Emulator(server.address, plain(), clients=2) as network:
        for client in clients[:2]:
            client.transport.sendto(b"first", network.address)
        await until(lambda: network.counts().clients == 2)
        clients[2].transport.sendto(b"too many", network.address)
        await until(lambda: network.counts().refused == 1)
        clients[0].transport.sendto(b"again", network.address)
        await until(lambda: b"again" in clients[0].got)
    assert clients[2].got == []
    for client in clients:
        client.transport.close()


async def test_a_server_that_is_away_for_a_while_is_found_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    client = await udp()
    loop = asyncio.get_running_loop()
    with Emulator(address, plain()) as network:
        for _ in range(5):
            client.transport.sendto(b"nobody", network.address)
        await until(lambda: network.counts().up.arrived == 5)
        _, server = await loop.create_datagram_endpoint(lambda: Udp(True), local_addr=address)
        while not client.got:
            client.transport.sendto(b"back", network.address)
            await asyncio.sleep(0.01)
        server.transport.close()
    client.transport.close()


async def test_it_ends_by_itself(server: Udp) -> None:
    with Emulator(server.address, "4g_moving", seconds=0.2) as network:
        assert network.running
        await until(lambda: not network.running)


@pytest.mark.parametrize(
    "address", [("0.0.0.0", 0), ("192.0.2.1", 0), ("::1", 0), ("localhost", 0)]
)
def test_only_loopback(address: tuple[str, int]) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Emulator(("127.0.0.1", 9), listen=address)
    with pytest.raises(ValueError, match="loopback"):
        Emulator((address[0], 9))


def test_a_port_in_use_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            Emulator(("127.0.0.1", 9), listen=taken.getsockname())


def test_the_self_test_measures_what_is_added() -> None:
    result = measure(Load(packets_per_s=1000, seconds=0.5, delay_ms=5))
    assert result["packets"] == 500 and result["lost"] == 0
    # Its clocks are two, so a microsecond may be missing; how much there is is the machine's.
    assert result["added_us"]["p50"] > -5
    assert result["added_us"]["p50"] <= result["added_us"]["p99"] <= result["added_us"]["max"]


async def test_the_command_relays_until_it_is_told_to_stop(server: Udp) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.impairment", "--to", f"127.0.0.1:{server.address[1]}",
        "--profile", "fibre", "--seed", "3", "--set", "delay_ms=1", "--seconds", "60",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    first = (await process.stdout.readline()).decode()
    host, _, port = first.removeprefix("listening on ").strip().rpartition(":")
    client = await udp()
    client.transport.sendto(b"hello", (host, int(port)))
    await until(lambda: client.got == [b"hello"])
    process.send_signal(signal.SIGTERM)
    rest, _ = await process.communicate()
    report = json.loads(rest.splitlines()[-1])
    assert (report["profile"], report["seed"], report["clients"]) == ("fibre", 3, 1)
    assert report["up"]["delivered"] == report["down"]["delivered"] == 1
    client.transport.close()


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_starts(name: str) -> None:
    with Emulator(("127.0.0.1", 9), name) as network:
        assert network.running
