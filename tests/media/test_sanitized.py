"""The plane's own tests once more, against a build with sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".fuzz/plane"
FAKE_TIME = ["forwarding", "feedback", "layers", "paths", "stun", "framing"]  # seconds, all of them


@pytest.fixture(scope="module")
def sanitized() -> Path:
    """The extension module, built beside the installed one."""
    bin = Path(sys.executable).parent
    if not (BUILD / "build.ninja").exists():
        subprocess.run(
            [bin / "cmake", "-G", "Ninja", "-S", ROOT, "-B", BUILD, "-DDISTAL_SANITIZE=ON",
             "-DCMAKE_BUILD_TYPE=Debug",  # of the bindings
             "-DCMAKE_CXX_COMPILER=g++", f"-DCMAKE_MAKE_PROGRAM={bin / 'ninja'}",
             f"-DPython_EXECUTABLE={sys.executable}"],
            check=True,
        )  # fmt: skip
    subprocess.run([bin / "ninja", "-C", BUILD, "_plane"], check=True)
    (module,) = (BUILD / "media/plane").glob("_plane*.so")
    return module


@pytest.mark.skipif(not shutil.which("g++"), reason="the interpreter loads g++'s sanitizers")
@pytest.mark.timeout(900)
def test_the_planes_tests_hold_under_sanitizers(sanitized: Path) -> None:
    def library(name: str) -> str:
        command = ["g++", f"-print-file-name={name}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    run = subprocess.run(
        [sys.executable, "-m", "tests.media.sanitized", sanitized, "-q", "--timeout=600",
         *(str(ROOT / f"tests/media/test_{name}.py") for name in FAKE_TIME)],
        cwd=ROOT, capture_output=True, text=True, errors="replace", check=False,
        env={
            **os.environ,
            # The interpreter is not built with them, so they must be there before it.
            "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so')}",
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        },
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
