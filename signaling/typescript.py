"""The protocol as TypeScript: one interface per message, three unions discriminated by `type`."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from msgspec import Struct

from signaling import protocol
from signaling.message_info import UNIONS, default, doc, info, limits, structs_within, type_name

HEADER = """\
/**
 * The signaling protocol. Generated from signaling/protocol.py by `python -m signaling.schema`:
 * do not edit. What the client sends may leave out fields that have defaults; what the server
 * sends is always complete.
 */
"""


def typescript() -> str:
    """The whole of messages.ts."""
    sent = structs_within(UNIONS["ClientRequest"])
    received = structs_within(UNIONS["ServerAnswer"] + UNIONS["ServerEvent"])
    parts = [HEADER, f"export const PROTOCOL_VERSION = {protocol.PROTOCOL_VERSION} as const;\n"]
    parts += [
        f"export type {name} = {' | '.join(map(_quoted, get_args(value)))};\n"
        for name, value in vars(protocol).items()
        if get_origin(value) is Literal
    ]
    # With a default, a struct that goes both ways would need two interfaces; this notices.
    for struct in set(sent) & set(received):
        if any(default(each) is not None for each in info(struct).fields):
            raise TypeError(f"sent and received, with a default: {struct}")
    parts += [_interface(struct, from_client=True) for struct in sent]
    parts += [_interface(struct, from_client=False) for struct in received if struct not in sent]
    for union, messages in UNIONS.items():
        from_client = union == "ClientRequest"
        parts += [_interface(message, from_client=from_client) for message in messages]
        names = "".join(f"\n  | {message.__name__}" for message in messages)
        parts.append(f"export type {union} ={names};\n")
    parts.append("export type ServerMessage = ServerAnswer | ServerEvent;\n")
    parts.append(_answers())
    return "\n".join(parts)


def _interface(struct: type[Struct], from_client: bool) -> str:
    described = info(struct)
    lines = []
    if described.tag is not None:
        lines.append(f"  {described.tag_field}: {_quoted(described.tag)};")
    for each in described.fields:
        value = default(each)
        notes = [limits(each.type)] if from_client else []
        if from_client and value is not None and value != "null":
            notes.append(f"default {value}")
        if comment := "; ".join(filter(None, notes)):
            lines.append(f"  /** {comment} */")
        optional = "?" if from_client and value is not None else ""
        lines.append(f"  {each.name}{optional}: {type_name(each.type)};")
    text = doc(struct)
    comment = f"/** {text} */\n" if text else ""
    body = "\n".join(lines)
    return f"{comment}export interface {struct.__name__} {{\n{body}\n}}\n"


def _answers() -> str:
    rows = []
    for request in UNIONS["ClientRequest"]:
        answers = protocol.ANSWERS.get(request, (protocol.Ok,))
        rows.append(f"  {info(request).tag}: {' | '.join(a.__name__ for a in answers)};")
    body = "\n".join(rows)
    text = "/** What each request is answered with when all is well. */"
    return f"{text}\nexport interface AnswerTo {{\n{body}\n}}\n"


def _quoted(value: Any) -> str:
    return f'"{value}"'
