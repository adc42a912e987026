"""A C-STORE sender that knows to the byte what it sent, and tells what was acknowledged."""

from __future__ import annotations

import socket
import struct
from types import TracebackType

from dicom.dimse import pdu
from dicom.dimse.command import Command, Message, decode, encode

PDU_MAX = 128 * 1024


def associate_request(contexts: list[tuple[int, str, list[str]]], calling: str = "SCU") -> bytes:
    """An A-ASSOCIATE-RQ."""
    body = struct.pack(">HH", 1, 0) + b"DISTAL".ljust(16) + calling.encode().ljust(16) + bytes(32)
    for number, abstract, syntaxes in contexts:
        inner = bytes((number, 0, 0, 0)) + item(0x30, abstract.encode())
        inner += b"".join(item(0x40, one.encode()) for one in syntaxes)
        body += item(0x20, inner)
    return pdu.pdu(pdu.ASSOCIATE_RQ, body)


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


class Scu:
    """One association for one SOP class. Raises OSError when the peer dies."""

    def __init__(self, port: int, sop_class: str, syntax: str = "1.2.840.10008.1.2.1") -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._class = sop_class
        self._sock.sendall(associate_request([(1, sop_class, [syntax])]))
        assert self._unit()[0] == pdu.ASSOCIATE_AC

    def store(self, uid: str, data_set: bytes) -> int:
        """The status that was answered."""
        message = Message(
            command=Command.STORE,
            sop_class=self._class,
            message_id=1,
            sop_instance=uid,
            data_set_type=1,
        )
        for unit in pdu.p_data(1, encode(message), True, PDU_MAX):
            self._sock.sendall(unit)
        for unit in pdu.p_data(1, data_set, False, PDU_MAX):
            self._sock.sendall(unit)
        kind, body = self._unit()
        if kind != pdu.P_DATA:
            raise ConnectionError(f"a unit {kind}")
        answer = decode(body[pdu.PDV.size :])
        assert answer.status is not None
        return answer.status

    def _unit(self) -> tuple[int, bytes]:
        kind, length = pdu.HEAD.unpack(self._exactly(pdu.HEAD.size))
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        whole = b""
        while len(whole) < count:
            part = self._sock.recv(count - len(whole))
            if not part:
                raise ConnectionResetError
            whole += part
        return whole

    def __enter__(self) -> Scu:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sock.close()
