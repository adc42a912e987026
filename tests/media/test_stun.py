"""ICE-lite against aioice's STUN, which is written by others."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media._plane import hmac_sha1

from .simulated import World


@given(st.binary(max_size=200), st.binary(max_size=500))
def test_hmac_is_that_of_hashlib(key: bytes, message: bytes) -> None:
    assert hmac_sha1(key, message) == hmac.new(key, message, hashlib.sha1).digest()


@pytest.mark.parametrize("ip", ["192.0.2.7", "2001:db8::7"])
def test_a_check_is_answered_with_the_mapped_address(ip: str) -> None:
    peer = World().peer(ip, connected=False)
    answer = peer.check()
    assert answer is not None  # aioice verified integrity and fingerprint
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (ip, peer.port)


def test_a_wrong_password_is_not_answered() -> None:
    world = World()
    peer = world.peer(connected=False)
    assert peer.check(password="wrong") is None
    assert world.core.counters()[3] == 1  # counted as unauthentic


def test_every_cut_of_a_check_is_refused_in_silence() -> None:
    world = World()
    peer = world.peer(connected=False)
    sent: list[bytes] = []
    peer.world.core, real = _Recorder(sent), peer.world.core  # type: ignore[assignment]
    peer.check()
    peer.world.core = real
    for size in range(len(sent[0])):
        peer.send(sent[0][:size])
    assert peer.take() == []
    peer.send(sent[0])
    assert len(peer.take()) == 1


class _Recorder:
    def __init__(self, sent: list[bytes]) -> None:
        self._sent = sent

    def datagram(self, _ip: bytes, _port: int, data: bytes, _now_us: int) -> None:
        self._sent.append(data)

    def take_sent(self) -> list[object]:
        return []


def test_dtls_is_handed_up_only_from_a_proven_address() -> None:
    world = World()
    peer = world.peer(connected=False)
    hello = bytes([22, 254, 253]) + bytes(40)
    peer.send(hello)
    assert world.core.take_dtls() == []
    peer.check()
    peer.send(hello)
    assert world.core.take_dtls() == [(peer.endpoint, hello)]


def test_a_participant_whose_address_changes_is_followed_when_it_nominates() -> None:
    world = World()
    peer = world.peer(connected=False)
    peer.check()
    old_port, peer.port = peer.port, 6000
    world.peers[next(iter(world.peers))[0], 6000] = peer
    peer.check(nominate=False)
    world.core.send(peer.endpoint, bytes([22]) * 20)
    assert [port for _, port, _ in world.core.take_sent()] == [old_port]
    peer.check(nominate=True)
    world.core.send(peer.endpoint, bytes([22]) * 20)
    assert [port for _, port, _ in world.core.take_sent()] == [6000]


def test_many_addresses_of_one_agent_are_bounded() -> None:
    world = World()
    peer = world.peer(connected=False)
    ip = next(iter(world.peers))[0]
    for port in range(6000, 6050):
        peer.port = port
        world.peers[ip, port] = peer
        assert peer.check(nominate=port == 6000) is not None
    hello = bytes([22, 254, 253]) + bytes(40)
    heard = []
    for port in range(6000, 6050):
        peer.port = port
        peer.send(hello)
        if world.core.take_dtls():
            heard.append(port)
    assert 6000 in heard  # the one in use is kept
    assert len(heard) == 8
