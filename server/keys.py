"""The Ed25519 key that signs tokens: one file in the data directory, made by whoever comes first.

It appears whole or not at all: written under another name, then linked to its own, which fails when
somebody was faster; then his key counts. So `distal token` works before and beside a server.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_FILE = "token-key.pem"


class KeyFileError(Exception):
    """The key cannot be read or written; the message says what to do."""


@dataclass(frozen=True)
class TokenKey:
    """A signing key and the name by which tokens say it."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> Ed25519PublicKey:
        """What verifiers need."""
        return self.private.public_key()


def load_or_create(data_dir: Path) -> TokenKey:
    """Read the data directory's key, or be the one who creates it. Raises KeyFileError."""
    path = data_dir / KEY_FILE
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_once(path, _new_key())
        refuse_readable(path)
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyFileError(
            f"cannot use the data directory {data_dir}: {error.strerror or error}"
        ) from None
    except ValueError:
        raise KeyFileError(f"{path} is not a private key in PEM; delete it and restart") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is not an Ed25519 key; delete it and restart")
    return TokenKey(_thumbprint(private.public_key()), private)


def own_secret(path: Path) -> bytes:
    """A secret that only this server knows, made by whoever comes first. Raises KeyFileError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_once(path, secrets.token_hex(32).encode())
        refuse_readable(path)
        value = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"cannot use {path}: {error.strerror or error}") from None
    if len(value) < 64:
        raise KeyFileError(f"{path} is cut off; put the backup of it there, or delete it")
    return value


def refuse_readable(path: Path) -> None:
    """Raises KeyFileError when others than its owner may read a secret."""
    if path.stat().st_mode & 0o077:
        raise KeyFileError(
            f"{path} can be read by others, so what it signs proves nothing. If nobody else has"
            f" read it: chmod 600 {path}; otherwise delete it and restart"
        )


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def create_once(path: Path, content: bytes) -> None:
    """Write a secret for its owner alone, unless somebody was faster."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as draft:  # 0600
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return


def _thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638 thumbprint of the key as RFC 8037 writes it."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    text = json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
    return _base64url(hashlib.sha256(text).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
