"""Finding what is there, and nothing that one may not see."""

from __future__ import annotations

from typing import Any

import pydicom
import pytest
from pydicom.encaps import generate_frames

from dicom import way
from dicom.errors import NotFound
from dicom.ingest import Sender
from dicom.query import Level
from tests.dicom.conftest import House
from tests.dicom.samples import REAL, ct, part10


@pytest.fixture
def studies(house: House) -> House:
    """Three studies."""
    for number, (name, date, accession) in enumerate(
        [("Zhang^San", "20260101", "A1"), ("ZHANG^Wei", "20260215", "A2"), ("O'Brien^Ann", "", "")]
    ):
        study = f"1.2.{number}"
        image = ct(1, study, f"{study}.1", PatientName=name, PatientID=f"P{number}")
        image.StudyDate, image.AccessionNumber = date, accession
        image.Modality = "MR" if number else "CT"
        house.store(part10(image))
    return house


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ({}, {"1.2.0", "1.2.1", "1.2.2"}),
        ({"PatientName": "*"}, {"1.2.0", "1.2.1", "1.2.2"}),
        ({"PatientName": "zhang*"}, {"1.2.0", "1.2.1"}),
        ({"PatientName": "ZHANG^SAN"}, {"1.2.0"}),
        ({"PatientName": "*wei"}, {"1.2.1"}),
        ({"PatientName": "Zhang^S?n"}, {"1.2.0"}),
        ({"PatientName": "Zhang"}, set()),
        ({"PatientName": "o'brien*"}, {"1.2.2"}),
        ({"PatientName": "'; drop table study; --"}, set()),
        ({"PatientName": "%"}, set()),
        ({"PatientName": "*a*wei"}, {"1.2.1"}),
        ({"PatientName": "*W*"}, {"1.2.1"}),
        ({"PatientName": "z*", "PatientID": "?0"}, {"1.2.0"}),
        ({"PatientID": "*1"}, {"1.2.1"}),
        ({"PatientID": "*1", "PatientName": "*san*"}, set()),
        ({"PatientID": "P*"}, {"1.2.0", "1.2.1", "1.2.2"}),
        ({"PatientID": "P_"}, set()),
        ({"PatientID": "P?"}, {"1.2.0", "1.2.1", "1.2.2"}),
        ({"StudyDate": "20260101"}, {"1.2.0"}),
        ({"StudyDate": "20260101-20260201"}, {"1.2.0"}),
        ({"StudyDate": "-20260215"}, {"1.2.0", "1.2.1"}),
        ({"StudyDate": "20260102-"}, {"1.2.1"}),
        ({"AccessionNumber": "A2"}, {"1.2.1"}),
        ({"StudyInstanceUID": "1.2.0\\1.2.2"}, {"1.2.0", "1.2.2"}),
        ({"ModalitiesInStudy": "MR"}, {"1.2.1", "1.2.2"}),
        ({"ModalitiesInStudy": "MR\\CT"}, {"1.2.0", "1.2.1", "1.2.2"}),
        ({"ModalitiesInStudy": "M"}, set()),
        ({"NumberOfStudyRelatedInstances": "1"}, {"1.2.0", "1.2.1", "1.2.2"}),
        ({"NumberOfStudyRelatedInstances": "x"}, set()),
        ({"NotAnAttribute": "x"}, {"1.2.0", "1.2.1", "1.2.2"}),
    ],
)
def test_matching(
    studies: House, match: dict[str, str], found: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for few in (way.FEW, 1, 0):  # also by the ways that a large archive takes
        monkeypatch.setattr(way, "FEW", few)
        rows = studies.archive.find(Level.STUDY, {"default"}, match)
        assert {row["StudyInstanceUID"] for row in rows} == found
        assert [row["StudyDate"] for row in rows] == sorted(
            (row["StudyDate"] for row in rows), reverse=True
        )


def test_the_newest_study_comes_first_and_pages_do_not_overlap(studies: House) -> None:
    pages = [studies.archive.find(Level.STUDY, None, {}, limit=2, offset=at) for at in (0, 2)]
    assert [[row["StudyInstanceUID"] for row in page] for page in pages] == [
        ["1.2.1", "1.2.0"],
        ["1.2.2"],
    ]


@pytest.mark.parametrize("level", list(Level))
def test_every_level_is_found_and_bounded_to_who_may_see_it(studies: House, level: Level) -> None:
    assert len(studies.archive.find(level, {"default"}, {"PatientID": "P1"})) == 1
    assert studies.archive.find(level, {"another"}, {}) == []
    assert studies.archive.find(level, set(), {}) == []


def test_instances_are_in_order(house: House) -> None:
    for number in (10, 2, 1):
        house.store(part10(ct(number)))
    found = house.archive.instances({"default"}, "1.2.3", "1.2.3.4")
    assert [instance.number for instance in found] == [1, 2, 10]


@pytest.mark.parametrize(
    "asked",
    [
        {"uid": "1.2.3.4.1", "institutions": {"another"}},
        {"uid": "1.2.3.4.2"},
        {"uid": "1.2.3.4.1", "study": "9"},
        {"uid": "1.2.3.4.1", "series": "9"},
    ],
)
def test_what_is_not_there_or_not_yours_is_not_found(house: House, asked: dict[str, Any]) -> None:
    house.store(part10(ct()))
    with pytest.raises(NotFound):
        house.archive.instance(**({"institutions": {"default"}} | asked))


def test_every_frame_of_every_real_file_is_where_the_index_says(house: House) -> None:
    compared = 0
    for number, path in enumerate(REAL):
        draft = house.ingest.draft()
        draft.path.write_bytes(path.read_bytes())
        outcome = house.ingest.submit(draft, Sender(str(number))).result(60)
        if not outcome.kept:
            continue
        stored = house.archive.instance({str(number)}, outcome.sop_instance)
        if stored.pixel_at is None or stored.frames == 0:
            continue
        image = pydicom.dcmread(path)
        with house.archive.open(stored) as file:
            for frame in (1, stored.frames):
                spans = house.archive.frame(stored, frame, file)
                data = b""
                for span in spans:
                    file.seek(span.at)
                    data += file.read(span.length)
                if stored.encapsulated:
                    every = list(generate_frames(image.PixelData, number_of_frames=stored.frames))
                    assert data == every[frame - 1], path.name
                else:
                    length = len(image.PixelData) // stored.frames
                    assert image.PixelData[(frame - 1) * length :].startswith(data), path.name
                compared += 1
            with pytest.raises(NotFound):
                house.archive.frame(stored, stored.frames + 1, file)
    assert compared > 150
