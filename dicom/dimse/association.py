"""One association, from its request to its end, in a thread of its own: PS3.8 section 7.

The thread blocks on the socket and on the disk, so a peer that is faster than the disk waits by
itself. It holds one protocol data unit at a time; data sets of objects go to a file as they come.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog

from dicom.dimse import pdu
from dicom.dimse.command import Command, Message, decode, encode
from dicom.dimse.negotiate import Service, answer, service
from dicom.dimse.pdu import Accepted, PduError
from dicom.dimse.status import SOP_CLASS_NOT_SUPPORTED, SUCCESS, UNRECOGNIZED_OPERATION
from dicom.header import shown

if TYPE_CHECKING:
    from dicom.dimse.server import Services
    from dicom.nodes import Node

log = structlog.get_logger("dicom.association")

PDU_MAX = 128 * 1024  # offered; what dcmtk sends at most
PDU_HARD_MAX = 1 << 20  # of what is taken
RECEIVE_MIN = 64 * 1024  # room for a receive
BUFFER = PDU_HARD_MAX + 2 * RECEIVE_MIN
REQUEST_S = 15.0  # ARTIM, PS3.8 9.1.5: for the request to come, and for the peer to close
PDU_S = 60.0  # for the rest of a message
IDLE_S = 600.0  # between messages; modalities keep associations open during a study
COMMAND_MAX = 64 * 1024
IDENTIFIER_MAX = 1 << 20
SEND_S = 60

FOR_GOOD, FOR_NOW = 1, 2  # PS3.8 9.3.4
BY_USER, BY_PRESENTATION = 1, 3
CALLING_AE_UNKNOWN, CONGESTION = 3, 1


class Closed(Exception):
    """The peer has gone, or released the association."""


class Association:
    """What services see of it: messages in, messages out."""

    def __init__(self, sock: socket.socket, services: Services) -> None:
        self._sock = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", SEND_S, 0))
        self._services = services
        self._buffer = memoryview(bytearray(BUFFER))
        self._begin = self._end = 0  # of what was received and not read yet
        self._waits_s = 0.0
        self._contexts: dict[int, Accepted] = {}
        self._pending: Iterator[tuple[int, int, memoryview]] = iter(())
        self._peer_pdu_max = 0
        self.calling = ""
        self.node: Node | None = None

    def run(self) -> None:
        """Serve until it ends, however it does. Never raises for what a peer does."""
        try:
            if self._negotiate():
                while True:
                    self._serve(self._next_command(IDLE_S))
        except Closed:
            pass
        except PduError as error:
            log.warning("association aborted", why=str(error))
            self._part(pdu.abort(2))
        except TimeoutError:
            log.warning("association aborted", why="the peer was silent")
            self._part(pdu.abort())
        except OSError as error:
            log.info("association lost", why=type(error).__name__)
        except Exception:
            log.exception("association aborted by an error of ours")
            self._part(pdu.abort())
        finally:
            self._sock.close()

    def context(self, message: Message) -> Accepted:
        """The presentation context that a message came by."""
        return self._contexts[message.context]

    def send(self, message: Message, data_set: bytes | None = None) -> None:
        """Send a message."""
        units = list(pdu.p_data(message.context, encode(message), True, self._peer_pdu_max))
        if data_set is not None:
            units += pdu.p_data(message.context, data_set, False, self._peer_pdu_max)
        self._sock.sendall(b"".join(units))

    def data_set(self, message: Message) -> Iterator[memoryview]:
        """Fragments of the data set that follows a command; each is valid until the next."""
        while True:
            number, control, value = self._value(PDU_S)
            if control & pdu.IS_COMMAND or number != message.context:
                raise PduError("a data set that is interrupted")
            yield value
            if control & pdu.IS_LAST:
                return

    def identifier(self, message: Message) -> bytes:
        """The whole of a small data set."""
        whole = bytearray()
        for part in self.data_set(message):
            whole += part
            if len(whole) > IDENTIFIER_MAX:
                raise PduError("an identifier that is too long")
        return bytes(whole)

    def cancelled(self, message: Message) -> bool:
        """Whether the peer has asked to stop what `message` began. Looks, and does not wait."""
        if self._begin == self._end and not select.select([self._sock], [], [], 0)[0]:
            return False
        said = self._next_command(PDU_S)
        if said.command != Command.CANCEL:
            raise PduError("a request before the last was answered")
        return said.responded_to == message.message_id

    def _negotiate(self) -> bool:
        kind, body = self._unit(REQUEST_S)
        if kind != pdu.ASSOCIATE_RQ:
            raise PduError("no association request")
        request = pdu.read_associate_request(bytes(body))
        self.calling = request.calling
        self.node = self._services.nodes.calling(request.calling)
        if self.node is None:
            title = shown(request.calling)  # an operator has to know whom to list
            log.warning("association refused", why="calling AE title not listed", calling=title)
            self._part(pdu.associate_reject(FOR_GOOD, BY_USER, CALLING_AE_UNKNOWN))
            return False
        taken, results = answer(request.contexts)
        self._contexts = {context.number: context for context in taken}
        self._peer_pdu_max = request.pdu_max
        self._sock.sendall(pdu.associate_accept(request, results, PDU_MAX))
        return True

    def _serve(self, message: Message) -> None:
        wanted = service(self.context(message).abstract_syntax)
        match wanted, message.command:
            case Service.ECHO, Command.ECHO:
                self.send(message.response(SUCCESS))
            case Service.STORE, Command.STORE:
                self._services.store(self, message)
            case Service.FIND, Command.FIND:
                self._services.find(self, message)
            case Service.MOVE, Command.MOVE:
                self._services.move(self, message)
            case _, Command.CANCEL:
                pass  # of what is done already
            case _, command:
                if message.has_data_set:
                    for _ in self.data_set(message):
                        pass
                known = command in list(Command)
                status = SOP_CLASS_NOT_SUPPORTED if known else UNRECOGNIZED_OPERATION
                self.send(message.response(status))

    def _next_command(self, wait_s: float) -> Message:
        whole = bytearray()
        while True:
            number, control, value = self._value(wait_s)
            if not control & pdu.IS_COMMAND or number not in self._contexts:
                raise PduError("a data set without a command, or by a context not agreed on")
            whole += value
            if len(whole) > COMMAND_MAX:
                raise PduError("a command that is too long")
            if control & pdu.IS_LAST:
                message = decode(bytes(whole))
                message.context = number
                return message
            wait_s = PDU_S

    def _value(self, wait_s: float) -> tuple[int, int, memoryview]:
        while (value := next(self._pending, None)) is None:
            kind, body = self._unit(wait_s)
            if kind == pdu.RELEASE_RQ:
                self._part(pdu.release_response())
                raise Closed
            if kind == pdu.ABORT:
                raise Closed
            if kind != pdu.P_DATA:
                raise PduError(f"an unexpected unit {kind}")
            self._pending = pdu.values(body)
        return value

    def _unit(self, wait_s: float) -> tuple[int, memoryview]:
        """The next unit; it is overwritten by those after it."""
        self._fill(pdu.HEAD.size, wait_s)
        kind, length = pdu.HEAD.unpack_from(self._buffer, self._begin)
        if length > PDU_HARD_MAX:
            raise PduError(f"a unit of {length} bytes")
        whole = pdu.HEAD.size + length
        self._fill(whole, min(wait_s, PDU_S))
        body = self._buffer[self._begin + pdu.HEAD.size : self._begin + whole]
        self._begin += whole
        return kind, body

    def _fill(self, count: int, wait_s: float) -> None:
        """Have `count` bytes in the buffer, and as many more as there are, within the time."""
        if self._end - self._begin >= count:
            return
        if self._begin + count > len(self._buffer) - RECEIVE_MIN:
            rest = self._end - self._begin
            self._buffer[:rest] = bytes(self._buffer[self._begin : self._end])
            self._begin, self._end = 0, rest
        deadline = time.monotonic() + wait_s
        while self._end - self._begin < count:
            if time.monotonic() > deadline:  # however slowly it drips
                raise TimeoutError
            self._limit(wait_s)
            try:
                got = self._sock.recv_into(self._buffer[self._end :])
            except BlockingIOError:
                raise TimeoutError from None
            if not got:
                raise Closed
            self._end += got

    def _limit(self, wait_s: float) -> None:
        """Let the kernel count the time of a receive, which spares a poll before each."""
        if wait_s != self._waits_s:
            value = struct.pack("@ll", int(wait_s), 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            self._waits_s = wait_s

    def _part(self, last: bytes) -> None:
        """Say the last word, and let the peer close first: else he may not hear it."""
        try:
            self._sock.sendall(last)
            self._sock.shutdown(socket.SHUT_WR)
            self._limit(REQUEST_S)
            deadline = time.monotonic() + REQUEST_S
            while time.monotonic() < deadline and self._sock.recv_into(self._buffer):
                pass
        except OSError:
            return
