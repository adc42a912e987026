"""What Python computes of one exchange of keys and its messages, for the console in the browser.

`python -m tests.control.console_vectors` writes the file that clients/web/tests/control.test.ts
reads; keys and nonces are fixed, so it changes only when the messages do.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control import envelope, keys, messages, orders
from control.keys import Public, Side

FILE = Path(__file__).resolve().parents[2] / "clients/web/tests/control-vectors.json"
NAMES = ("p-robot", "p-console")

COMMAND: dict[str, Any] = {
    "flags": 9,
    "epoch": 7,
    "sequence": 4_000_000_001,
    "sent_us": 1_234_567_890_123,
    "seen_sequence": 41,
    "seen_rtp": 3_999_999_999,
    "position": (0.5, -0.125, 0.25),
    "orientation": (0.0, 1.0, 0.0, 0.0),
    "velocity": (0.0625, 0.0, -0.03125),
    "turning": (0.0, 0.5, 0.0),
    "energy_j": 0.75,
}
OBSERVATION: dict[str, Any] = {
    "flags": 16,
    "epoch": 7,
    "sequence": 42,
    "sent_us": 987_654_321,
    "applied_sequence": 4_000_000_000,
    "applied_age_us": 8_500,
    "mode": messages.Mode.FOLLOWING,
    "cause": 0,
    "position": (0.5, -0.125, 0.25),
    "orientation": (0.0, 1.0, 0.0, 0.0),
    "force": (0.0, 0.5, 6.25),
    "torque": (0.0, -0.125, 0.0),
    "energy_j": -1.5,
    "chain": tuple(index / 32 for index in range(3 * messages.CHAIN)),
}


class _Fixed(Side):
    """The same key each time."""

    def __init__(self, secret: int, nonce: bytes) -> None:
        self._private = ec.derive_private_key(secret, ec.SECP256R1())
        public = self._private.public_key()
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = Public(point, nonce)


def vectors() -> dict[str, Any]:
    """The file's content."""
    secret = 0x5EC2E7_0F_A_C0450_1E
    console = _Fixed(secret, bytes(range(16)))
    robot = _Fixed(0x5EC2E7_0F_A_20B07, bytes(range(16, 32)))
    agreed = robot.agree(robot.public, console.public, console.commitment, NAMES)
    command = messages.encode(messages.Command(**COMMAND), agreed.key)
    observation = messages.encode(messages.Observation(**OBSERVATION), agreed.key)
    idle = messages.encode(messages.Observation(**OBSERVATION), keys.NOBODY)
    granted = orders.seal(orders.Granted(epoch=7, number=1), agreed.key)
    release = orders.Release(epoch=7, number=2)
    found = {
        "names": NAMES,
        "secret": secret.to_bytes(32),
        "console": console.public._asdict(),
        "robot": robot.public._asdict(),
        "commitment": console.commitment,
        "key": agreed.key,
        "digits": agreed.digits,
        "command": {"values": asdict(messages.Command(**COMMAND)), "octets": command},
        "observation": {
            "values": asdict(messages.Observation(**OBSERVATION)),
            "octets": observation,
            "unheld": idle,
        },
        "relayed": envelope.address("p-robot", envelope.stamp(observation, 5_000_000, 5_000_120)),
        "granted": granted,
        "release": release,
        "sealed_release": orders.seal(release, agreed.key),
    }
    built: dict[str, Any] = msgspec.to_builtins(found, enc_hook=_plain)
    return built


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"no JSON for {type(value)}")


def text() -> str:
    return json.dumps(vectors(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
