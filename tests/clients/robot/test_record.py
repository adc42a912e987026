"""What happened at a site is kept, and can be read, summed up and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from clients.robot.record import Happening, Kept, Row, beginning, read
from clients.robot.replay import main
from clients.robot.servo import Settings
from clients.robot.servo_messages import Status
from control.events import Event
from control.messages import Cause, Command, Flag, Mode, encode

KEY = bytes(range(32))


def status(at_us: int, **changed: Any) -> Status:
    zero = (0.0, 0.0, 0.0)
    usual = Status(
        at_us, Mode.FOLLOWING, 0, "wang", 3, True, "", "", 40_000, 60_000, 5_000, 1.0, 1.0, 0,
        (0.5, 0.0, 0.2), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 4.0), zero, zero, {}, [], [], 100,
    )  # fmt: skip
    return msgspec.structs.replace(usual, **changed)


def command() -> bytes:
    zero = (0.0, 0.0, 0.0)
    return encode(
        Command(Flag.DEADMAN, 3, 1, 0, 0, 0, (0.5, 0.0, 0.19), (0.0, 1.0, 0.0, 0.0), zero, zero, 0),
        KEY,
    )


def recorded(folder: Path) -> Path:
    with Kept(folder, beginning(Settings())) as record:
        record.event(Event(0, "granted", Cause.NONE, "wang", {"epoch": 3.0}))
        record.command(command(), KEY, 1_000)
        record.command(command(), bytes(32), 90_000)  # forged: not what was commanded
        for at_us in range(0, 2_000_000, 50_000):
            record.status(status(at_us))
            record.command(command(), KEY, at_us)
        record.event(Event(2_000_000, "stop", Cause.STOP, "operator", {}))
    return next(folder.glob("record/*.jsonl"))


def test_a_record_is_read_back(tmp_path: Path) -> None:
    lines = read(recorded(tmp_path))
    rows = [line for line in lines if isinstance(line, Row)]
    assert len(rows) == 40
    assert rows[5].target == (0.5, 0.0, 0.19) and rows[5].command_age_us == 50_000
    events = [line for line in lines if isinstance(line, Happening)]
    assert [(event.kind, event.cause) for event in events] == [
        ("granted", "none"),
        ("stop", "stop"),
    ]
    assert Kept(tmp_path, beginning(Settings())).last_epoch() == 3


def test_nobody_in_control_is_one_row_a_second(tmp_path: Path) -> None:
    with Kept(tmp_path, beginning(Settings())) as record:
        for at_us in range(1_000_000, 4_000_000, 50_000):
            record.status(status(at_us, holder="", mode=Mode.IDLE))
    lines = read(next(tmp_path.glob("record/*.jsonl")))
    assert sum(isinstance(line, Row) for line in lines) == 3


def test_it_is_summed_up_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = recorded(tmp_path)
    with file.open("ab") as torn:
        torn.write(b'{"type":"row","at_')  # a machine that lost its power
    assert main([str(file), "--out", str(tmp_path / "plots")]) == 0
    said = capsys.readouterr().out
    assert "tracking error: p50 10.0" in said
    assert "force: p50 4.0" in said and "round trip: p50 40.0" in said
    assert "stop      stop      operator" in said
    for name in ("tracking", "force", "delay"):
        assert "<polyline" in (tmp_path / "plots" / f"{name}.svg").read_text(encoding="utf-8")
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert main([str(empty)]) == 1
