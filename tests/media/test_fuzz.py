"""The plane's parsers and its core against hostile input, compiled with sanitizers: each target's
corpus of real messages, what once broke it, and a short burst of mutations. `make fuzz` goes on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.media.fuzz import programs

BURST = {
    "core": 150,
    "framing": 1000,
    "bandwidth": 3000,
    "transport_feedback": 3000,
}  # inputs; a second or two each


@pytest.fixture(scope="module")
def built() -> Path:
    return programs.build()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", programs.TARGETS)
def test_nothing_that_arrives_breaks_the_plane(built: Path, target: str, tmp_path: Path) -> None:
    assert programs.folders(target), f"no corpus for {target}: see seeds.py"
    runs = f"-runs={BURST.get(target, 15000)}"
    done = programs.run(built / f"fuzz_{target}", target, tmp_path, runs, "-seed=1")
    assert not done.broke, done.log[-4000:]


@pytest.mark.timeout(900)
def test_the_corpus_of_the_core_gets_to_where_it_matters(built: Path) -> None:
    seeds = sorted((programs.HERE / "corpus/core").iterdir())
    run = subprocess.run(
        [*programs.FORGETFUL, built / "fuzz_core", *seeds],
        env=programs.ENVIRONMENT | {"DISTAL_FUZZ_TOTALS": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    reached = dict(re.findall(r"(\w+)=(\d+)", run.stdout))
    assert reached.keys() >= {"forwarded", "retransmissions", "waited", "starved", "dtls", "padded"}
    assert all(int(count) > 0 for count in reached.values()), reached


@pytest.mark.timeout(900)
def test_what_breaks_a_target_is_kept(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "HERE", tmp_path)
    seed = tmp_path / "corpus/framing/seed"
    seed.parent.mkdir(parents=True)
    seed.write_bytes(b"anything")
    environment = programs.ENVIRONMENT | {"DISTAL_FUZZ_BREAK": "1"}
    monkeypatch.setattr(programs, "ENVIRONMENT", environment)
    done = programs.run(built / "fuzz_framing", "framing", tmp_path / "found", "-runs=10")
    assert done.broke and "BROKE, kept as" in done.line
    assert list((tmp_path / "crashes/framing").iterdir())
