"""IPv6 from the page's address to the packets: only where the kernel has none is this skipped."""

from __future__ import annotations

import ipaddress
import json
import urllib.request
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from media.addresses import candidates, local_addresses
from server.requests import from_this_machine, rate_key
from tests.server_process import DistalServer

LOOPBACK = ipaddress.ip_address("::1")
ADDRESSES = [a for a in local_addresses() if a.version == 6]
ipv6 = pytest.mark.skipif(LOOPBACK not in ADDRESSES, reason="this kernel has no IPv6: no ::1")


@ipv6
async def test_links_and_origins_have_brackets(tmp_path: Path) -> None:
    async with (
        DistalServer(tmp_path, "--host", "::1") as server,
        aiohttp.ClientSession() as http,
    ):
        assert server.url.startswith("http://[::1]:")
        headers = {"Authorization": f"Bearer {server.token('ward', 'host')}"}
        invitation = f"{server.url}/api/rooms/ward/invitations"
        async with http.post(invitation, json={"role": "student"}, headers=headers) as answer:
            assert (await answer.json())["url"].startswith(f"{server.url}/join/")
        async with http.get(f"{server.url}/metrics") as answer:
            assert answer.status == 200  # this machine asks
        own, other = {"Origin": server.url}, {"Origin": "http://[::1]:1"}
        async with http.ws_connect(server.ws_url, headers=own) as socket:
            token = server.token("ward", "student")
            await socket.send_json({"type": "hello", "id": 1, "version": 1, "token": token})
            assert (await socket.receive_json())["type"] == "welcome"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(server.ws_url, headers=other)


@ipv6
def test_every_address_means_both_families_on_one_port(tmp_path: Path) -> None:
    with DistalServer(tmp_path, "--host", "::", "--behind-proxy") as server:
        port = server.url.rpartition(":")[2]
        assert server.url == f"http://[::1]:{port}"
        for host in ("[::1]", "127.0.0.1"):
            with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=10) as answer:
                assert json.load(answer) == {"status": "alive"}


def test_no_link_local_address_is_offered() -> None:
    assert not any(a.is_link_local for a in local_addresses())


def test_candidates_name_both_families_ipv4_first() -> None:
    both = [ipaddress.ip_address(text) for text in ("2001:db8::1", "::1", "192.0.2.1")]
    lines = candidates(both, 10000)
    assert [line.split()[4] for line in lines] == ["192.0.2.1", "2001:db8::1", "::1"]


def asked(host: str, remote: str) -> web.Request:
    return make_mocked_request("GET", "/metrics", headers={"Host": host}).clone(remote=remote)


@pytest.mark.parametrize(
    ("host", "remote", "here"),
    [
        ("[::1]:8080", "::1", True),
        ("[::1]", "::1", True),
        ("localhost", "127.0.0.1", True),
        ("[2001:db8::1]:8080", "::1", False),
        ("[::1]:8080", "2001:db8::1", False),
        ("rebound.example:8080", "::1", False),
    ],
)
def test_this_machine_is_known_by_its_ipv6_loopback_too(host: str, remote: str, here: bool) -> None:
    assert from_this_machine(asked(host, remote), behind_proxy=False) is here


def test_an_ipv6_customer_is_one_asker_and_not_as_many_as_he_has_addresses() -> None:
    keys = [rate_key(asked("a", f"2001:db8:1:2:{n}::1"), False) for n in range(1, 9)]
    assert len(set(keys)) == 1
    assert rate_key(asked("a", "2001:db8:1:3::1"), False) != keys[0]
    assert rate_key(asked("a", "192.0.2.7"), False) == "192.0.2.7"
    assert rate_key(asked("a", "somebody"), False) == "somebody"
