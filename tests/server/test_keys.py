"""The token key: one per data directory, whoever comes first and however many come at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from server.keys import KEY_FILE, KeyFileError, load_or_create
from tests.server_process import ROOT


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "data")
    assert load_or_create(tmp_path / "data").kid == first.kid
    assert (tmp_path / "data" / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / "data").iterdir()] == [KEY_FILE]


def test_another_directory_has_another_key(tmp_path: Path) -> None:
    assert load_or_create(tmp_path / "a").kid != load_or_create(tmp_path / "b").kid


def test_threads_that_race_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        kids = set(pool.map(lambda _: load_or_create(tmp_path / "data").kid, range(64)))
    assert len(kids) == 1


def test_processes_that_race_get_one_key(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from server.keys import load_or_create;"
    code += "sys.stdin.read(); print(load_or_create(Path(sys.argv[1])).kid)"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "data")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()  # the starting shot
    kids = set()
    for racer in racers:
        assert racer.stdout is not None
        kids.add(racer.stdout.read())
        assert racer.wait() == 0
        racer.stdout.close()
    assert len(kids) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_or_create(tmp_path)


def test_rubbish_is_refused(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="not a private key"):
        load_or_create(tmp_path)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    path.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        load_or_create(tmp_path)


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KeyFileError, match="cannot use the data directory"):
        load_or_create(tmp_path / "file" / "data")
