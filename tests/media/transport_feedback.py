"""A plain reader of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc, 3.1)."""

from __future__ import annotations

import struct


def read_feedback(packet: bytes) -> list[tuple[int, int | None]]:
    """(sequence number, arrival in microseconds or None when lost), in order."""
    size = 4 * (int.from_bytes(packet[2:4]) + 1)
    assert size == len(packet)
    if packet[0] & 0x20:
        size -= packet[-1]
    base, count = struct.unpack("!HH", packet[12:16])
    clock_us = int.from_bytes(packet[16:19], signed=True) * 64_000
    symbols: list[int] = []
    at = 20
    while len(symbols) < count:
        chunk = int.from_bytes(packet[at : at + 2])
        at += 2
        if chunk >> 15 == 0:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk >> 14 & 1 == 0:
            symbols += [chunk >> (13 - n) & 1 for n in range(14)]
        else:
            symbols += [chunk >> (12 - 2 * n) & 3 for n in range(7)]
    result: list[tuple[int, int | None]] = []
    for n, symbol in enumerate(symbols[:count]):
        number = (base + n) & 0xFFFF
        if symbol == 0:
            result.append((number, None))
            continue
        width = 1 if symbol == 1 else 2
        delta = int.from_bytes(packet[at : at + width], signed=symbol == 2)
        at += width
        clock_us += delta * 250
        result.append((number, clock_us))
    assert at == size
    return result
