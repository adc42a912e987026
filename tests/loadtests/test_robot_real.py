"""What the runs in real time are judged by: the arm's memory, and the rows that are made of it."""

from __future__ import annotations

import random
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from control.errors import ControlError
from control.messages import Command, decode, encode
from loadtests.robot_console import LEFT_M, delays_ms
from loadtests.robot_faults.real.attack import Way, forged, spoilt
from loadtests.robot_faults.real.faults import FAULTS
from loadtests.robot_faults.real.memory import ROW, ROWS, TOLD, Memory
from loadtests.robot_faults.real.run import assembled, plans
from loadtests.robot_faults.trajectory import COLUMNS
from tests.control.test_messages import COMMAND, KEY

PERIOD_US = 1600


def rows(count: int = 1000) -> np.ndarray:
    """An arm that goes along x with 0.1 m/s."""
    made = np.zeros((count, len(ROW)))
    made[:, 0] = 5_000_000 + np.arange(count) * PERIOD_US
    made[:, ROW.index("x")] = np.arange(count) * PERIOD_US * 1e-7
    made[:, ROW.index("qx")] = 1.0
    return made


def column(table: np.ndarray, name: str) -> np.ndarray:
    return table[:, COLUMNS.index(name)]


def test_who_reads_gets_what_was_written_whole_and_never_waits(tmp_path: Path) -> None:
    ours = Memory(tmp_path / "arm", make=True)
    theirs = Memory(tmp_path / "arm")
    ours.told.write(*range(TOLD))
    assert theirs.told.read() == tuple(range(TOLD))
    ours._memory[8] |= 1  # its writer was stopped in the middle
    assert theirs.told.read() == tuple(range(TOLD))
    ours.told.write(*range(1, TOLD + 1))  # another one
    assert theirs.told.read() == tuple(range(1, TOLD + 1))
    theirs.sensor = "stuck"
    assert ours.sensor == "stuck"


def test_the_oldest_rows_go(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "arm", make=True)
    for number in range(ROWS + 10):
        memory.add(number, *range(1, len(ROW)))
    found = memory.rows(ROWS)[:, 0]
    assert list(found) == list(range(ROWS, ROWS + 10))
    assert memory.last()[0] == ROWS + 9


def test_rows_are_even_and_keep_the_peak_and_what_people_did() -> None:
    arm = rows()
    arm[500, ROW.index("force_n")] = 30.0
    arm[300:, ROW.index("qx")] *= -1  # the same posture
    begun_us = 5_000_700
    marks = [(begun_us + 100_000, "grants", 1.0), (begun_us + 200_000, "deadman_1", 1.0)]
    made = assembled(arm, marks, begun_us, 6_000_000)
    assert np.allclose(np.diff(column(made, "time_s")), 0.002)
    assert np.allclose(np.diff(column(made, "x")) / 0.002, 0.1)
    assert column(made, "force_n").max() == 30.0
    assert np.allclose(np.abs(column(made, "qx")), 1.0)
    assert column(made, "grants")[49:51].tolist() == [0, 1]
    assert column(made, "deadman_1").sum() == len(made) - 100


def test_each_place_has_its_runs_together() -> None:
    made = plans(50, 1, list(FAULTS))
    places = [plan.place for plan in made]
    assert len(set(places)) == 3
    assert places == sorted(places, key=places.index)
    assert {plan.fault for plan in made} == set(FAULTS)


def test_an_attacker_has_no_key_and_a_broken_console_has() -> None:
    data, chance = encode(COMMAND, KEY), random.Random(1)
    for _ in range(50):
        with pytest.raises(ControlError):
            decode(forged(deque([data]), chance), Command, KEY)
    assert decode(spoilt(data, KEY, COMMAND.position[0]), Command, KEY) == COMMAND
    with pytest.raises(ControlError):
        decode(spoilt(data, KEY, float("nan")), Command, KEY)


def test_while_she_is_replayed_her_own_commands_go_on_or_not() -> None:
    sent: list[bytes] = []
    way = Way(lambda _, data: sent.append(data) is None, lambda: KEY)
    way("robot", b"1")
    way.how = "replay"
    way("robot", b"2")
    way.beside = True
    way("robot", b"3")
    assert sent == [b"1", b"3"]


def test_an_input_counts_from_the_hand_to_the_pose() -> None:
    at = 1e6 + np.arange(1000) * PERIOD_US
    place = np.zeros((1000, 3))
    place[520:, 0] = LEFT_M * 2
    asked = np.where(np.arange(1000) >= 510, 0.05, 0.0)
    arm = np.column_stack((at, place, asked))
    start = at[500]
    found = delays_ms(arm, [start, at[990] + 1e6], [start - 5000, start + 4000])
    assert found["sent"] == pytest.approx([4.0])
    assert found["asked"] == pytest.approx([16.0])
    assert found["moved"] == pytest.approx([32.0])
