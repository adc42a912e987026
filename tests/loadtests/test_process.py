"""A server's CPU time and memory, children included."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests import process

BURN = """
import time
while time.process_time() < 0.3: pass
print("burnt", flush=True)
"""
CHILD = BURN + "input()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}])
{BURN}
child.wait()
"""


@pytest.fixture
def family() -> Iterator[int]:
    """A process and its child, each of which has used 0.3 s of CPU time."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin and parent.stdout
    assert [parent.stdout.readline() for _ in range(2)] == ["burnt\n"] * 2
    yield parent.pid
    parent.communicate("\n", timeout=10)


def ticks_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_cpu_time_is_that_of_the_whole_tree(family: int) -> None:
    pids = process.tree(family)
    assert len(pids) == 2 and pids[0] == family
    assert process.cpu_s(family) == pytest.approx(sum(ticks_s(pid) for pid in pids), abs=0.05)
    assert process.cpu_s(family) >= 0.6


def test_memory_is_that_of_the_whole_tree(family: int) -> None:
    rss, pss = process.memory_kb(family)
    assert rss > pss > 8000  # two interpreters that share their program's pages


def test_a_process_that_is_gone_counts_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert process.tree(ended.pid) == []
    assert process.cpu_s(ended.pid) == 0
    assert process.memory_kb(ended.pid) == (0, 0)
