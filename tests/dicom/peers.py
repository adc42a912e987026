"""dcmtk's programs, each as one function. They are told to send at once: Debian's wait for more."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from loadtests.ports import free_port

TIMEOUT_S = 60
ENVIRONMENT = os.environ | {"TCP_NODELAY": "1"}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one, and give what it said."""
    return subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
    )


def echo(port: int, calling: str = "ECHOSCU") -> bool:
    """C-ECHO."""
    return run("echoscu", "-aet", calling, "-aec", "DISTAL", "127.0.0.1", str(port)).returncode == 0


def store(port: int, *files: Path, calling: str = "STORESCU", options: tuple[str, ...] = ()) -> str:
    """C-STORE; what storescu said at length."""
    command = [
        "storescu",
        "-v",
        *options,
        "-aet",
        calling,
        "-aec",
        "DISTAL",
        "127.0.0.1",
        str(port),
    ]
    return run(*command, *files).stdout


def find(port: int, model: str, *keys: str, calling: str = "FINDSCU") -> list[dict[str, str]]:
    """C-FIND; the matches by tag, such as "0010,0010"."""
    chosen = [part for key in keys for part in ("-k", key)]
    where = ["-aet", calling, "-aec", "DISTAL", "127.0.0.1", str(port)]
    said = run("findscu", "-v", model, *chosen, *where).stdout
    assert "Received Final Find Response (Success)" in said, said
    return [_elements(part) for part in said.split("Find Response: ")[1:]]


def _elements(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        if line.startswith("I: (") and "#" in line:
            tag, _, rest = line[4:].partition(")")
            value = rest.partition("#")[0].strip()[2:].strip()
            found[tag] = "" if value.startswith("(no value") else value.strip("[] \0")
    return found


@contextlib.contextmanager
def storescp(folder: Path, *options: str) -> Iterator[int]:
    """An archive that takes all; its port."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = ["storescp", "-od", str(folder), *options, str(port)]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + TIMEOUT_S
            while not echo(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
