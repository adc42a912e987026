"""A session is kept as it was, whatever the disk does, and told again with the same figures."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from clients.robot import recorder as recording
from clients.robot import replay
from clients.robot.record import Commanded, Framed, Happening, NotARecord, Observed, Reader, State
from clients.robot.recorder import Recorder
from clients.robot.servo import Settings
from clients.robot.servo_messages import Status
from control.events import Event
from control.messages import Cause, Flag, Mode, encode
from tests.clients.robot.test_operator import status
from tests.control.bench import HELD, KEY, OTHER_KEY, SKIN, Bench
from tests.server_process import ROOT

GRANTED = Event(1, "granted", Cause.NONE, "p7", {"epoch": 1.0})


class Recorded(Bench):
    """A bench of which everything is kept, as the agent does it."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder
        self.came = self.told = 0
        self.forces: list[float] = []
        robot, command, observation = self.robot, self.robot.command, self.robot.observation
        frame = robot.frame

        def keep_command(data: bytes, now_us: int) -> bool:
            recorder.command(data, KEY, now_us)
            self.came += 1
            return command(data, now_us)

        def keep_observation(now_us: int) -> bytes | None:
            if data := observation(now_us):
                recorder.observed(data)
                self.told += 1
                self.forces.append(self.pressed_n)
            return data

        def keep_frame(rtp: int, captured_us: int) -> None:
            recorder.frame(rtp, captured_us)
            frame(rtp, captured_us)

        robot.command, robot.observation = keep_command, keep_observation  # type: ignore[method-assign]
        robot.frame = keep_frame  # type: ignore[method-assign]

    def step(self) -> None:
        super().step()
        if self.steps % 25 == 0:
            for event in self.robot.drain():
                self.recorder.event(event)
            self.recorder.status(stated(self))


def stated(bench: Bench) -> Status:
    now = bench.robot.state(bench.now_us)
    return status(
        at_us=now.at_us,
        mode=int(now.mode),
        holder=now.holder,
        epoch=now.epoch,
        force=now.force,
        round_trip_us=now.round_trip_us,
        picture_age_us=now.picture_age_us,
        late_us=250,
    )


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with Recorder(tmp_path, Settings()) as recorder:
        yield recorder


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("record/*"))


def scanned(folder: Path) -> tuple[Path, Recorded]:
    """Two seconds of pressing, some commands lost, then a stop by somebody in the room."""
    with Recorder(folder, Settings()) as recorder:
        bench = Recorded(recorder)
        bench.engage()
        bench.aim((SKIN[0], SKIN[1], SKIN[2] - 0.016))
        bench.run(1.5)
        bench.hand = replace(bench.hand, sequence=bench.hand.sequence + 7)  # lost on their way
        bench.run(0.5)
        bench.robot.stop(bench.now_us, "p7")
        bench.run(0.5)
    return files(folder)[-1], bench


def test_a_session_is_told_again_with_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, bench = scanned(tmp_path)
    reader = Reader(file)
    session = replay.Session(reader.begins)
    session.read(reader)
    assert (reader.begins.epoch, reader.damaged, reader.cut_off) == (1, [], False)
    assert session.lost == 7
    # One status after the grant until it is kept: 50 ms.
    assert bench.came - 6 <= len(session.commands) <= bench.came, "as often as they came"
    assert bench.told - 6 <= len(session.force_n) <= bench.told
    assert max(n for _, n in session.force_n) == pytest.approx(max(bench.forces), abs=0.3)
    assert {ms for _, ms in session.round_trip_ms} <= {0.0, 2.0, 4.0, 6.0, 8.0, 10.0}
    assert 0 <= max(ms for _, ms in session.picture_ms) <= 40
    last_mm = session.tracking_mm[-1][1]
    sunk_m = SKIN[2] - max(bench.forces) / 500
    assert last_mm == pytest.approx(1000 * abs(bench.hand.position[2] - sunk_m), abs=0.5)
    events = [(event.kind, event.cause, event.text) for event in session.events]
    assert events[0] == ("granted", "none", "ann")
    assert ("stop", "stop", "p7") in events and ("ended", "stop", "stopped") in events

    assert replay.main([str(file), "--out", str(tmp_path / "picture.svg")]) == 0
    told = capsys.readouterr().out
    assert "7 lost" in told and "stop p7 (stop)" in told and "max 8." in told
    drawn = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    for words in ("Tracking error", "Delay", "Contact force", "stop p7 (stop)"):
        assert words in drawn
    assert drawn.count("<polyline") >= 6  # an error, two delays, a force and its limits


def test_the_picture_s_age_is_the_one_that_the_robot_judged(
    recorder: Recorder, tmp_path: Path
) -> None:
    bench = Recorded(recorder)
    bench.engage()
    bench.sees = False  # her screen hangs: the same frame, the same observation
    bench.run(0.2)
    judged = bench.robot.state(bench.now_us)
    recorder.close()
    reader = Reader(files(tmp_path)[-1])
    session = replay.Session(reader.begins)
    session.read(reader)
    assert judged.picture_age_us and judged.round_trip_us
    assert session.picture_ms[-1][1] == pytest.approx(judged.picture_age_us / 1000, abs=10)
    assert session.round_trip_ms[-1][1] == pytest.approx(judged.round_trip_us / 1000, abs=10)


def test_only_the_holder_s_own_words_are_kept_and_no_key(
    recorder: Recorder, tmp_path: Path
) -> None:
    bench = Recorded(recorder)
    bench.engage()
    before = bench.hand.sequence
    forged = replace(bench.hand, sequence=before + 1)
    recorder.command(encode(forged, OTHER_KEY), KEY, bench.now_us)
    recorder.close()
    lines = list(Reader(files(tmp_path)[-1]))
    commands = [line for line in lines if isinstance(line, Commanded)]
    assert commands and max(command.sequence for command in commands) == before
    assert commands[-1].flags == HELD == Flag.DEADMAN | Flag.SEES
    assert all(any(isinstance(line, kind) for line in lines) for kind in (Observed, Framed, State))
    text = gzip.decompress(files(tmp_path)[-1].read_bytes())
    assert KEY not in text and KEY.hex().encode() not in text
    assert files(tmp_path)[-1].stat().st_mode & 0o077 == 0


def test_nobody_in_control_is_one_state_a_second(recorder: Recorder, tmp_path: Path) -> None:
    for at_us in range(1_000_000, 4_000_000, 50_000):
        recorder.status(status(at_us=at_us, mode=Mode.IDLE, late_us=at_us // 100))
        recorder.observed(b"told to those who look on")
    recorder.close()
    lines = list(Reader(files(tmp_path)[0]))
    assert [type(line) for line in lines] == [State] * 3
    assert isinstance(lines[1], State) and lines[1].late_us == 20_000, "the worst between"


def test_each_grant_is_a_file_in_parts_and_the_oldest_go(tmp_path: Path) -> None:
    sizes = {"file_bytes": 3_000, "all_bytes": 14_000}
    with Recorder(tmp_path, Settings(), **sizes) as recorder:
        for epoch in range(1, 6):
            recorder.event(GRANTED._replace(figures={"epoch": float(epoch)}))
            for at in range(200):
                recorder.event(random_event(at))
    kept = [Reader(path).begins for path in files(tmp_path)]
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 14_000 + 500
    assert (kept[-1].epoch, kept[-1].part) > (5, 1)
    assert kept[0].epoch > 1
    assert Recorder(tmp_path, Settings()).last_epoch() == 5


def test_a_file_whose_writer_died_is_told_up_to_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, _ = scanned(tmp_path)
    whole = list(Reader(file))
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(file.read_bytes()[:-300])
    reader = Reader(cut)
    told = list(reader)
    assert reader.cut_off and not reader.damaged
    assert 0.5 * len(whole) < len(told) < len(whole) and told == whole[: len(told)]
    assert replay.main([str(cut)]) == 0
    assert "never finished" in capsys.readouterr().err
    assert (tmp_path / "cut.svg").exists()

    plain = tmp_path / "plain.jsonl"
    plain.write_bytes(gzip.decompress(file.read_bytes())[:-30])
    reader = Reader(plain)
    assert list(reader) == whole[:-1] and reader.cut_off


def test_what_is_damaged_is_passed_over_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, _ = scanned(tmp_path)
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    lines[3] = b"\xff\x00{" + lines[3][3:]
    lines[10] = b'{"type":"tea"}\n'
    hurt = tmp_path / "hurt.jsonl"
    hurt.write_bytes(b"".join(lines))
    assert replay.main([str(hurt)]) == 3
    said = capsys.readouterr()
    assert "2 damaged lines passed over: 4, 11" in said.err and "stop p7 (stop)" in said.out

    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    flipped = tmp_path / "flipped.jsonl.gz"
    flipped.write_bytes(data)
    assert replay.main([str(flipped)]) == 3
    assert "granted ann" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\x00\xff" * 500, b'{"type":"row"}\n', b"7"])
def test_what_is_no_record_is_said(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in (
        ("none.jsonl", content),
        ("none.jsonl.gz", content),
        ("zipped.jsonl.gz", gzip.compress(content)),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(NotARecord):
            Reader(path)
        assert replay.main([str(path)]) == 1
        assert "no record" in capsys.readouterr().err
    assert replay.main([str(tmp_path / "nowhere")]) == 1


def test_a_disk_that_cannot_be_written_is_said_once_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with Recorder(tmp_path / "file", Settings()) as recorder:
        bench = Recorded(recorder)
        bench.engage()
        bench.run(0.5)
        assert bench.robot.mode is Mode.FOLLOWING
    assert [words.split(":")[0] for words in recorder.troubles()] == ["not kept"]


FULL = """
import resource, sys
from pathlib import Path
from clients.robot.recorder import Recorder
from clients.robot.servo import Settings
from tests.clients.robot.test_record import GRANTED, files, random_event
folder = Path(sys.argv[1])
recorder = Recorder(folder, Settings())
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))  # what a full disk does, from here on
recorder.event(GRANTED)
told = []
for at in range(600):
    recorder.event(random_event(at))
while not told:
    told += recorder.troubles()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
recorder.event(GRANTED._replace(figures={"epoch": 2.0}))
recorder.close()
print(told + recorder.troubles())
"""


def random_event(at: int) -> Event:
    return Event(at, "fault", Cause.ARM, f"{at * 7919 % 65537:x}" * 4, {})


def test_a_full_disk_is_said_and_tried_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['the disk is full', 'kept again']", done.stderr
    first, second = files(tmp_path)
    assert len(list(Reader(first))) > 10, "what there was room for can be read"
    (line,) = Reader(second)
    assert isinstance(line, Happening) and line.figures == {"epoch": 2.0}


def test_a_disk_that_hangs_delays_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    keep = recording._Disk.keep

    def hang(disk: recording._Disk, line: recording.AnyLine) -> None:
        goes_on.wait()
        keep(disk, line)

    monkeypatch.setattr(recording._Disk, "keep", hang)
    with Recorder(tmp_path, Settings()) as recorder:
        began_s = time.thread_time()
        for at in range(recording.QUEUE_MAX + 500):
            recorder.event(Event(at, "mode", Cause.NONE, "idle", {}))
        assert time.thread_time() - began_s < 1.0
        assert recorder.troubles() == ["the disk does not keep up"]
        goes_on.set()
    (file,) = files(tmp_path)
    assert len(list(Reader(file))) == pytest.approx(recording.QUEUE_MAX, abs=1)


def test_lines_are_read_by_other_tools_too(recorder: Recorder, tmp_path: Path) -> None:
    recorder.event(GRANTED)
    recorder.close()
    first, second = gzip.decompress(files(tmp_path)[0].read_bytes()).splitlines()
    assert msgspec.json.decode(first)["preset"] == "abdomen"
    assert msgspec.json.decode(second)["kind"] == "granted"
