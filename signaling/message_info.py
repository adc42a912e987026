"""What the generators need to know of the structs, gathered once from `protocol.py`."""

from __future__ import annotations

import inspect
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from signaling import protocol

UNIONS: dict[str, tuple[type[Struct], ...]] = {
    "ClientRequest": get_args(protocol.AnyRequest),
    "ServerAnswer": get_args(protocol.AnyAnswer),
    "ServerEvent": get_args(protocol.AnyEvent),
}

# Literal values → their name in protocol.py: Kind, Role …
ALIASES: dict[tuple[Any, ...], str] = {
    tuple(sorted(map(str, get_args(value)))): name
    for name, value in vars(protocol).items()
    if get_origin(value) is Literal
}


def doc(struct: type[Struct]) -> str:
    """The struct's own docstring on one line; empty when it has none."""
    return " ".join(inspect.cleandoc(struct.__dict__.get("__doc__") or "").split())


def info(struct: type[Struct]) -> types.StructType:
    """Its fields and their types."""
    described = types.type_info(struct)
    assert isinstance(described, types.StructType)  # noqa: S101
    return described


def structs_within(messages: tuple[type[Struct], ...]) -> list[type[Struct]]:
    """The structs that messages carry, in the order of `protocol.py`."""
    found: set[type[Struct]] = set()

    def visit(described: types.Type) -> None:
        if isinstance(described, types.StructType):
            if described.cls not in found:
                found.add(described.cls)
                for each in described.fields:
                    visit(each.type)
        elif isinstance(described, types.UnionType):
            for member in described.types:
                visit(member)
        elif isinstance(described, types.ListType):
            visit(described.item_type)
        elif isinstance(described, types.Metadata):
            visit(described.type)

    for message in messages:
        visit(info(message))
    order = list(vars(protocol).values())
    return sorted(found - set(messages), key=order.index)


def type_name(described: types.Type) -> str:
    """As TypeScript and the documentation page write it."""
    match described:
        case types.StrType():
            return "string"
        case types.IntType() | types.FloatType():
            return "number"
        case types.BoolType():
            return "boolean"
        case types.NoneType():
            return "null"
        case types.LiteralType(values=values):
            quoted = " | ".join(f'"{value}"' for value in values)
            return ALIASES.get(tuple(sorted(map(str, values))), quoted)
        case types.ListType(item_type=item):
            name = type_name(item)
            return f"({name})[]" if " | " in name else f"{name}[]"
        case types.UnionType(types=members):
            return " | ".join(type_name(member) for member in members)
        case types.StructType(cls=cls):
            return str(cls.__name__)
        case types.Metadata(type=inner):
            return type_name(inner)
    raise TypeError(f"no name for {described}")


def limits(described: types.Type) -> str:
    """The bounds of a value in words; empty when there are none."""
    match described:
        case types.UnionType(types=members):
            return ", ".join(filter(None, (limits(member) for member in members)))
        case types.Metadata(type=inner):
            return limits(inner)
        case types.StrType(min_length=low, max_length=high, pattern=pattern):
            words = _range(low, high, "characters")
            return ", ".join(filter(None, (words, f"matches `{pattern}`" if pattern else "")))
        case types.IntType(ge=low, le=high) | types.FloatType(ge=low, le=high):
            return _range(low, high, "")
        case types.ListType(item_type=item, min_length=low, max_length=high):
            each = limits(item)
            return ", ".join(
                filter(None, (_range(low, high, "entries"), f"each {each}" if each else ""))
            )
    return ""


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low and high is not None:
        words = f"{low} to {high}"
    elif high is not None:
        words = f"at most {high}"
    elif low is not None:
        words = f"at least {low}"
    else:
        return ""
    return f"{words} {unit}".strip()


def default(field: types.Field) -> str | None:
    """A field's default as JSON; None when it must be given."""
    if field.required:
        return None
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return msgspec.json.encode(value).decode()
