"""Write what the console in the browser reads of the messages: layouts, and orders as types.

`python -m control.schema` writes the TypeScript from the tables of `messages.py` and the structs of
`orders.py`; with `--check` it writes nothing and fails when the file is stale.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Iterator
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct
from msgspec import inspect as types

from control import messages, orders
from control.gate import Held
from control.messages import COMMAND, OBSERVATION, Cause, Field, Flag, Mode

FILE = Path(__file__).resolve().parent.parent / "clients/web/src/control/messages.ts"
HEADER = """\
/**
 * The messages between console and robot. Generated from control/messages.py and control/orders.py
 * by `python -m control.schema`: do not edit. Octets are base64 in JSON.
 */

export interface Field {
  readonly name: string;
  readonly code: "B" | "H" | "I" | "Q" | "f" | "d"; // as in Python's struct, big-endian
  readonly values: number;
  readonly most: number | null; // in absolute value
}
"""


def typescript() -> str:
    """The whole file."""
    parts = [HEADER]
    for name, value in (("VERSION", messages.VERSION), ("TAG_BYTES", messages.TAG_BYTES)):
        parts.append(f"export const {name} = {value};\n")
    parts += [_enumeration(Flag), _enumeration(Mode), _enumeration(Cause), _enumeration(Held)]
    parts += [_table("COMMAND", COMMAND), _table("OBSERVATION", OBSERVATION)]
    parts += [
        _union(name, map(_quoted, get_args(value)))
        for name, value in vars(orders).items()
        if get_origin(value) is Literal
    ]
    structs = [each for each in vars(orders).values() if _is_order(each)]
    parts += [_interface(struct) for struct in structs]
    for union in ("FromConsole", "FromRobot", "FromRelay", "FromHolder"):
        parts.append(_union(union, (each.__name__ for each in get_args(getattr(orders, union)))))
    return "\n".join(parts)


def _is_order(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Struct) and value is not Struct


def _enumeration(enum: type[IntFlag | IntEnum]) -> str:
    rows = "".join(f"  {each.name}: {each.value},\n" for each in enum)
    return f"export const {enum.__name__} = {{\n{rows}}} as const;\n"


def _table(name: str, table: tuple[Field, ...]) -> str:
    rows = []
    for field in table:
        most = "null" if field.most is None else f"{field.most:g}"
        text = ", ".join(filter(None, (field.unit, field.meaning)))
        row = f'{{ name: "{field.name}", code: "{field.code}", values: {field.values}'
        rows.append(f"  // {text}\n  {row}, most: {most} }},\n")
    return f"export const {name}: readonly Field[] = [\n{''.join(rows)}];\n"


def _union(name: str, members: Iterable[str]) -> str:
    return f"export type {name} = {' | '.join(members)};\n"


def _interface(struct: type[Struct]) -> str:
    described = types.type_info(struct)
    if not isinstance(described, types.StructType):
        raise TypeError(f"not a struct: {struct}")
    lines = [f"  type: {_quoted(described.tag)};"] if described.tag is not None else []
    lines += [f"  {each.name}: {_name(each.type)};" for each in described.fields]
    text = " ".join(inspect.cleandoc(struct.__doc__ or "").split())
    return "\n".join([f"/** {text} */", f"export interface {struct.__name__} {{", *lines, "}\n"])


def _name(described: types.Type) -> str:
    match described:
        case types.Metadata(type=inner):
            return _name(inner)
        case types.StrType() | types.BytesType():
            return "string"
        case types.IntType() | types.FloatType():
            return "number"
        case types.BoolType():
            return "boolean"
        case types.LiteralType(values=values):
            return next(_literals(values), " | ".join(map(_quoted, values)))
        case types.ListType(item_type=item):
            return f"{_name(item)}[]"
        case types.StructType(cls=struct):
            return struct.__name__
        case _:
            raise TypeError(f"no TypeScript for {described}")


def _literals(values: tuple[Any, ...]) -> Iterator[str]:
    for name, value in vars(orders).items():
        if get_origin(value) is Literal and sorted(get_args(value)) == sorted(values):
            yield name


def _quoted(value: Any) -> str:
    return f'"{value}"'


def main() -> int:
    """Write the file, or say that it is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when stale")
    check = parser.parse_args().check
    if FILE.exists() and FILE.read_text(encoding="utf-8") == typescript():
        return 0
    print(f"{'stale' if check else 'written'}: {FILE.name}")
    if not check:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(typescript(), encoding="utf-8")
    return int(check)


if __name__ == "__main__":
    sys.exit(main())
