"""When datagrams of one UDP port pass the loopback interface, by the kernel's own clock.

It only listens (AF_PACKET with a BPF filter; needs CAP_NET_RAW), so that what is measured does not
wait for whoever measures.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from typing import NamedTuple

ETH_P_ALL, SO_ATTACH_FILTER, SO_TIMESTAMPNS = 0x0003, 26, 35
PACKET_HOST, PACKET_OUTGOING = 0, 4  # on loopback each datagram is first the one, then the other
RECEIVE_BUFFER = 8 * 1024 * 1024
SNAP = 64


class Passed(NamedTuple):
    """One datagram, as it is sent or as it comes in, between which ports, how many octets."""

    at_ns: int
    sent: bool
    source: int
    target: int
    size: int


class Wiretap:
    """`with Wiretap(port) as tap: ...; tap.passed`"""

    def __init__(self, port: int) -> None:
        self.passed: list[Passed] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._filter(port)
        self._socket.bind(("lo", ETH_P_ALL))
        self._socket.settimeout(0.2)
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Wiretap:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._reader.join()
        self._socket.close()

    def _filter(self, port: int) -> None:
        """UDP from or to this port, as bpf(4) has it: code, jump if true, jump if false, value."""
        program = [
            (0x30, 0, 0, 9),  # protocol
            (0x15, 0, 6, 17),  # UDP
            (0xB1, 0, 0, 0),  # length of the header
            (0x48, 0, 0, 0),  # source port
            (0x15, 2, 0, port),
            (0x48, 0, 0, 2),  # target port
            (0x15, 0, 1, port),
            (0x06, 0, 0, SNAP),
            (0x06, 0, 0, 0),
        ]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
        packed = struct.pack("HL", len(program), ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, packed)

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                data, told, _, where = self._socket.recvmsg(SNAP, 64)
            except TimeoutError:
                continue
            if not told:
                continue
            seconds, nanoseconds = struct.unpack("qq", told[0][2])
            at = (data[0] & 0xF) * 4
            source, target, length = struct.unpack_from("!HHH", data, at)
            at_ns = seconds * 10**9 + nanoseconds
            sent = where[2] == PACKET_OUTGOING
            self.passed.append(Passed(at_ns, sent, source, target, length - 8))
