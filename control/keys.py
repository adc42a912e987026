"""One key per grant that only console and robot have, agreed past a relay that is not trusted.

P-256 key agreement with a commitment, as ZRTP does it (RFC 6189, section 4.4.1): the console says
the hash of its public key and a nonce before it sees the robot's, so that a relay in the middle
has one guess in a million at six digits, not millions of tries. The digits are on both screens;
specialist and operator compare them by voice before the operator grants control. HKDF-SHA256
(RFC 5869) over the whole exchange gives the key.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control.errors import ForgedMessage, MalformedMessage

KEY_BYTES, NONCE_BYTES, PUBLIC_BYTES, COMMIT_BYTES = 32, 16, 65, 32
DIGITS = 6
NOBODY = bytes(KEY_BYTES)  # of observations while nobody has control: everybody may check them
_INFO = b"distal control 1"


class Public(NamedTuple):
    """What one side shows: its public key, an uncompressed point (SEC 1, 2.3.3), and a nonce."""

    point: bytes
    nonce: bytes


class Agreed(NamedTuple):
    """`digits` are for two people's eyes and voices."""

    key: bytes
    digits: str


class Side:
    """Either side of one exchange; never used twice."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        point = self._private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        self.public = Public(point, secrets.token_bytes(NONCE_BYTES))

    @property
    def commitment(self) -> bytes:
        """The console's first word."""
        return commitment(self.public)

    def agree(
        self, robot: Public, console: Public, committed: bytes, names: tuple[str, str]
    ) -> Agreed:
        """What both sides compute alike; `names` are the robot's and the console's.

        Raises ForgedMessage when the console shows another key than it has committed to, and
        MalformedMessage for what is no key.
        """
        if not hmac.compare_digest(commitment(console), committed):
            raise ForgedMessage("another key than the one committed to")
        other = robot if self.public == console else console
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), other.point)
        except ValueError:
            raise MalformedMessage("not a point of P-256") from None
        shared = self._private.exchange(ec.ECDH(), point)
        salt = sha256(committed + b"".join(robot) + b"".join(console)).digest()
        info = "\n".join((_INFO.decode(), *names)).encode()
        derived = HKDF(SHA256(), KEY_BYTES + 4, salt, info).derive(shared)
        number = int.from_bytes(derived[KEY_BYTES:]) % 10**DIGITS
        return Agreed(derived[:KEY_BYTES], f"{number:0{DIGITS}}")


def commitment(console: Public) -> bytes:
    """Raises MalformedMessage."""
    if len(console.point) != PUBLIC_BYTES or len(console.nonce) != NONCE_BYTES:
        raise MalformedMessage("a public key has 65 octets and a nonce 16")
    return sha256(console.point + console.nonce).digest()
