"""TLS of the server's own: a certificate is used, renewed without a stop, and never made worse."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from pathlib import Path

import aiohttp

from server.lan import certificate
from tests.server_process import DistalServer


def presented(server: DistalServer) -> bytes | None:
    """The certificate that a new connection gets."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    port = int(server.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        trusting.wrap_socket(plain) as secure,
    ):
        assert secure.version() in ("TLSv1.2", "TLSv1.3")
        return secure.getpeercert(binary_form=True)


async def until_logged(server: DistalServer, text: str) -> None:
    async with asyncio.timeout(5):
        while text not in server.stderr():
            await asyncio.sleep(0.02)


async def test_a_certificate_is_renewed_while_calls_go_on(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path / "tls")
    trust = ssl.create_default_context(cafile=str(cert))
    other_cert, other_key = certificate(tmp_path / "other")
    async with DistalServer(
        tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key)
    ) as server:
        assert server.process is not None
        headers = {"Authorization": f"Bearer {server.token('r', 'host', 'Li')}"}
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(server.ws_url, headers=headers, ssl=trust) as call,
        ):
            await call.send_json({"type": "hello", "id": 1, "version": 1})
            assert (await call.receive_json(timeout=5))["type"] == "welcome"
            before = presented(server)

            cert.write_text("half a file")
            server.process.send_signal(signal.SIGHUP)
            await until_logged(server, "certificate not renewed")
            assert presented(server) == before

            cert.write_bytes(other_cert.read_bytes())
            key.write_bytes(other_key.read_bytes())
            server.process.send_signal(signal.SIGHUP)
            await until_logged(server, "certificate renewed")
            assert presented(server) == ssl.PEM_cert_to_DER_cert(other_cert.read_text())

            await call.send_json({"type": "ping", "id": 2})
            assert (await call.receive_json(timeout=5))["type"] == "ok"


async def test_sighup_without_tls_harms_nobody(distal: DistalServer) -> None:
    assert distal.process is not None
    distal.process.send_signal(signal.SIGHUP)
    async with aiohttp.ClientSession() as http, http.get(f"{distal.url}/readyz") as answer:
        assert answer.status == 200
