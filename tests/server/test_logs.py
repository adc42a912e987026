"""Logs are JSON lines without secrets, whoever writes them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from server.logs import SECRET_KEYS, blank_secrets
from tests.server_process import ROOT


@pytest.mark.parametrize("key", sorted(SECRET_KEYS))
def test_secrets_are_blanked(key: str) -> None:
    assert blank_secrets(None, "info", {"event": "joined", key: "王小明"}) == {
        "event": "joined",
        key: "…",
    }


def test_a_line_is_json_from_either_library() -> None:
    code = """
import logging, structlog
from server.logs import configure
configure("info")
structlog.get_logger("a").info("started", port=1, token="secret")
structlog.get_logger("a").debug("unheard")
logging.getLogger("b").warning("standard %s", "library")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("b").exception("went wrong")
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["started", "standard library", "went wrong"]
    assert lines[0]["port"] == 1
    assert "secret" not in ran.stderr
    assert "ZeroDivisionError" in lines[2]["exception"]
    assert all(line["timestamp"].endswith("Z") for line in lines)
