"""Which addresses this machine has, for ICE candidates and for refusing strangers on loopback."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import ifaddr

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


def candidates(addresses: Iterable[IpAddress], port: int) -> list[str]:
    """`a=candidate` lines (RFC 8839 section 5.1): IPv4 before IPv6, loopback last."""
    ordered = sorted(addresses, key=lambda a: (a.is_loopback, a.version))
    lines = []
    for n, address in enumerate(ordered):
        priority = 126 << 24 | (65535 - n) << 8 | 255
        lines.append(f"a=candidate:{n + 1} 1 udp {priority} {address} {port} typ host")
    return lines
