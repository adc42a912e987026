"""ICE-TCP on real sockets: who comes in, what flows, and what a hostile or slow peer can do."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from aioice import stun

from media import tcp
from media._plane import Plane
from media.addresses import IpAddress, candidates
from media.relay import MediaRelay
from media.settings import RelaySettings
from media.srtp import FUNCTIONS, SrtpSessions, make_sessions
from media.tcp import TcpDoor
from tests.media.simulated import (
    KEY_A,
    KEY_B,
    OUT_RTX_SSRC,
    OUT_SSRC,
    PROFILE,
    ext_ids,
    rtp,
    seq_of,
)

DTLS = b"\x16 as DTLS looks"


def check(ufrag: str, password: str) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:peer"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    request.add_fingerprint()
    return bytes(request)


def framed(packet: bytes) -> bytes:
    return len(packet).to_bytes(2) + packet


class Client:
    """One TCP connection to the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.address: tuple[str, int] = writer.get_extra_info("sockname")[:2]

    def send(self, packet: bytes) -> None:
        self.writer.write(framed(packet))

    async def receive(self) -> bytes:
        return await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(2)))

    async def check(self, endpoint: int) -> None:
        self.send(check(f"ufrag{endpoint}", f"password{endpoint}"))
        answer = stun.parse_message(await self.receive())
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == self.address

    async def ended(self) -> bool:
        """Waits until the server has closed it, whatever it may have sent before."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        return True

    def close(self) -> None:
        self.writer.transport.abort()


class Doors:
    """Planes behind one door, and clients that knock."""

    def __init__(self) -> None:
        self.planes = [Plane(FUNCTIONS, "", 0), Plane(FUNCTIONS, "", 0)]
        self.plane = self.planes[0]
        self.welcome: Callable[[IpAddress], bool] = lambda source: True
        self.door = TcpDoor("", 0, lambda: self.planes, lambda source: self.welcome(source))
        self.clients: list[Client] = []
        self.keys: list[SrtpSessions] = []  # the planes use them until they are closed

    async def knock(self, *, receive_buffer: int = 0) -> Client:
        mine = socket.socket()
        if receive_buffer:
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        mine.setblocking(False)
        await asyncio.get_running_loop().sock_connect(mine, ("127.0.0.1", self.door.port))
        reader, writer = await asyncio.open_connection(sock=mine)
        self.clients.append(Client(reader, writer))
        return self.clients[-1]

    async def connected(self, endpoint: int, *, receive_buffer: int = 0) -> Client:
        """A client of an endpoint of its own on the first plane."""
        self.plane.add_endpoint(endpoint, f"ufrag{endpoint}", f"password{endpoint}")
        client = await self.knock(receive_buffer=receive_buffer)
        await client.check(endpoint)
        return client

    def open(self) -> int:
        return self.plane.tcp_counters()[0]


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    doors = Doors()
    async with asyncio.timeout(60):
        yield doors
    for client in doors.clients:
        client.close()
    await doors.door.close()
    for plane in doors.planes:
        plane.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def events(plane: Plane) -> list[tuple[int, bytes]]:
    taken: list[tuple[int, bytes]] = []
    await until(lambda: taken.extend(plane.take_events()) or taken)
    return taken


async def test_packets_flow_framed_both_ways(doors: Doors) -> None:
    client = await doors.connected(1)
    client.send(DTLS)
    assert await events(doors.plane) == [(1, DTLS)]
    doors.plane.send(1, DTLS + b"answer")
    assert await client.receive() == DTLS + b"answer"


async def test_a_first_packet_in_single_octets_is_a_packet_too(doors: Doors) -> None:
    doors.plane.add_endpoint(1, "ufrag1", "password1")
    client = await doors.knock()
    client.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in framed(check("ufrag1", "password1")):
        client.writer.write(bytes([octet]))
        await client.writer.drain()
    assert stun.parse_message(await client.receive()).message_class == stun.Class.RESPONSE
    for octet in framed(DTLS):
        client.writer.write(bytes([octet]))
        await client.writer.drain()
    assert await events(doors.plane) == [(1, DTLS)]


async def test_one_door_leads_to_every_plane(doors: Doors) -> None:
    for number, plane in enumerate(doors.planes, 1):
        plane.add_endpoint(number, f"ufrag{number}", f"password{number}")
        client = await doors.knock()
        await client.check(number)
        client.send(DTLS)
        assert await events(plane) == [(number, DTLS)]
    assert [plane.tcp_counters()[0] for plane in doors.planes] == [1, 1]


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(framed(check("ufrag1", "wrong")), id="wrong password"),
        pytest.param(framed(check("nobody", "password1")), id="unknown ufrag"),
        pytest.param(framed(DTLS * 3), id="DTLS before any check"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a browser"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"\0\0", id="the null packet"),
    ],
)
async def test_who_does_not_begin_with_a_check_is_closed(doors: Doors, garbage: bytes) -> None:
    doors.plane.add_endpoint(1, "ufrag1", "password1")
    client = await doors.knock()
    client.writer.write(garbage)
    assert await client.ended()
    assert doors.open() == 0


@pytest.mark.parametrize("sent", [b"", b"\0", b"\0\x64half of it"])
async def test_who_is_silent_or_slow_is_closed(
    doors: Doors, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "FIRST_CHECK_S", 0.3)
    client = await doors.knock()
    client.writer.write(sent)
    assert await client.ended()


async def test_a_frame_longer_than_any_datagram_ends_the_connection(doors: Doors) -> None:
    client = await doors.connected(1)
    other = await doors.connected(2)
    client.writer.write(b"\xff\xff and more")
    assert await client.ended()
    assert doors.open() == 1
    doors.plane.send(1, DTLS)  # to nowhere
    doors.plane.send(2, DTLS)
    assert await other.receive() == DTLS


async def test_silent_connections_crowd_nobody_out(doors: Doors) -> None:
    silent = [await doors.knock() for _ in range(tcp.WAITING_OF_SOURCE_MAX + 8)]
    await doors.connected(1)
    assert await silent[0].ended()  # the oldest made room
    assert not silent[-1].reader.at_eof()


async def test_strangers_are_turned_away(doors: Doors) -> None:
    doors.welcome = lambda source: source != ipaddress.ip_address("127.0.0.1")
    client = await doors.knock()
    assert await client.ended()


async def test_on_loopback_only_this_machine_is_welcome() -> None:
    relay = MediaRelay(RelaySettings(groups={}, tcp_port=0))
    await relay.start()
    try:
        assert relay._welcome(ipaddress.ip_address("127.0.0.9"))
        assert all(relay._welcome(address) for address in relay._addresses)
        assert not relay._welcome(ipaddress.ip_address("203.0.113.5"))
        assert not relay._welcome(ipaddress.ip_address("2001:db8::5"))
    finally:
        await relay.close()


async def test_a_transport_that_ends_takes_its_connection_along(doors: Doors) -> None:
    client = await doors.connected(1)
    doors.plane.remove_endpoint(1)
    assert await client.ended()
    assert doors.open() == 0


async def test_a_broken_connection_is_followed_by_the_next(doors: Doors) -> None:
    first = await doors.connected(1)
    first.close()
    await until(lambda: doors.open() == 0)
    second = await doors.knock()
    await second.check(1)
    doors.plane.send(1, DTLS)
    assert await second.receive() == DTLS


async def test_the_old_connection_may_break_after_the_new_one_came(doors: Doors) -> None:
    first = await doors.connected(1)
    second = await doors.knock()
    await second.check(1)
    first.close()
    await until(lambda: doors.open() == 1)
    doors.plane.send(1, DTLS)
    assert await second.receive() == DTLS


async def test_a_transport_has_at_most_eight_connections(doors: Doors) -> None:
    first = await doors.connected(1)
    for _ in range(8):
        await (await doors.knock()).check(1)
    assert await first.ended()
    assert doors.open() == 8


async def test_the_same_address_over_udp_is_another_peer(doors: Doors) -> None:
    client = await doors.connected(1)
    doors.plane.add_endpoint(2, "ufrag2", "password2")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(client.address)
        udp.setblocking(False)
        udp.connect(("127.0.0.1", doors.plane.port))
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(udp, check("ufrag2", "password2"))
        await loop.sock_recv(udp, 2048)
        await loop.sock_sendall(udp, DTLS + b"2")
        assert await events(doors.plane) == [(2, DTLS + b"2")]
        client.send(DTLS + b"1")
        assert await events(doors.plane) == [(1, DTLS + b"1")]
        doors.plane.send(2, DTLS + b"to 2")
        assert await loop.sock_recv(udp, 2048) == DTLS + b"to 2"
        doors.plane.send(1, DTLS + b"to 1")
        assert await client.receive() == DTLS + b"to 1"


async def test_hundreds_of_connections_are_served(doors: Doors) -> None:
    clients = await asyncio.gather(*(doors.connected(n) for n in range(1, 301)))
    for number in range(1, 301):
        doors.plane.send(number, DTLS + str(number).encode())
    for number, client in enumerate(clients, 1):
        assert await client.receive() == DTLS + str(number).encode()
    assert doors.open() == 300


async def test_without_file_descriptors_the_door_waits(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "ACCEPT_AGAIN_S", 0.1)
    accepts = 0
    accept = asyncio.get_running_loop().sock_accept

    async def counted(listener: socket.socket) -> object:
        nonlocal accepts
        accepts += 1
        return await accept(listener)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_accept", counted)
    doors.plane.add_endpoint(1, "ufrag1", "password1")
    await doors.knock()
    client = socket.socket()  # while there are descriptors
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
    started = asyncio.get_running_loop().time()
    try:
        fillers = []
        with contextlib.suppress(OSError):  # holes below the limit
            while True:
                fillers.append(os.open(os.devnull, os.O_RDONLY))
        before = accepts
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", doors.door.port))
        await until(lambda: accepts >= before + 3)
        assert asyncio.get_running_loop().time() - started > 0.1  # it does not spin
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        for filler in fillers:
            os.close(filler)
    reader, writer = await asyncio.open_connection(sock=client)
    doors.clients.append(Client(reader, writer))
    await doors.clients[-1].check(1)


# --- media -------------------------------------------------------------------------------------


class Call:
    """A publisher and subscribers, all over TCP."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.publisher: Client
        self.keys = make_sessions(PROFILE, KEY_A, KEY_B)

    def _secure(self, endpoint: int) -> None:
        self.doors.keys.append(make_sessions(PROFILE, KEY_B, KEY_A))
        self.doors.plane.set_srtp(endpoint, *self.doors.keys[-1].pointers)

    async def begin(self) -> None:
        self.publisher = await self.doors.connected(1)
        self._secure(1)
        self.doors.plane.set_receive(1, ext_ids(), False, False, True)
        layers = [("", 1111, 0)]
        assert self.doors.plane.add_track(
            100, 1, True, "VP8", "1", "cname", 90000, 96, 255, False, True, True, layers
        )

    async def subscriber(self, endpoint: int, *, receive_buffer: int = 0) -> Client:
        client = await self.doors.connected(endpoint, receive_buffer=receive_buffer)
        self._secure(endpoint)
        self.doors.plane.set_send(endpoint, ext_ids(), True)
        assert self.doors.plane.add_subscription(
            200 + endpoint, 100, endpoint, OUT_SSRC, OUT_RTX_SSRC, 96, 255, 34 << 2
        )
        return client

    def publish(self, seq: int) -> None:
        packet = rtp(seq, seq * 3000, b"\x10" + bytes(1099), ssrc=1111, marker=True)
        self.publisher.send(self.keys.send.protect(packet))


async def media_packet(client: Client, keys: SrtpSessions) -> bytes:
    while True:
        packet = await client.receive()
        if packet[0] >= 128 and not 192 <= packet[1] <= 223:
            return keys.receive.unprotect(packet)


async def test_who_does_not_read_costs_bounded_memory_and_nobody_else_anything(
    doors: Doors,
) -> None:
    call = Call(doors)
    await call.begin()
    reader = await call.subscriber(2)
    deaf = await call.subscriber(3, receive_buffer=8192)
    deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
    keys = make_sessions(PROFILE, KEY_A, KEY_B)
    most, dropped, seq = 0, 0, 0
    while dropped < 300:
        seq += 1
        call.publish(seq)
        assert seq_of(await media_packet(reader, keys)) == seq
        _, queued, dropped = doors.plane.tcp_counters()
        most = max(most, queued)
    assert 0 < most <= 300_000

    # What was queued still comes, whole and in order; then the media of now.
    deaf.writer.transport.resume_reading()  # type: ignore[attr-defined]
    theirs = make_sessions(PROFILE, KEY_A, KEY_B)
    seen: list[int] = []

    async def listen() -> None:
        while seq + 1 not in seen[-1:]:
            seen.append(seq_of(await media_packet(deaf, theirs)))

    listening = asyncio.create_task(listen())
    await until(lambda: doors.plane.tcp_counters()[1] == 0)
    call.publish(seq + 1)
    await listening
    assert seen == sorted(seen)
    assert len(seen) == seq + 1 - dropped


async def test_who_never_reads_is_closed(doors: Doors) -> None:
    call = Call(doors)
    await call.begin()
    deaf = await call.subscriber(2, receive_buffer=8192)
    deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
    seq = 0
    while doors.open() == 2:  # ten seconds
        seq += 1
        call.publish(seq)
        await asyncio.sleep(0.005)
    doors.plane.send(1, DTLS)
    while await call.publisher.receive() != DTLS:
        pass


# --- descriptions ------------------------------------------------------------------------------


def test_every_address_is_offered_over_tcp_below_all_of_udp() -> None:
    addresses = [ipaddress.ip_address(a) for a in ("192.0.2.1", "2001:db8::1", "127.0.0.1")]
    lines = [line.split() for line in candidates(addresses, 10000, 443)]
    over = {kind: [line for line in lines if line[2] == kind] for kind in ("udp", "tcp")}
    assert [line[4] for line in over["tcp"]] == [line[4] for line in over["udp"]]
    assert max(int(line[3]) for line in over["tcp"]) < min(int(line[3]) for line in over["udp"])
    assert len({line[3] for line in lines}) == len({line[0] for line in lines}) == 6
    for line in over["tcp"]:
        assert line[5:] == ["443", "typ", "host", "tcptype", "passive"]
    assert len(candidates(addresses, 10000)) == 3
