"""Hostile datagrams against the plane's core, compiled with sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    ROOT / "media/plane" / f"{n}.cpp"
    for n in ("bandwidth", "core", "downlink", "feedback", "forward", "rtcp", "stun", "twcc")
]
DATAGRAMS = os.environ.get("DISTAL_FUZZ_DATAGRAMS", "60000")  # `make fuzz` takes many more


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core with address and undefined-behaviour sanitizers."""
    compiler = shutil.which("c++") or shutil.which("g++")
    assert compiler, "the plane needs a C++ compiler, and so does its fuzzing"
    program = tmp_path_factory.mktemp("fuzz") / "fuzz_core"
    harness = Path(__file__).parent / "native/fuzz_core.cpp"
    subprocess.run(
        [compiler, "-std=c++20", "-O1", "-g", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", "-D_GLIBCXX_ASSERTIONS",
         str(harness), *map(str, SOURCES), "-o", str(program)],
        check=True,
    )  # fmt: skip
    return program


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_that_arrives_breaks_the_core(fuzzer: Path, seed: int) -> None:
    run = subprocess.run([fuzzer, str(seed), DATAGRAMS], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr[-4000:]
