"""The simulated site as the process that the demonstration starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.scene import VERSION
from tests.server_process import ROOT, DistalServer

Films = Callable[[str], Path]


@pytest.fixture
def site_folder(tmp_path: Path, films: Films) -> Path:
    """A data directory where the site finds its film drawn: two seconds of it."""
    scene = tmp_path / "site" / "scene"
    scene.mkdir(parents=True)
    for codec in ("VP8", "H264"):
        (scene / f"scene-{VERSION}-{codec}.mkv").write_bytes(films(codec).read_bytes())
    return tmp_path / "site"


def start_site(server: DistalServer, room: str, folder: Path) -> subprocess.Popen[bytes]:
    token = server.token(room, "county_doctor", "Qinghe")
    process = subprocess.Popen(
        [sys.executable, "-m", "clients.site", "--url", server.url, "--token-file", "-",
         "--data-dir", str(folder)],
        cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(token.encode() + b"\n")
    process.stdin.close()
    return process
