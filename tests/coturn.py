"""A real coturn as an unprivileged child on loopback ports, configured as operators are told to."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import subprocess
import time
from pathlib import Path

from loadtests.ports import free_port
from media.addresses import local_addresses
from server.config import Settings
from server.lan import certificate
from server.turn import secret, turnserver_conf

START_S = 20.0
STOP_S = 10.0
IPV6 = any(address == ipaddress.ip_address("::1") for address in local_addresses())


class Coturn:
    """`with Coturn(data_dir) as coturn: ...`; a server with the same data directory trusts it."""

    def __init__(self, data_dir: Path, *, ttl_s: int = 3600, host: str = "127.0.0.1") -> None:
        self.data_dir = data_dir
        self.host = host
        self.port, self.tls_port = free_port(), free_port()
        name = f"[{host}]" if ":" in host else host
        self.urls = {
            "udp": f"turn:{name}:{self.port}?transport=udp",
            "tcp": f"turn:{name}:{self.port}?transport=tcp",
            "tls": f"turns:{name}:{self.tls_port}?transport=tcp",
        }
        cert, key = certificate(data_dir)
        self.settings = Settings(
            data_dir=data_dir,
            turn_url=tuple(self.urls.values()),
            turn_ttl_s=max(600, ttl_s),
            tls_cert=cert,
            tls_key=key,
        )
        self.log = data_dir / "coturn.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def arguments(self) -> list[str]:
        """What makes a Distal server use it."""
        return [part for url in self.urls.values() for part in ("--turn-url", url)]

    def start(self) -> None:
        """Start it with what `distal turn-config` prints, and wait until it serves."""
        program = shutil.which("turnserver")
        assert program, "tests/install_debian.sh installs Debian's coturn"
        config = self.data_dir / "turnserver.conf"
        own = [
            f"listening-ip={self.host}",
            *(f"relay-ip={ip}" for ip in relay_ips()),
            f"userdb={self.data_dir / 'turn.db'}",
            f"pidfile={self.data_dir / 'turn.pid'}",
            f"log-file={self.log}",
            "simple-log",
        ]
        config.touch(mode=0o600)
        config.write_text(turnserver_conf(self.settings, secret(self.settings)) + "\n".join(own))
        with (self.data_dir / "coturn.out").open("wb") as out:
            self._process = subprocess.Popen(
                [program, "-c", str(config)], stdout=out, stderr=out, cwd=self.data_dir
            )
        deadline = time.monotonic() + START_S
        while not (self._listens(self.port) and self._listens(self.tls_port)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"coturn did not start: {self._said()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listens(self, port: int) -> bool:
        try:
            with socket.create_connection((self.host, port), timeout=1):
                return True
        except OSError:
            return False

    def _said(self) -> str:
        files = [self.data_dir / "coturn.out", self.log]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def __enter__(self) -> Coturn:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def relay_ips() -> list[str]:
    """An address of each family that is not loopback, which coturn denies as a peer."""
    usable = [address for address in local_addresses() if not address.is_loopback]
    by_version = {address.version: str(address) for address in reversed(usable)}
    return list(by_version.values())


def relay_ip(host: str) -> str:
    """The one of the same family as `host`."""
    version = ipaddress.ip_address(host).version
    for text in relay_ips():
        if ipaddress.ip_address(text).version == version:
            return text
    raise RuntimeError(f"these tests need an IPv{version} address beside the loopback's")
