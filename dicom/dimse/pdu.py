"""Protocol data units of the upper layer: PS3.8 section 9.3. Bytes in, bytes out; no I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
HEAD = struct.Struct(">BxL")
PDV = struct.Struct(">LBB")  # length of what follows, presentation context, control
IS_COMMAND, IS_LAST = 1, 2
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLEMENTATION_UID = "2.25.241478921349873021385731907210917563287"
IMPLEMENTATION_VERSION = "DISTAL_0"
CONTEXTS_MAX = 128  # odd numbers of one byte
SYNTAXES_MAX = 128  # of one context; more than there are

ACCEPTED, USER_REJECTION, NO_REASON, NO_ABSTRACT_SYNTAX, NO_TRANSFER_SYNTAX = range(5)  # 9.3.3.2


class PduError(Exception):
    """The peer does not keep to the protocol: it is aborted."""


@dataclass(frozen=True)
class Context:
    """A presentation context, as proposed."""

    number: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass
class AssociateRequest:
    """What a peer proposes."""

    called: str = ""
    calling: str = ""
    contexts: list[Context] = field(default_factory=list)
    pdu_max: int = 0  # largest P-DATA it takes; 0: any


@dataclass(frozen=True)
class Accepted:
    """A presentation context, as agreed."""

    number: int
    abstract_syntax: str
    transfer_syntax: str


def read_associate_request(body: bytes) -> AssociateRequest:
    """Decode an A-ASSOCIATE-RQ without its head. Raises PduError."""
    if len(body) < 68:
        raise PduError("an association request of less than 74 bytes")
    request = AssociateRequest(_title(body[4:20]), _title(body[20:36]))
    for kind, item in _items(body, 68):
        if kind == 0x20:
            request.contexts.append(_context(item))
            if len(request.contexts) > CONTEXTS_MAX:
                raise PduError("too many presentation contexts")
        elif kind == 0x50:
            for part, value in _items(item, 0):
                if part == 0x51 and len(value) == 4:
                    request.pdu_max = int.from_bytes(value, "big")
    return request


def _context(item: bytes) -> Context:
    if len(item) < 4:
        raise PduError("a presentation context of less than 4 bytes")
    abstract = ""
    transfer: list[str] = []
    for kind, value in _items(item, 4):
        if kind == 0x30:
            abstract = _uid(value)
        elif kind == 0x40 and len(transfer) < SYNTAXES_MAX:
            transfer.append(_uid(value))
    return Context(item[0], abstract, tuple(transfer))


def associate_request(
    called: str, calling: str, contexts: Sequence[Context], pdu_max: int
) -> bytes:
    """Encode an A-ASSOCIATE-RQ."""
    body = _start(called, calling)
    for context in contexts:
        inner = bytes((context.number, 0, 0, 0)) + _item(0x30, context.abstract_syntax.encode())
        inner += b"".join(_item(0x40, one.encode()) for one in context.transfer_syntaxes)
        body += _item(0x20, inner)
    return pdu(ASSOCIATE_RQ, body + _user(pdu_max))


def read_associate_accept(body: bytes) -> tuple[dict[int, str], int]:
    """Decode an A-ASSOCIATE-AC: transfer syntaxes of the contexts taken, and the largest P-DATA."""
    taken: dict[int, str] = {}
    pdu_max = 0
    for kind, item in _items(body, 68):
        if kind == 0x21 and len(item) >= 4 and item[2] == ACCEPTED:
            syntaxes = [_uid(value) for part, value in _items(item, 4) if part == 0x40]
            if syntaxes:
                taken[item[0]] = syntaxes[0]
        elif kind == 0x50:
            for part, value in _items(item, 0):
                if part == 0x51 and len(value) == 4:
                    pdu_max = int.from_bytes(value, "big")
    return taken, pdu_max


def associate_accept(
    request: AssociateRequest, results: Sequence[tuple[int, int, str]], pdu_max: int
) -> bytes:
    """Encode an A-ASSOCIATE-AC. `results`: number, result and transfer syntax of each context."""
    body = _start(request.called, request.calling)
    for number, result, syntax in results:
        body += _item(0x21, bytes((number, 0, result, 0)) + _item(0x40, syntax.encode()))
    return pdu(ASSOCIATE_AC, body + _user(pdu_max))


def associate_reject(result: int, source: int, reason: int) -> bytes:
    """Encode an A-ASSOCIATE-RJ: 9.3.4."""
    return pdu(ASSOCIATE_RJ, bytes((0, result, source, reason)))


def abort(reason: int = 0) -> bytes:
    """Encode an A-ABORT by the provider: 9.3.8."""
    return pdu(ABORT, bytes((0, 0, 2, reason)))


def release_request() -> bytes:
    """Encode an A-RELEASE-RQ."""
    return pdu(RELEASE_RQ, bytes(4))


def release_response() -> bytes:
    """Encode an A-RELEASE-RP."""
    return pdu(RELEASE_RP, bytes(4))


def pdu(kind: int, body: bytes) -> bytes:
    """One unit with its head."""
    return HEAD.pack(kind, len(body)) + body


def p_data(number: int, message: bytes, is_command: bool, pdu_max: int) -> Iterator[bytes]:
    """Units that carry one command or data set in fragments that the peer takes."""
    room = fragment_max(pdu_max)
    for start in range(0, max(len(message), 1), room):
        part = message[start : start + room]
        control = (IS_COMMAND if is_command else 0) | (
            IS_LAST if start + room >= len(message) else 0
        )
        yield pdu(P_DATA, PDV.pack(len(part) + 2, number, control) + part)


def fragment_max(pdu_max: int) -> int:
    """Bytes of one fragment for a peer who takes units of `pdu_max`; 0: any."""
    return max(1024, min(pdu_max or 1 << 17, 1 << 17)) - PDV.size


def values(body: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Context, control and bytes of each value in a P-DATA without its head. Raises PduError."""
    at = 0
    while at < len(body):
        if at + PDV.size > len(body):
            raise PduError("a data value without its head")
        length, number, control = PDV.unpack_from(body, at)
        end = at + 4 + length
        if length < 2 or end > len(body):
            raise PduError("a data value that is longer than its unit")
        yield number, control, body[at + PDV.size : end]
        at = end


def _items(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(data):
        kind, length = data[at], int.from_bytes(data[at + 2 : at + 4], "big")
        at += 4
        if at + length > len(data):
            raise PduError("an item that is longer than what holds it")
        yield kind, data[at : at + length]
        at += length


def _start(called: str, calling: str) -> bytes:
    head = struct.pack(">HH", 1, 0) + _padded(called) + _padded(calling) + bytes(32)
    return head + _item(0x10, APPLICATION_CONTEXT.encode())


def _user(pdu_max: int) -> bytes:
    user = _item(0x51, struct.pack(">L", pdu_max)) + _item(0x52, IMPLEMENTATION_UID.encode())
    return _item(0x50, user + _item(0x55, IMPLEMENTATION_VERSION.encode()))


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def _title(value: bytes) -> str:
    return value.decode("ascii", "replace").strip("\0 ")


def _padded(title: str) -> bytes:
    return title.encode("ascii", "replace").ljust(16)[:16]


def _uid(value: bytes) -> str:
    return value.decode("ascii", "replace").rstrip("\0 ")
