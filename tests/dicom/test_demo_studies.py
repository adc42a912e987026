"""The demonstration's studies: sent once, whole, with a geometry that volumes are made of."""

from __future__ import annotations

import asyncio
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest

from clients import phantom, studies
from tests.dicom.film import Film

SCAN = studies.Scan("a test", "20260101", 64, 5, 4.0, 7.5)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "SCANS", (SCAN,))


@pytest.fixture
def film(tmp_path: Path) -> Iterator[Film]:
    made = Film(tmp_path)
    yield made
    made.close()


@pytest.mark.usefixtures("few")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_they_are_sent_once(film: Film) -> None:
    token = film.token("operator")
    assert asyncio.run(studies.send(film.url, token)) == SCAN.count + 1 + len(studies.REAL)
    assert asyncio.run(studies.send(film.url, token)) == 0
    found = film.get("/studies").json()
    assert len(found) == 1 + len(studies.REAL)
    names = [one["00100010"].get("Value", [{}])[0].get("Ideographic") for one in found]
    assert "王^小东" in names
    [report] = film.get(f"/studies/{studies.uid(SCAN.name)}/instances?Modality=DOC").json()
    address = report["00081190"]["Value"][0].removeprefix(film.root)
    shown = film.get(address + "/rendered")
    assert shown.headers["Content-Type"] == "application/pdf"
    assert shown.content.endswith(b"%%EOF\n")


@pytest.mark.usefixtures("few")
def test_the_simulated_scan_is_a_volume() -> None:
    _, count, instances = list(studies.studies())[-1]
    images = [pydicom.dcmread(io.BytesIO(content)) for content in instances][:-1]
    assert len(images) == count - 1 == SCAN.count
    heights = [image.ImagePositionPatient[2] for image in images]
    assert np.allclose(np.diff(heights), SCAN.thickness_mm)
    assert len({image.FrameOfReferenceUID for image in images}) == 1
    assert len({image.SOPInstanceUID for image in images}) == SCAN.count
    [again, *_] = list(studies.studies())[-1][2]
    assert pydicom.dcmread(io.BytesIO(again)) == images[0]


def test_what_is_drawn_has_its_density() -> None:
    planes = phantom.slices(256, 3, 1.0)
    step = phantom.FIELD_MM / 256

    def at(x: float, y: float) -> float:
        column, row = round(x / step + 127.5), round(y / step + 127.5)
        return float(np.mean(planes[1, row - 2 : row + 3, column - 2 : column + 3]))

    assert at(-72, 60) == pytest.approx(phantom.LUNG, abs=15)
    assert at(26, -26) == pytest.approx(phantom.BLOOD, abs=15)
    assert at(0, -165) == pytest.approx(phantom.AIR, abs=30)
    assert at(0, 88) == pytest.approx(25, abs=15)


@pytest.mark.usefixtures("few")
def test_dciodvfy_finds_no_error(tmp_path: Path) -> None:
    path = tmp_path / "image"
    _, _, instances = list(studies.studies())[-1]
    every = list(instances)
    for content in (every[0], every[-1]):
        path.write_bytes(content)
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True)
        errors = [line for line in said.stderr.splitlines() if line.startswith("Error")]
        assert errors == []
