"""`distal demo`: the server, a consultation that is going on, and one join link per role."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.util
import os
import sys
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import structlog

from server.config import RoomSettings, Settings, is_loopback
from server.identity import sign
from server.lan import certificate, local_addresses
from server.run import Distal
from signaling.protocol import Role

log = structlog.get_logger("server.demo")

ROOM = "demo"
TITLE = "示范会诊 · Demonstration consultation"
SITE_NAME = "清河县医院 · Qinghe County Hospital (simulated)"
ROBOT_NAME = "超声机器人 · Ultrasound robot (simulated)"
HOSPITAL = "清河县医院"
DAY_S = 24 * 3600
RETRY_FIRST_S, RETRY_MAX_S = 1.0, 30.0
STOP_S = 3.0  # the site closes a WebSocket and two peer connections

ROLES: Mapping[Role, str] = {
    "host": "主持人 · host",
    "specialist": "会诊专家 · specialist",
    "county_doctor": "县医院医生 · county doctor",
    "interpreter": "翻译 · interpreter",
    "student": "学生 · student",
    "patient": "患者 · patient (用一次 · works once)",
}


def demo_settings(settings: Settings, lan: bool) -> Settings:
    """Add the demonstration room; with `lan`, open to the network, with its own certificate."""
    rooms = {ROOM: RoomSettings(title=TITLE), **settings.rooms}
    if not lan:
        return dataclasses.replace(settings, rooms=rooms)
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None:
        cert, key = certificate(settings.data_dir)
    host = "0.0.0.0" if is_loopback(settings.host) else settings.host
    return dataclasses.replace(settings, rooms=rooms, host=host, tls_cert=cert, tls_key=key)


@contextlib.asynccontextmanager
async def demonstration(server: Distal) -> AsyncIterator[None]:
    """Print the links and keep the simulated county hospital in the room."""
    print(invitation_text(server), flush=True)
    works = [_keep(_run_site, server), _send_studies(server)]
    if missing := robot_missing(server):
        print(f"  {missing}\n", flush=True)
    else:
        works.append(_keep(_run_robot, server))
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def invitation_text(server: Distal) -> str:
    """One link per role, in both languages."""
    base = server.settings.public_url.rstrip("/") or _reachable(server)
    width = max(_columns(text) for text in ROLES.values()) + 2
    links = []
    for role, text in ROLES.items():
        code = server.codes.invite(ROOM, role, DAY_S, one_time=role == "patient")
        links.append(f"    {text}{' ' * (width - _columns(text))}{base}/join/{code}")
    trust = (
        "\n  浏览器会提示证书不受信任，请选择继续 ·"
        " The browser will warn of an unknown certificate: go on\n"
        if server.settings.tls and server.settings.tls_cert == _own_certificate(server)
        else ""
    )
    return "\n".join(
        [
            "",
            f"  {TITLE}",
            f"  Distal serves {server.url}",
            trust,
            "  打开一个链接加入会诊；模拟的县医院已在其中",
            "  Open one link to join; a simulated county hospital is already there",
            "",
            *links,
            "",
            "  按 Ctrl-C 停止 · Ctrl-C stops",
            "",
        ]
    )


def robot_missing(server: Distal) -> str:
    """Why there is no simulated robot, for the terminal; empty: there is one."""
    if not server.settings.control_port:
        return "没有机器人：控制端口关闭 · No robot: the control port is off"
    if importlib.util.find_spec("mujoco") is None:
        return "没有机器人：缺少 mujoco · No robot: mujoco is missing (pip install mujoco)"
    return ""


async def _keep(run: Callable[[Distal], Awaitable[int]], server: Distal) -> None:
    """Run a simulated site; when it dies, start another after a pause that grows."""
    pause_s = RETRY_FIRST_S
    while True:
        started = asyncio.get_running_loop().time()
        code = await run(server)
        lived_s = asyncio.get_running_loop().time() - started
        if code == 0:  # somebody removed it: let him see that
            pause_s = RETRY_MAX_S
        elif lived_s > RETRY_MAX_S:
            pause_s = RETRY_FIRST_S
        else:
            pause_s = min(pause_s * 2, RETRY_MAX_S)
        log.warning("simulated site ended", exit_code=code, again_in_s=pause_s)
        await asyncio.sleep(pause_s)


async def _run_site(server: Distal) -> int:
    """Run it once. The token goes through its stdin, where no process list shows it."""
    token = sign(server.key, ROOM, "county_doctor", SITE_NAME, HOSPITAL, DAY_S)
    arguments = ("--data-dir", str(server.settings.data_dir))
    return await _run_client(server, "clients.site", token, *arguments)


async def _run_robot(server: Distal) -> int:
    """The same for the robot; nobody is beside it, so whoever asks has control at once."""
    token = sign(server.key, ROOM, "device", ROBOT_NAME, HOSPITAL, DAY_S)
    data = str(server.settings.data_dir)
    arguments = ("--grant", "at_once", "--operator-port", "0", "--data-dir", data)
    return await _run_client(server, "clients.robot", token, *arguments)


async def _send_studies(server: Distal) -> None:
    """Send what is not there yet, as the institution of those whose link names none."""
    token = sign(server.key, ROOM, "operator", SITE_NAME, ttl_s=DAY_S)
    if code := await _run_client(server, "clients.studies", token):
        log.error("the demonstration's studies were not sent", exit_code=code)


async def _run_client(server: Distal, module: str, token: str, *more: str) -> int:
    environment = dict(os.environ)
    if server.settings.tls_cert is not None:
        environment["SSL_CERT_FILE"] = str(server.settings.tls_cert)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, "--url", server.url, "--token-file", "-", *more),
        stdin=asyncio.subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the server, which then stops its clients
    )
    try:
        with contextlib.suppress(ConnectionError):
            await process.communicate(token.encode() + b"\n")
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _own_certificate(server: Distal) -> object:
    return server.settings.data_dir / "lan-cert.pem"


def _reachable(server: Distal) -> str:
    """What others in the network type; this machine's own name for itself when it is alone."""
    if server.settings.host not in ("0.0.0.0", "::"):
        return server.url
    addresses = local_addresses()
    if not addresses:
        return server.url
    host = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
    return f"{'https' if server.settings.tls else 'http'}://{host}:{server.port}"


def _columns(text: str) -> int:
    """Terminal columns: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
