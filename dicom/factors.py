"""The second factor of a link: what only the right person knows, kept so that nobody can read it.

A birth date or six digits are soon guessed from a plain hash. So they are hashed slowly, with a
salt of their own and a key that is not in the data base.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import date
from typing import Literal, get_args

Factor = Literal["birth_date", "code"]
FACTORS: tuple[Factor, ...] = get_args(Factor)
SALT_BYTES = 16
DIGITS = 6
COST, BLOCK = 2**14, 8  # 16 MB and some 50 ms for each guess


def new_code() -> str:
    """Six digits to be told by telephone."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def birth_date(text: str) -> str | None:
    """A day as DICOM writes it (DA), if it is a whole one."""
    if not re.fullmatch(r"\d{8}", text, re.ASCII):
        return None
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return text


def hashed(said: str, salt: bytes, key: bytes) -> bytes:
    """What is kept of it. Takes its time."""
    digits = re.sub(r"\D", "", said, flags=re.ASCII)
    keyed = hmac.digest(key, b"factor\n" + digits.encode(), "sha256")
    return hashlib.scrypt(keyed, salt=salt, n=COST, r=BLOCK, p=1, dklen=32)


def right(said: str, salt: bytes, kept: bytes, key: bytes) -> bool:
    """Whether it is what was kept; takes as long either way."""
    return hmac.compare_digest(hashed(said, salt, key), kept)
