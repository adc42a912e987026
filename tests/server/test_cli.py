"""The command line: what it prints, how it refuses, how it stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from loadtests.ports import free_port, free_udp_port
from server.keys import load_or_create
from signaling.tokens import TokenError, TokenVerifier
from tests.server_process import ROOT, DistalServer


def distal(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("DISTAL_")}
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        cwd=ROOT,
        env=clean | {"DISTAL_DICOM_PORT": "0", "DISTAL_CONTROL_PORT": "0"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_version_is_the_package_s() -> None:
    ran = distal("--version")
    assert ran.returncode == 0
    assert re.fullmatch(r"distal \d+\.\d+\.\d+\n", ran.stdout)


def test_help_lists_every_setting_with_its_default() -> None:
    from server.config import options

    text = distal("serve", "--help").stdout
    for option in options():
        assert option.flag in text
    assert "(default 8080)" in text


def test_a_token_is_all_that_is_printed(tmp_path: Path) -> None:
    ran = distal(
        *("token", "--room", "ward", "--role", "county_doctor", "--name", "王医生"),
        *("--institution", "县医院", "--ttl", "60", "--data-dir", str(tmp_path)),
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("\n") == 1
    key = load_or_create(tmp_path)
    claims = TokenVerifier({key.kid: key.public}).verify(ran.stdout.strip())
    assert (claims.room, claims.role, claims.name) == ("ward", "county_doctor", "王医生")
    assert claims.institution == "县医院"


def test_a_token_of_another_directory_opens_nothing(tmp_path: Path) -> None:
    ran = distal("token", "--room", "r", "--role", "host", "--data-dir", str(tmp_path / "a"))
    key = load_or_create(tmp_path / "b")
    with pytest.raises(TokenError):
        TokenVerifier({key.kid: key.public}).verify(ran.stdout.strip())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--room", "r", "--role", "surgeon"), "no role 'surgeon'; there are host, "),
        (("--room", "a b", "--role", "host"), "room"),
        (("--room", "", "--role", "host"), "room"),
        (("--room", "r", "--role", "host", "--ttl", "0"), "a token lives between"),
        (("--room", "r", "--role", "host", "--name", "x" * 81), "name"),
    ],
)
def test_a_token_that_cannot_be_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = distal("token", *arguments, "--data-dir", str(tmp_path))
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("distal: ")
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("serve", "--host", "0.0.0.0"), {}, "without encryption"),
        (("serve",), {"DISTAL_HOST": "::"}, "without encryption"),
        (("demo", "--host", "192.0.2.1"), {}, "without encryption"),
        (("serve", "--tls-cert", "x.pem"), {}, "tls_cert and tls_key come together"),
        (("serve", "--tls-cert", "no.pem", "--tls-key", "no.key"), {}, "no such certificate"),
        (("serve", "--port", "http"), {}, "--port: expected `int`"),
        (("serve",), {"DISTAL_NONSENSE": "1"}, "DISTAL_NONSENSE is not known"),
        (("serve", "--config", "/none.toml"), {}, "cannot read the configuration"),
        (("serve",), {"DISTAL_CONFIG": "/none.toml"}, "cannot read the configuration"),
        (("serve", "--data-dir", "/dev/null/x"), {}, "cannot use the data directory"),
        (("serve", "--host", "192.0.2.254", "--behind-proxy"), {}, "192.0.2.254"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    where = () if "--data-dir" in arguments else ("--data-dir", str(tmp_path))
    ports = () if "--port" in arguments else ("--port", "0")
    ran = distal(*arguments, *where, *ports, "--media-port", str(free_udp_port()), **environment)
    assert ran.returncode == 2
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("distal: ")
    assert said in last
    assert "Traceback" not in ran.stderr


def test_a_tcp_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = distal(
            *("serve", "--port", str(port), "--media-port", str(free_udp_port())),
            *("--data-dir", str(tmp_path)),
        )
    assert ran.returncode == 2
    assert f"TCP port {port} of 127.0.0.1 is in use" in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("flag", ["--media-port", "--control-port"])
def test_a_udp_port_in_use_is_said_in_one_line(tmp_path: Path, flag: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = str(taken.getsockname()[1])
        ports = {"--port": str(free_port()), "--media-port": str(free_udp_port()), flag: port}
        options = [word for pair in ports.items() for word in pair]
        ran = distal("serve", *options, "--data-dir", str(tmp_path))
    assert ran.returncode == 2
    last = ran.stderr.splitlines()[-1]
    assert port in last and "in use" in last and flag in last
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stopping_tells_the_clients_and_ends_well(tmp_path: Path, number: int) -> None:
    async with DistalServer(tmp_path / "data", "--reconnect-after-ms", "4321") as server:
        assert server.process is not None
        headers = {"Authorization": f"Bearer {server.token('r', 'host', 'Li')}"}
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(server.ws_url, headers=headers) as socket_,
        ):
            await socket_.send_json({"type": "hello", "id": 1, "version": 1})
            assert (await socket_.receive_json(timeout=5))["type"] == "welcome"
            await socket_.send_json({"type": "join", "id": 2})
            assert (await socket_.receive_json(timeout=5))["type"] == "joined"
            server.process.send_signal(number)
            heard = []
            while True:
                message = await socket_.receive(timeout=10)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                heard.append(message.json())
        closing = [event for event in heard if event["type"] == "server_closing"]
        assert [event["reconnect_after_ms"] for event in closing] == [4321]
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert server.process.wait(10) == 0
        last = [json.loads(line)["event"] for line in server.stderr().splitlines()][-1]
        assert last == "stopped"
        assert "Traceback" not in server.stderr()


async def test_it_comes_back_on_the_same_ports_at_once(tmp_path: Path) -> None:
    async with DistalServer(tmp_path / "data") as server:
        port = server.url.rpartition(":")[2]
        token = server.token("r", "host")
    async with (
        DistalServer(tmp_path / "data", "--port", port) as again,
        aiohttp.ClientSession() as http,
        http.ws_connect(again.ws_url) as socket_,
    ):
        assert again.url == server.url
        await socket_.send_json({"type": "hello", "id": 1, "version": 1, "token": token})
        assert (await socket_.receive_json(timeout=5))["type"] == "welcome"


def test_check_prints_one_line_a_finding(tmp_path: Path) -> None:
    free = ("--port", str(free_port()), "--media-port", str(free_udp_port()))
    (tmp_path / "index.html").touch()
    ran = distal("check", *free, "--data-dir", str(tmp_path), "--web-dir", str(tmp_path))
    for what in ("Python", "media plane", "port TCP", "port UDP main", "certificate", "disk"):
        assert re.search(rf"^(ok  |WARN|BAD )  {what} ", ran.stdout, re.MULTILINE)
    for what in ("clock", "codecs", "UDP segmentation", "web client"):
        assert re.search(rf"^(ok  |WARN|BAD )  {what} ", ran.stdout, re.MULTILINE)
    assert ran.returncode == 0, ran.stdout


def test_check_finds_what_is_bad(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = distal(
            *("check", "--port", port, "--media-port", str(free_udp_port())),
            *("--data-dir", str(tmp_path), "--web-dir", str(tmp_path)),
        )
    assert ran.returncode == 1
    assert re.search(r"^BAD   port TCP +127\.0\.0\.1 \d+: Address already in use", ran.stdout, re.M)
    assert re.search(r"^BAD   web client +not built", ran.stdout, re.M)


def test_check_looks_at_the_port_of_each_media_thread(tmp_path: Path) -> None:
    port = free_udp_port(following=2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port + 1))
        ran = distal(
            *("check", "--port", "0", "--media-port", str(port), "--media-threads", "3"),
            *("--data-dir", str(tmp_path)),
        )
    udp = re.findall(r"^(ok  |BAD )  port UDP main +127\.0\.0\.1 (\d+)", ran.stdout, re.M)
    assert udp == [("ok  ", str(port)), ("BAD ", str(port + 1)), ("ok  ", str(port + 2))]
    assert re.search(r"^ok    media threads +3$", ran.stdout, re.MULTILINE)


def test_a_further_media_port_in_use_is_said_when_the_threads_were(tmp_path: Path) -> None:
    port = free_udp_port(following=1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", port + 1))
        ran = distal(
            *("serve", "--port", "0", "--media-port", str(port), "--media-threads", "2"),
            *("--data-dir", str(tmp_path)),
        )
    assert ran.returncode == 2
    assert f"UDP port {port + 1} is in use" in ran.stderr.splitlines()[-1]
