"""Command sets: group 0000, always implicit VR little endian. PS3.7 sections 6.3 and 9.3."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from dicom.dimse.pdu import PduError

ELEMENT = struct.Struct("<HHL")
RESPONSE = 0x8000
NO_DATA_SET = 0x0101


class Command(IntEnum):
    """PS3.7 E.1."""

    STORE = 0x0001
    GET = 0x0010
    FIND = 0x0020
    MOVE = 0x0021
    ECHO = 0x0030
    CANCEL = 0x0FFF


# Elements by number in group 0000: name and kind.
NAMES: dict[int, tuple[str, str]] = {
    0x0002: ("sop_class", "UI"),
    0x0100: ("command", "US"),
    0x0110: ("message_id", "US"),
    0x0120: ("responded_to", "US"),
    0x0600: ("destination", "AE"),
    0x0700: ("priority", "US"),
    0x0800: ("data_set_type", "US"),
    0x0900: ("status", "US"),
    0x0902: ("comment", "LO"),
    0x1000: ("sop_instance", "UI"),
    0x1020: ("remaining", "US"),
    0x1021: ("completed", "US"),
    0x1022: ("failed", "US"),
    0x1023: ("warned", "US"),
    0x1030: ("originator", "AE"),
    0x1031: ("originator_message", "US"),
}


@dataclass
class Message:
    """A command set; numbers that are absent are None, texts empty."""

    command: int = 0
    sop_class: str = ""
    message_id: int = 0
    responded_to: int | None = None
    destination: str = ""
    priority: int | None = None
    data_set_type: int = NO_DATA_SET
    status: int | None = None
    comment: str = ""
    sop_instance: str = ""
    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warned: int | None = None
    originator: str = ""
    originator_message: int | None = None
    context: int = field(default=0, compare=False)  # of the presentation it came by

    @property
    def has_data_set(self) -> bool:
        return self.data_set_type != NO_DATA_SET

    def response(self, status: int, comment: str = "", has_data_set: bool = False) -> Message:
        """The answer to this request."""
        return Message(
            command=self.command | RESPONSE,
            sop_class=self.sop_class,
            responded_to=self.message_id,
            sop_instance=self.sop_instance if self.command == Command.STORE else "",
            data_set_type=0x0001 if has_data_set else NO_DATA_SET,
            status=status,
            comment=comment[:64],
            context=self.context,
        )


def decode(data: bytes) -> Message:
    """Read a command set. Raises PduError."""
    message = Message()
    at = 0
    while at < len(data):
        if at + ELEMENT.size > len(data):
            raise PduError("a command that ends within an element")
        group, number, length = ELEMENT.unpack_from(data, at)
        at += ELEMENT.size
        value = data[at : at + length]
        if group != 0 or len(value) != length:
            raise PduError("a command with an element that does not belong or is cut off")
        at += length
        if number not in NAMES:
            continue
        name, kind = NAMES[number]
        if kind == "US":
            if length != 2:
                raise PduError(f"a command with {length} bytes of {name}")
            setattr(message, name, int.from_bytes(value, "little"))
        else:
            setattr(message, name, value.decode("ascii", "replace").strip("\0 "))
    return message


def encode(message: Message) -> bytes:
    """Write a command set."""
    body = b""
    for number, (name, kind) in NAMES.items():
        value = getattr(message, name)
        if value in (None, "") or (name == "message_id" and message.command & RESPONSE):
            continue
        if kind == "US":
            data = struct.pack("<H", value)
        else:
            data = value.encode("ascii", "replace")
            data += (b"\0" if kind == "UI" else b" ") * (len(data) % 2)
        body += ELEMENT.pack(0, number, len(data)) + data
    return ELEMENT.pack(0, 0, 4) + struct.pack("<L", len(body)) + body
