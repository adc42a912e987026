"""The plane's own tests once more, against a build with sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import sanitized

FAKE_TIME = ["forwarding", "feedback", "layers", "paths", "stun", "framing"]  # seconds, all of them


@pytest.fixture(scope="module")
def module() -> Path:
    """Built by `make test` before the tests begin; here if need be."""
    return sanitized.build()


@pytest.mark.skipif(not shutil.which("g++"), reason="the interpreter loads g++'s sanitizers")
@pytest.mark.timeout(900)
def test_the_planes_tests_hold_under_sanitizers(module: Path) -> None:
    def library(name: str) -> str:
        command = ["g++", f"-print-file-name={name}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    run = subprocess.run(
        [sys.executable, "-m", "tests.media.sanitized", module, "-q", "--timeout=600",
         *(str(sanitized.ROOT / f"tests/media/test_{name}.py") for name in FAKE_TIME)],
        cwd=sanitized.ROOT, capture_output=True, text=True, errors="replace", check=False,
        env={
            **os.environ,
            # The interpreter is not built with them, so they must be there before it.
            "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so')}",
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        },
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
