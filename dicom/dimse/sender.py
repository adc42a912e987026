"""C-STORE as user: objects go out in the bytes that they came in, piece by piece from the disk."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from types import TracebackType
from typing import BinaryIO

from dicom.dimse import pdu
from dicom.dimse.command import Command, Message, decode, encode
from dicom.dimse.pdu import PduError

CONNECT_S = 15.0
ANSWER_S = 120.0  # an archive may be slow to store what it got
PDU_MAX = 16 * 1024  # of answers
ANSWER_MAX = 1 << 20

Kind = tuple[str, str]  # SOP class and transfer syntax


class SendError(Exception):
    """The peer is not there, or does not want any of it."""


class Sender:
    """One association. Its errors are SendError, PduError and OSError; after one it is useless."""

    def __init__(
        self, address: tuple[str, int], called: str, calling: str, kinds: Sequence[Kind]
    ) -> None:
        if len(kinds) > pdu.CONTEXTS_MAX:
            raise ValueError("more kinds than an association has contexts")
        self._numbers = {2 * place + 1: kind for place, kind in enumerate(kinds)}
        self._sock = socket.create_connection(address, CONNECT_S)
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.settimeout(ANSWER_S)
            proposed = [pdu.Context(n, kind[0], (kind[1],)) for n, kind in self._numbers.items()]
            self._sock.sendall(pdu.associate_request(called, calling, proposed, PDU_MAX))
            what, body = self._unit()
            if what != pdu.ASSOCIATE_AC:
                raise SendError("the association was refused")
            taken, self._pdu_max = pdu.read_associate_accept(body)
        except BaseException:
            self._sock.close()
            raise
        self._taken = {self._numbers[n]: n for n in taken if n in self._numbers}
        self._message = 0

    def store(
        self, kind: Kind, uid: str, data_set: BinaryIO, originator: str = "", message: int = 0
    ) -> int | None:
        """Send `data_set` from where it stands; the status, or None: the kind is not taken."""
        number = self._taken.get(kind)
        if number is None:
            return None
        self._message = self._message % 0xFFFF + 1
        request = Message(
            command=Command.STORE,
            sop_class=kind[0],
            message_id=self._message,
            priority=0,
            data_set_type=1,
            sop_instance=uid,
            originator=originator,
            originator_message=message if originator else None,
        )
        self._sock.sendall(b"".join(pdu.p_data(number, encode(request), True, self._pdu_max)))
        size = pdu.fragment_max(self._pdu_max)
        part, following = data_set.read(size), data_set.read(size)
        while following:
            self._fragment(number, 0, part)
            part, following = following, data_set.read(size)
        self._fragment(number, pdu.IS_LAST, part)
        return self._answer()

    def _fragment(self, number: int, control: int, part: bytes) -> None:
        value = pdu.PDV.pack(len(part) + 2, number, control) + part
        self._sock.sendall(pdu.pdu(pdu.P_DATA, value))

    def _answer(self) -> int:
        whole = b""
        while True:
            what, body = self._unit()
            if what != pdu.P_DATA:
                raise SendError("the association was aborted")
            for _, control, value in pdu.values(memoryview(body)):
                if not control & pdu.IS_COMMAND:
                    raise PduError("an answer with a data set")
                whole += value
                if control & pdu.IS_LAST:
                    status = decode(whole).status
                    if status is None:
                        raise PduError("an answer without a status")
                    return status

    def _unit(self) -> tuple[int, bytes]:
        what, length = pdu.HEAD.unpack(self._exactly(pdu.HEAD.size))
        if length > ANSWER_MAX:
            raise PduError(f"a unit of {length} bytes")
        return what, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        whole = bytearray()
        while len(whole) < count:
            part = self._sock.recv(count - len(whole))
            if not part:
                raise SendError("the peer closed the connection")
            whole += part
        return bytes(whole)

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._sock.sendall(pdu.release_request())
                self._unit()
        except (SendError, PduError, OSError):
            return  # it ends in any case
        finally:
            self._sock.close()
