"""Write what others read of the protocol: TypeScript types, JSON Schema and the documentation page.

`python -m signaling.schema` writes all three from the structs of `protocol.py`; with `--check` it
writes nothing and fails when a file is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

import msgspec

from signaling import protocol
from signaling.protocol_page import protocol_page
from signaling.typescript import typescript

ROOT = Path(__file__).resolve().parent.parent


def json_schema() -> str:
    """JSON Schema 2020-12: `$defs` holds every struct, three unions name the messages."""
    unions = {
        "ClientRequest": protocol.AnyRequest,
        "ServerAnswer": protocol.AnyAnswer,
        "ServerEvent": protocol.AnyEvent,
    }
    _, components = msgspec.json.schema_components(
        [message for union in unions.values() for message in get_args(union)],
        ref_template="#/$defs/{name}",
    )
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Distal signaling, version {protocol.PROTOCOL_VERSION}",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in unions],
        "$defs": {
            name: {"anyOf": [{"$ref": f"#/$defs/{m.__name__}"} for m in get_args(union)]}
            for name, union in unions.items()
        }
        | components,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def generated() -> dict[Path, str]:
    """Every generated file with what it should hold."""
    return {
        ROOT / "clients/web/src/protocol/messages.ts": typescript(),
        ROOT / "docs/protocol.schema.json": json_schema(),
        ROOT / "docs/protocol.md": protocol_page(),
    }


def stale() -> list[Path]:
    """The generated files that no longer say what the structs say."""
    return [
        path
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write the generated files, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when stale")
    check = parser.parse_args().check
    for path in (changed := stale()):
        print(("stale: " if check else "written: ") + str(path.relative_to(ROOT)))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(generated()[path], encoding="utf-8")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
