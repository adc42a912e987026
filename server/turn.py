"""The TURN server beside this one: the secret they share, and a configuration that lets it reach
the media relay and nothing else.

A TURN server is a proxy for whoever has a credential. One that reaches a hospital's own network, or
its own host's loopback, is a way in; so everything is denied but the relay's addresses, and what is
worst is denied by name too, in each form in which IPv6 can write an IPv4 address.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Iterable

from media.addresses import IpAddress, local_addresses
from server.config import TURN_URL, ConfigError, Settings
from server.keys import KeyFileError, create_once, refuse_readable
from signaling.turn import TurnSettings

OWN_FILE = "turn-secret"
PORTS = {"turn": 3478, "turns": 5349}  # RFC 7065 section 3.2
USER_QUOTA = 32  # two transports, by each URL and address family, twice over while one restarts
TOTAL_QUOTA = 4000  # allocations; each takes a port and one of coturn's sockets
NONCE_S = 600

# Ranges of the IANA special-purpose registries (RFC 6890) that a public relay never needs.
NOWHERE = (
    "0.0.0.0/8",  # this network, and this host
    "10.0.0.0/8",
    "100.64.0.0/10",  # carriers' NAT
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local, cloud metadata
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",
    "::/96",  # unspecified, loopback, IPv4-compatible
    "::ffff:0:0/96",  # IPv4-mapped
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",  # Teredo and others
    "2001:db8::/32",
    "2002::/16",  # 6to4
    "fc00::/7",  # unique local
    "fe80::/10",  # link-local
    "fec0::/10",
    "ff00::/8",  # multicast
)
ANYWHERE = ("0.0.0.0/0", "::/0")


def turn_settings(settings: Settings) -> TurnSettings | None:
    """What signaling needs to make credentials; None without a TURN server. Raises KeyFileError."""
    if not settings.turn_url:
        return None
    return TurnSettings(urls=settings.turn_url, secret=secret(settings), ttl_s=settings.turn_ttl_s)


def secret(settings: Settings) -> bytes:
    """Read the shared secret; the data directory's own is made by whoever comes first."""
    path = settings.turn_secret_file or settings.data_dir / OWN_FILE
    try:
        if settings.turn_secret_file is None:
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                create_once(path, secrets.token_hex(32).encode())
        refuse_readable(path)
        value = path.read_bytes().strip()
    except OSError as error:
        raise KeyFileError(f"cannot read the TURN secret {path}: {error.strerror}") from None
    if len(value) < 16 or not re.fullmatch(rb"[\x21-\x7e]+", value):
        raise KeyFileError(f"{path} has to hold at least 16 letters and digits in one line")
    return value


def turnserver_conf(settings: Settings, shared: bytes) -> str:
    """coturn's turnserver.conf for this server. Raises ConfigError."""
    if not settings.turn_url:
        raise ConfigError("turn_url names no TURN server: give --turn-url turn:turn.example:3478")
    urls = [match for url in settings.turn_url if (match := TURN_URL.fullmatch(url))]
    ports = {
        scheme: {int(u["port"] or PORTS[scheme]) for u in urls if u["scheme"] == scheme}
        for scheme in PORTS
    }
    if any(len(said) > 1 for said in ports.values()):
        raise ConfigError("one coturn has one port for turn: and one for turns:; turn_url has more")
    lines = [
        "# For coturn, by `distal turn-config`. It holds a secret: chmod 640, chgrp turnserver.",
        "use-auth-secret",
        f"static-auth-secret={shared.decode()}",
        f"realm={urls[0]['host'].strip('[]')}",
        "fingerprint",
        f"stale-nonce={NONCE_S}",
        f"user-quota={USER_QUOTA}",
        f"total-quota={TOTAL_QUOTA}",
        "no-cli",
        "no-tcp-relay",
        "no-dtls",
        "no-tlsv1",
        "no-tlsv1_1",
        "",
        f"listening-port={min(ports['turn'], default=PORTS['turn'])}",
    ]
    if ports["turns"]:
        lines += [
            f"tls-listening-port={min(ports['turns'])}",
            f"cert={settings.tls_cert or '/etc/coturn/chain.pem'}",
            f"pkey={settings.tls_key or '/etc/coturn/key.pem'}",
        ]
    else:
        lines.append("no-tls")
    lines += ["", "# The media relay, and nothing else.", "no-multicast-peers"]
    lines += [f"denied-peer-ip={_range(net)}" for net in (*NOWHERE, *ANYWHERE)]
    lines += [f"allowed-peer-ip={address}" for address in _relay_addresses(settings)]
    return "\n".join(lines) + "\n"


def _range(network: str) -> str:
    net = ipaddress.ip_network(network)
    return f"{net[0]}-{net[-1]}"


def _relay_addresses(settings: Settings) -> Iterable[IpAddress]:
    """Where the relay listens, as `media.relay` offers it; coturn refuses loopback by itself."""
    if settings.advertise:
        return [ipaddress.ip_address(text) for text in settings.advertise]
    host = ipaddress.ip_address(settings.relay().host)
    if not (host.is_loopback or host.is_unspecified):
        return [host]
    return [address for address in local_addresses() if not address.is_loopback]
