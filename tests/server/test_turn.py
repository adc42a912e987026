"""coturn as operators are told to run it: who may allocate, and where a relay may not lead."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ipaddress
import re
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aioice import stun
from aioice.turn import TurnClientProtocol, TurnClientTcpProtocol, TurnClientUdpProtocol

from media.addresses import local_addresses
from server.config import TURN_URL, ConfigError, Settings
from server.keys import KeyFileError
from server.turn import NOWHERE, OWN_FILE, secret, turn_settings, turnserver_conf
from signaling.turn import TurnSettings
from tests.coturn import Coturn, relay_ip

# RFC 8656 section 18.7, which aioice does not know: 2 in the first byte asks for an IPv6 address.
FAMILY = (0x0017, "REQUESTED-ADDRESS-FAMILY", stun.pack_unsigned, stun.unpack_unsigned)
stun.ATTRIBUTES_BY_NAME.setdefault(FAMILY[1], FAMILY)
stun.ATTRIBUTES_BY_TYPE.setdefault(FAMILY[0], FAMILY)
IPV6_RELAY = any(a.version == 6 and not a.is_loopback for a in local_addresses())


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with Coturn(tmp_path_factory.mktemp("turn")) as running:
        yield running


def credential(coturn: Coturn, ttl_s: int = 600) -> tuple[str, str]:
    settings = turn_settings(coturn.settings)
    assert settings
    [server] = settings.servers("somebody", ttl_s)
    return server.username, server.credential


@contextlib.asynccontextmanager
async def client(
    coturn: Coturn, way: str, username: str, password: str
) -> AsyncIterator[TurnClientProtocol]:
    """A TURN client that has not allocated yet."""
    url = TURN_URL.fullmatch(coturn.urls[way])
    assert url
    place = (coturn.host, int(url["port"]))
    loop = asyncio.get_running_loop()
    if way == "udp":
        transport, made = await loop.create_datagram_endpoint(
            lambda: TurnClientUdpProtocol(place, username, password, 600, 500), remote_addr=place
        )
        protocol: TurnClientProtocol = made
    else:
        trust = ssl.create_default_context(cafile=str(coturn.settings.tls_cert))
        transport, protocol = await loop.create_connection(
            lambda: TurnClientTcpProtocol(place, username, password, 600, 500),
            *place,
            ssl=trust if way == "tls" else None,
        )
    try:
        yield protocol
    finally:
        if protocol.refresh_task:
            protocol.refresh_task.cancel()
        transport.close()


async def permit(turn: TurnClientProtocol, peer: str, method: stun.Method) -> int:
    """Ask for a peer; 0, or the error code that the server answers."""
    request = stun.Message(message_method=method, message_class=stun.Class.REQUEST)
    if method is stun.Method.CHANNEL_BIND:
        request.attributes["CHANNEL-NUMBER"] = turn.channel_number
        turn.channel_number += 1
    request.attributes["XOR-PEER-ADDRESS"] = (peer, 9)
    try:
        await turn.request_with_retry(request)
    except stun.TransactionFailed as error:
        return int(error.response.error_code)
    return 0


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_a_credential_opens_a_relay_that_reaches_the_server_s_address(
    coturn: Coturn, way: str
) -> None:
    async with client(coturn, way, *credential(coturn)) as turn:
        relayed, _ = await turn.connect()
        assert relayed == relay_ip(coturn.host)
        assert await permit(turn, relayed, stun.Method.CREATE_PERMISSION) == 0
        assert await permit(turn, relayed, stun.Method.CHANNEL_BIND) == 0


async def test_expired_and_forged_credentials_open_nothing(coturn: Coturn) -> None:
    username, password = credential(coturn)
    later = f"{int(time.time()) + 10_000}:{username.partition(':')[2]}"
    refused = [credential(coturn, -1), (later, password), (username, password[:-4] + "AAA=")]
    for said in refused:
        async with client(coturn, "udp", *said) as turn:
            with pytest.raises(stun.TransactionFailed) as caught:
                await turn.connect()
            assert caught.value.response.error_code == 401


async def test_a_relay_leads_nowhere_else(coturn: Coturn) -> None:
    denied = [str(ipaddress.ip_network(net)[1]) for net in NOWHERE if ":" not in net]
    denied += ["127.0.0.1", "10.255.255.254", "100.127.0.1", "172.31.0.1", "8.8.8.8"]
    own = relay_ip(coturn.host)
    async with client(coturn, "udp", *credential(coturn)) as turn:
        await turn.connect()
        for peer in denied:
            if peer != own:
                assert await permit(turn, peer, stun.Method.CREATE_PERMISSION) == 403, peer
                assert await permit(turn, peer, stun.Method.CHANNEL_BIND) == 403, peer


@pytest.mark.skipif(not IPV6_RELAY, reason="this machine has no IPv6 address beside ::1")
async def test_nor_by_any_form_in_which_ipv6_writes_an_ipv4_address(coturn: Coturn) -> None:
    denied = [str(ipaddress.ip_network(net)[1]) for net in NOWHERE if ":" in net]
    own = relay_ip("127.0.0.1")
    denied += ["::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1"]
    denied += [f"::ffff:{own}", f"64:ff9b::{own}", "2606:4700::1"]
    async with client(coturn, "udp", *credential(coturn)) as turn:
        request = stun.Message(
            message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST
        )
        request.attributes["REQUESTED-TRANSPORT"] = 0x11000000
        request.attributes["REQUESTED-ADDRESS-FAMILY"] = 0x02000000
        await turn.request_with_retry(request)
        for peer in denied:
            if peer != relay_ip("::1"):
                assert await permit(turn, peer, stun.Method.CREATE_PERMISSION) == 403, peer
                assert await permit(turn, peer, stun.Method.CHANNEL_BIND) == 403, peer
        own_v6 = relay_ip("::1")
        assert await permit(turn, own_v6, stun.Method.CREATE_PERMISSION) == 0


async def test_what_coturn_logs_holds_no_credential(coturn: Coturn) -> None:
    username, password = credential(coturn)
    async with client(coturn, "udp", username, password) as turn:
        await turn.connect()
    log = coturn.log.read_text(errors="replace")
    assert password not in log
    assert secret(coturn.settings).decode() not in log


# --- the configuration -------------------------------------------------------------------------


def conf(tmp_path: Path, **more: object) -> str:
    base = Settings(data_dir=tmp_path, turn_url=("turn:turn.example",))
    return turnserver_conf(dataclasses.replace(base, **more), b"0123456789abcdef")


def test_the_relay_s_advertised_address_is_all_that_is_allowed(tmp_path: Path) -> None:
    text = conf(tmp_path, advertise=("198.51.100.7", "2001:db8::7"))
    assert re.findall(r"^allowed-peer-ip=(.*)$", text, re.M) == ["198.51.100.7", "2001:db8::7"]
    assert "denied-peer-ip=0.0.0.0-255.255.255.255" in text
    assert "denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" in text
    assert "\nno-tls\n" in text and "listening-port=3478" in text and "realm=turn.example" in text


def test_ports_come_from_the_urls(tmp_path: Path) -> None:
    urls = ("turn:[2001:db8::1]:3479?transport=tcp", "turns:[2001:db8::1]:443?transport=tcp")
    text = conf(tmp_path, turn_url=urls)
    assert "\nlistening-port=3479\n" in text and "\ntls-listening-port=443\n" in text
    assert "realm=2001:db8::1" in text and "\nno-tls\n" not in text
    with pytest.raises(ConfigError, match="one port"):
        conf(tmp_path, turn_url=("turn:a:1", "turn:a:2"))


@pytest.mark.parametrize("url", ["turn.example", "stun:turn.example", "turn:a?transport=sctp", ""])
def test_what_is_no_turn_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="turn_url"):
        Settings(turn_url=(url,))


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", turn_url=("turn:turn.example",))
    assert secret(settings) == secret(settings)
    path = settings.data_dir / OWN_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="can be read by others"):
        secret(settings)


def test_a_secret_of_one_s_own(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    settings = Settings(data_dir=tmp_path, turn_url=("turn:a",), turn_secret_file=file)
    with pytest.raises(KeyFileError, match="cannot read"):
        secret(settings)
    file.touch(mode=0o600)
    for content, good in [
        ("short", False),
        ("two words are here ", False),
        ("a" * 16 + "\n", True),
    ]:
        file.write_text(content)
        if good:
            assert secret(settings) == b"a" * 16
        else:
            with pytest.raises(KeyFileError, match="16"):
                secret(settings)


def test_no_secret_and_no_server_without_a_turn_url(tmp_path: Path) -> None:
    assert turn_settings(Settings(data_dir=tmp_path)) is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="turn-url"):
        turnserver_conf(Settings(data_dir=tmp_path), b"0123456789abcdef")


def test_a_secret_does_not_show_where_settings_are_shown() -> None:
    assert "hush" not in repr(TurnSettings(urls=(), secret=b"hush", ttl_s=1))
