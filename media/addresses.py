"""Which addresses this machine has, for ICE candidates and for refusing strangers on loopback."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import ifaddr

TCP_TYPE = 90  # type preference as browsers have it; host candidates over UDP have 126
PASSIVE = 4  # direction preference (RFC 6544 section 4.2)

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def local_addresses() -> list[IpAddress]:
    """Every address of every interface, loopback among them, without IPv6 link-local ones."""
    found: list[IpAddress] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            address = ipaddress.ip_address(text)
            if not address.is_link_local and address not in found:
                found.append(address)
    return found


def packed(address: IpAddress) -> bytes:
    """16 bytes as the plane keeps them: IPv4 as ::ffff:a.b.c.d."""
    if address.version == 4:
        return b"\0" * 10 + b"\xff\xff" + address.packed
    return address.packed


def candidates(addresses: Iterable[IpAddress], port: int, tcp_port: int = 0) -> list[str]:
    """`a=candidate` lines (RFC 8839 section 5.1): IPv4 before IPv6, loopback last.

    With a `tcp_port`, every address again over TCP (RFC 6544 section 4.5), below all of UDP.
    """
    ordered = sorted(addresses, key=lambda a: (a.is_loopback, a.version))
    lines = []
    for n, address in enumerate(ordered):
        priority = 126 << 24 | (65535 - n) << 8 | 255
        lines.append(f"a=candidate:{n + 1} 1 udp {priority} {address} {port} typ host")
    if tcp_port:
        for n, address in enumerate(ordered):
            priority = TCP_TYPE << 24 | (PASSIVE << 13 | 8191 - n) << 8 | 255
            lines.append(
                f"a=candidate:{len(ordered) + n + 1} 1 tcp {priority} {address} {tcp_port}"
                " typ host tcptype passive"
            )
    return lines
