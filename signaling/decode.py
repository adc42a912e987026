"""Bytes from a client to a request, or to a refusal that names the field and the reason."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from signaling import protocol
from signaling.refusal import Refused

_decoder = msgspec.json.Decoder(protocol.AnyRequest)
_AT = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


class _Id(msgspec.Struct):
    id: Any = None


_id_decoder = msgspec.json.Decoder(_Id)


def decode(data: str | bytes) -> protocol.Request:
    """The request in `data`. Raises Refused."""
    try:
        request: protocol.Request = _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refused("malformed", f"not JSON: {error}") from None
    except RecursionError:
        raise Refused("malformed", "nested too deeply") from None
    return request


def request_id(data: str | bytes) -> int:
    """The id in a message that is otherwise wrong; -1 when there is none."""
    try:
        found = _id_decoder.decode(data).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return -1
    valid = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53
    return found if valid else -1


def _refusal(text: str) -> Refused:
    """Turn msgspec's "… - at `$.media[0].mid`" into the reason and the field's path."""
    match = _AT.match(text)
    if match is None:
        return Refused("malformed", text)
    path = (match["path"] or "").removeprefix("$").removeprefix(".")
    reason = match["reason"].replace("`", "")
    if not path and (missing := re.search(r"(?:required|unknown) field (\w+)", reason)):
        path = missing[1]
    elif missing := re.search(r"(?:required|unknown) field (\w+)", reason):
        path = f"{path}.{missing[1]}"
    return Refused("malformed", reason, path or None)
