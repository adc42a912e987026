"""What comes in is found again bit for bit; what cannot be, is put aside and changes nothing."""

from __future__ import annotations

import errno
import hashlib
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from sqlalchemy import select

from dicom import database, header, schema
from dicom.errors import DicomError, StorageFull
from dicom.ingest import Expected, Ingest, Kind, Sender
from dicom.objects import NAMES_AHEAD, NAMES_LEAST, LocalObjects
from dicom.operator import quarantined
from dicom.query import Level
from tests.dicom.conftest import House
from tests.dicom.samples import REAL, ct, part10, real
from tests.server_process import ROOT


def test_an_instance_is_stored_as_it_came_and_found(house: House) -> None:
    content = part10(ct())
    outcome = house.store(content)
    assert outcome.kind is Kind.STORED
    assert house.read("1.2.3.4.1") == content
    stored = house.archive.instance({"default"}, "1.2.3.4.1")
    assert (stored.rows, stored.columns, stored.frames) == (16, 24, 1)
    assert stored.digest == hashlib.sha256(content[stored.data_at :]).digest()
    [row] = house.archive.find(Level.STUDY, {"default"}, {})
    assert row["PatientName"] == "Zhang^San"
    assert row["NumberOfStudyRelatedInstances"] == 1


def test_all_real_files_come_out_as_they_went_in(house: House) -> None:
    """Each into an institution of its own, because several share a UID."""
    sent = {}
    for number, path in enumerate(REAL):
        draft = house.ingest.draft()
        draft.path.write_bytes(path.read_bytes())
        sent[number] = house.ingest.submit(draft, Sender(str(number)))
    kept = 0
    for number, future in sent.items():
        outcome = future.result(60)
        if outcome.kept:
            kept += 1
            assert house.read(outcome.sop_instance, str(number)) == REAL[number].read_bytes()
        else:
            assert outcome.reason in {
                *("not DICOM", "no UID", "bad UID", "mismatch", "truncated", "malformed"),
                "transfer syntax",
            }, REAL[number]
    assert kept >= 130


def test_the_same_again_is_as_good_as_stored(house: House) -> None:
    content = part10(ct())
    assert house.store(content).kind is Kind.STORED
    assert house.store(content).kind is Kind.ALREADY
    [row] = house.archive.find(Level.SERIES, None, {})
    assert row["NumberOfSeriesRelatedInstances"] == 1


def test_other_bytes_under_the_same_uid_replace_nothing(house: House) -> None:
    content, other = part10(ct()), part10(ct(PatientName="Li^Si"))
    house.store(content)
    outcome = house.store(other)
    assert outcome.kind is Kind.CONFLICT
    assert house.read("1.2.3.4.1") == content
    assert [path.read_bytes() for path in (house.root / "quarantine").iterdir()] == [other]


def test_the_same_uid_twice_at_once(house: House) -> None:
    drafts = []
    for name in ("Zhang^San", "Li^Si", "Zhang^San"):
        draft = house.ingest.draft()
        draft.path.write_bytes(part10(ct(PatientName=name)))
        drafts.append(draft)
    said = [house.ingest.submit(draft, Sender("default")) for draft in drafts]
    kinds = sorted(future.result(60).kind for future in said)
    assert kinds in (["already there", "conflict", "stored"], ["conflict", "conflict", "stored"])


def test_institutions_are_apart(house: House) -> None:
    for name in ("a", "b"):
        assert house.store(part10(ct(PatientName=name)), Sender(name)).kind is Kind.STORED
    rows = {name: house.archive.find(Level.STUDY, {name}, {}) for name in ("a", "b", "c")}
    assert [len(found) for found in rows.values()] == [1, 1, 0]
    assert rows["b"][0]["PatientName"] == "b"


def test_counts_grow_with_the_instances(house: House) -> None:
    for series in ("1.2.3.4", "1.2.3.5"):
        for number in range(3):
            kind = "CT" if series.endswith("4") else "SR"
            house.store(part10(ct(number, series=series, Modality=kind)))
    [row] = house.archive.find(Level.STUDY, None, {})
    assert row["NumberOfStudyRelatedSeries"] == 2
    assert row["NumberOfStudyRelatedInstances"] == 6
    assert row["ModalitiesInStudy"] == "CT\\SR"


def without_pixels(length: int) -> bytes:
    whole = part10(ct())
    return whole[: len(whole) - length]


def with_preamble(start: bytes) -> bytes:
    return start.ljust(128, b"\0") + part10(ct())[128:]


def with_syntax(uid: bytes) -> bytes:
    return part10(ct()).replace(b"1.2.840.10008.1.2.1\0", uid + b"\0", 1)


def bomb() -> bytes:
    image = ct()
    image.add_new(0x00091010, "OB", bytes(80 << 20))
    whole = part10(image, "1.2.840.10008.1.2.1.99")
    assert len(whole) < 1 << 20
    return whole


def deep_sequences() -> bytes:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    sequence = struct.pack("<HH2sHI", 0x0009, 0x1010, b"SQ", 0, 0xFFFFFFFF)
    return part10(ct(PixelData=None)) + (sequence + item) * 5000


BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nothing": ("not DICOM", lambda: b""),
    "a web page": ("not DICOM", lambda: b"<html>" * 100),
    "cut in its pixels": ("truncated", lambda: without_pixels(100)),
    "cut in its header": ("truncated", lambda: part10(ct())[:600]),
    "no study": ("no UID", lambda: part10(ct(StudyInstanceUID=None))),
    "a path for a UID": ("bad UID", lambda: part10(ct(SOPInstanceUID="../../../etc/passwd"))),
    "a long UID": ("bad UID", lambda: part10(ct(SeriesInstanceUID="1." * 40 + "1"))),
    "pixels that are not there": ("size", lambda: part10(ct(Rows=65535, Columns=65535))),
    "frames that are not there": ("size", lambda: part10(ct(NumberOfFrames=1000))),
    "no frames": ("size", lambda: part10(ct(NumberOfFrames=-5))),
    "an unknown transfer syntax": ("transfer syntax", lambda: with_syntax(b"1.2.840.10008.1.2.9")),
    "a program for Windows": ("program", lambda: with_preamble(b"MZ\x90")),
    "a program for Linux": ("program", lambda: with_preamble(b"\x7fELF")),
    "a script": ("program", lambda: with_preamble(b"#!/bin/sh\n")),
    "a bomb": ("bomb", bomb),
    "deep sequences": ("malformed", deep_sequences),
    "deflated rubbish": (
        "malformed",
        lambda: part10(ct(), "1.2.840.10008.1.2.1.99")[:400] + b"\xff" * 200,
    ),
}


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_kept_is_put_aside(house: House, name: str) -> None:
    reason, make = BAD[name]
    content = make()
    outcome = house.store(content)
    assert (outcome.kind, outcome.reason) == (Kind.REFUSED, reason)
    assert outcome.detail
    assert house.archive.find(Level.INSTANCE, None, {}) == []
    assert [path.read_bytes() for path in (house.root / "quarantine").iterdir()] == [content]
    assert not any(house.written())
    with database.reading(database.url_of(house.root)).connect() as connection:
        [row] = connection.execute(select(schema.quarantine)).mappings()
    assert row["reason"] == reason and row["size"] == len(content)


def test_the_operator_sees_what_was_put_aside(house: House, tmp_path: Path) -> None:
    assert list(quarantined(tmp_path)) == []
    house.store(b"rubbish")
    [line] = quarantined(house.root)
    [file] = (house.root / "quarantine").iterdir()
    assert file.name in line and "from 'SCANNER'  not DICOM: no DICM" in line
    command = [sys.executable, "-m", "server.cli", "dicom-quarantine", "--data-dir", str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.stdout.strip() == line


def test_what_was_announced_must_come(house: House) -> None:
    for expected in (Expected(sop_instance="1.2"), Expected(study="1.2"), Expected("1.2")):
        assert house.store(part10(ct()), expected=expected).reason == "mismatch"


def test_a_series_stays_in_its_study(house: House) -> None:
    house.store(part10(ct(1)))
    assert house.store(part10(ct(2, study="9.9"))).reason == "mismatch"
    assert house.store(part10(ct(3))).kept


def test_one_bad_instance_in_a_batch_harms_no_other(house: House) -> None:
    house.store(part10(ct(1)))
    images = [ct(2), ct(3, study="9.9"), ct(4)]
    futures = []
    for image in images:
        draft = house.ingest.draft()
        draft.path.write_bytes(part10(image))
        futures.append(house.ingest.submit(draft, Sender("default")))
    assert [future.result(60).kept for future in futures] == [True, False, True]
    assert house.read("1.2.3.4.4") == part10(ct(4))


def test_two_patients_in_one_study_are_marked(house: House) -> None:
    house.store(part10(ct(1)))
    house.store(part10(ct(2, PatientID="P2")))
    with database.reading(database.url_of(house.root)).connect() as connection:
        assert connection.scalars(select(schema.study.c.patients_differ)).all() == [True]


@pytest.mark.parametrize(
    ("tag", "fallback"), [(None, ""), ("ISO_IR 100", "gb18030"), ("GB18030", ""), ("", "gbk")]
)
def test_chinese_is_read_whatever_the_label(house: House, tag: str | None, fallback: str) -> None:
    image = ct()
    image.SpecificCharacterSet = "GB18030"
    image.PatientName = "王^小东"
    image.StudyDescription = "胸部CT平扫"
    whole = part10(image)
    label = b"\x08\x00\x05\x00CS\x08\x00GB18030 "
    assert label in whole
    if tag is None:
        whole = whole.replace(label, b"")
    else:
        padded = tag.encode() + b" " * (len(tag) % 2)
        whole = whole.replace(label, label[:6] + struct.pack("<H", len(padded)) + padded)
    assert house.store(whole, Sender("default", fallback=fallback)).kept
    [row] = house.archive.find(Level.STUDY, None, {"PatientName": "王*"})
    assert row["StudyDescription"] == "胸部CT平扫"
    assert house.read("1.2.3.4.1") == whole


def test_what_a_crash_left_is_gone_at_the_next_start(house: House) -> None:
    kept = part10(ct(1))
    house.store(kept)
    house.ingest.draft().path.write_bytes(b"half")
    house.ingest.close()
    house.ingest = Ingest(house.root)
    assert house.store(part10(ct(2))).kept
    assert sorted(house.written()) == sorted([kept, part10(ct(2))])
    assert house.read("1.2.3.4.1") == kept


def test_names_are_made_before_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = LocalObjects(tmp_path / "objects")
    objects.prepare()
    keys = [objects.draft() for _ in range(NAMES_AHEAD - NAMES_LEAST)]
    objects.close()  # what was begun beside them is done

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", full)
    keys += [objects.draft() for _ in range(NAMES_AHEAD + NAMES_LEAST)]
    objects.close()
    assert len(set(keys)) == 2 * NAMES_AHEAD
    assert all(objects.path(key).exists() for key in keys)
    with pytest.raises(StorageFull):
        objects.draft()


def test_two_writers_do_not_share_a_directory(house: House) -> None:
    with pytest.raises(DicomError, match="another server"):
        Ingest(house.root)


def test_the_same_uid_twice_at_once_when_the_first_is_refused(house: House) -> None:
    house.store(part10(ct(1)))
    images = [ct(2, study="9.9"), ct(2), ct(2)]
    futures = []
    for image in images:
        draft = house.ingest.draft()
        draft.path.write_bytes(part10(image))
        futures.append(house.ingest.submit(draft, Sender("default")))
    kept = [future.result(60).kept for future in futures]
    assert kept == [False, True, True]


def test_deflated_objects_are_read(house: House) -> None:
    content = part10(ct(), "1.2.840.10008.1.2.1.99")
    assert house.store(content).kept
    stored = house.archive.instance(None, "1.2.3.4.1")
    assert stored.pixel_at is None and stored.rows == 16
    assert zlib.decompress(content[stored.data_at :], -15)


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_bigendian.dcm", "US1_J2KR.dcm", "image_dfl.dcm"]
)
def test_the_header_says_what_pydicom_says(name: str) -> None:
    found, image = header.read(real(name)), pydicom.dcmread(real(name))
    for keyword in ("PatientID", "Modality", "StudyDate", "StudyInstanceUID"):
        assert found.text.get(keyword, "") == str(image.get(keyword, ""))
    assert found.numbers["Rows"] == image.Rows
