"""`distal check`: is this machine fit? One line a finding, and what to do about it."""

from __future__ import annotations

import ctypes
import datetime
import os
import resource
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509

from server.config import Settings
from server.keys import KEY_FILE
from server.lan import local_addresses
from server.web_client import BUILT

Verdict = Literal["ok", "warn", "bad"]
WORDS: dict[Verdict, str] = {"ok": "ok  ", "warn": "WARN", "bad": "BAD "}
UDP_SEGMENT = 103  # linux/udp.h
DISK_MIN = 1 << 30
FILES_MIN = 4096  # two sockets a browser and room for the rest
BUFFER_MIN = 2 << 20  # a key frame of a 1080p publisher to sixty subscribers
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    what: str
    verdict: Verdict
    detail: str


def check(settings: Settings) -> int:
    """Print the table; 1 when something is bad."""
    found = list(findings(settings))
    width = max(len(finding.what) for finding in found)
    for finding in found:
        print(f"{WORDS[finding.verdict]}  {finding.what:<{width}}  {finding.detail}")
    bad = sum(finding.verdict == "bad" for finding in found)
    print(f"\n{'This machine is fit.' if not bad else f'{bad} thing(s) to mend.'}")
    return 1 if bad else 0


def findings(settings: Settings) -> Iterator[Finding]:
    """All checks; one that itself fails is a finding too."""
    for look in CHECKS:
        try:
            yield from look(settings)
        except Exception as error:
            yield Finding(look.__name__.strip("_"), "bad", f"could not be checked: {error}")


def _program(_settings: Settings) -> Iterator[Finding]:
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("Python", "ok", f"{python}, {os.cpu_count()} processors")
    try:
        import media.relay  # noqa: F401
    except ImportError as error:
        yield Finding("media plane", "bad", f"not compiled ({error}): run `make install`")
    else:
        yield Finding("media plane", "ok", "compiled")


def _ports(settings: Settings) -> Iterator[Finding]:
    yield _port("TCP", socket.SOCK_STREAM, settings.host, settings.port)
    relay = settings.relay()
    host = settings.media_host or settings.host
    for name, group in relay.groups.items():
        for number in range(relay.threads):
            port = group.port + number if group.port else 0
            trouble: Verdict = "warn" if number and relay.fewer_threads else "bad"
            yield _port(f"UDP {name}", socket.SOCK_DGRAM, host, port, trouble)
    if settings.dicom_port:
        yield _port("TCP DICOM", socket.SOCK_STREAM, settings.host, settings.dicom_port)
    if settings.control_port:
        yield _port("UDP control", socket.SOCK_DGRAM, host, settings.control_port)
    if relay.tcp_port is not None:
        yield _port("TCP media", socket.SOCK_STREAM, host, relay.tcp_port)
    wanted = settings.threads_wanted
    fewer = relay.threads < wanted
    yield Finding(
        "media threads",
        "warn" if fewer else "ok",
        f"{relay.threads}"
        + (f", not {wanted}: a class's port comes too soon after another" if fewer else ""),
    )


def _port(what: str, kind: int, host: str, port: int, trouble: Verdict = "bad") -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = error.strerror or str(error)
            return Finding(f"port {what}", trouble, f"{host} {port}: {why} (a running Distal?)")
    return Finding(f"port {what}", "ok", f"{host} {port} is free")


def _addresses(settings: Settings) -> Iterator[Finding]:
    addresses = settings.advertise or tuple(str(address) for address in local_addresses())
    yield Finding(
        "addresses",
        "ok" if addresses else "warn",
        ", ".join(addresses) or "none but loopback: only this machine can take part",
    )


def _certificate(settings: Settings) -> Iterator[Finding]:
    if settings.tls_cert is None or settings.tls_key is None:
        how = "done by the proxy in front" if settings.behind_proxy else "off: loopback only"
        yield Finding("certificate", "ok", how)
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
        cert = x509.load_pem_x509_certificate(settings.tls_cert.read_bytes())
    except (OSError, ValueError) as error:
        yield Finding("certificate", "bad", f"{settings.tls_cert}: {error}")
        return
    left = cert.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    verdict: Verdict = "bad" if left.days < 0 else "warn" if left.days < 14 else "ok"
    yield Finding("certificate", verdict, f"{left.days} days left, {_names(cert)}")


def _names(cert: x509.Certificate) -> str:
    try:
        held = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "without a name: browsers refuse it"
    return ", ".join(str(name.value) for name in held)


def _data(settings: Settings) -> Iterator[Finding]:
    directory = settings.data_dir.absolute()
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        yield Finding("data directory", "bad", f"{existing} cannot be written")
        return
    free = shutil.disk_usage(existing).free
    verdict: Verdict = "ok" if free >= DISK_MIN else "bad"
    yield Finding("disk", verdict, f"{free / (1 << 30):.1f} GB free at {directory}")
    key = directory / KEY_FILE
    if key.exists() and key.stat().st_mode & 0o077:
        yield Finding("token key", "bad", f"others can read it: chmod 600 {key}")
    else:
        yield Finding("token key", "ok", str(key) if key.exists() else "is made at first start")


def _clock(_settings: Settings) -> Iterator[Finding]:
    """Tokens expire and images are dated by the clock."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))  # modes 0: only read
    if state in (-1, TIME_ERROR):
        yield Finding("clock", "warn", "not synchronized: run chrony or systemd-timesyncd")
    else:
        yield Finding("clock", "ok", "synchronized")


def _codecs(_settings: Settings) -> Iterator[Finding]:
    """The relay needs none; the simulated site, recording and analysis do."""
    import av

    missing = [name for name in ("libvpx", "libx264", "libopus") if not _encoder(av, name)]
    detail = f"without {', '.join(missing)}" if missing else "VP8, H.264 and Opus"
    yield Finding("codecs", "bad" if missing else "ok", f"{detail} (simulated site, recording)")


def _encoder(av: object, name: str) -> bool:
    try:
        av.codec.Codec(name, "w")  # type: ignore[attr-defined]
    except ValueError:
        return False
    return True


def _network(_settings: Settings) -> Iterator[Finding]:
    offload = _segmentation()
    yield Finding(
        "UDP segmentation",
        "ok" if offload else "warn",
        "the kernel cuts bursts" if offload else "missing: forwarding costs twice as much",
    )
    most = int(Path("/proc/sys/net/core/rmem_max").read_text(encoding="ascii"))
    yield Finding(
        "socket buffers",
        "ok" if most >= BUFFER_MIN else "warn",
        f"{most} bytes at most"
        + ("" if most >= BUFFER_MIN else f": sysctl -w net.core.rmem_max={BUFFER_MIN}"),
    )
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Finding(
        "open files",
        "ok" if files >= FILES_MIN else "warn",
        f"{files} allowed" + ("" if files >= FILES_MIN else f": ulimit -n {FILES_MIN}"),
    )


def _segmentation() -> bool:
    """Send two datagrams in one call to ourselves, and see two arrive."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as giver,
    ):
        taker.bind(("127.0.0.1", 0))
        taker.settimeout(1)
        try:
            giver.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 100)
            giver.sendto(bytes(200), taker.getsockname())
            return [len(taker.recv(2048)), len(taker.recv(2048))] == [100, 100]
        except OSError:
            return False


def _web(settings: Settings) -> Iterator[Finding]:
    index = (settings.web_dir or BUILT) / "index.html"
    built = index.is_file()
    yield Finding(
        "web client",
        "ok" if built else "bad",
        str(index.parent) if built else "not built: run `make web`",
    )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _program,
    _ports,
    _addresses,
    _certificate,
    _data,
    _clock,
    _codecs,
    _network,
    _web,
)
