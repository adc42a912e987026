"""Stills and clips of an ultrasound examination come into the case, over HTTP."""

from __future__ import annotations

import io
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imagecodecs
import numpy as np
import pydicom
import pytest
import requests
from pydicom import Dataset

from dicom.captures.clip import even
from dicom.web import capturing
from server.identity import sign
from signaling import film as shared
from signaling.sitting import Sitting
from tests.dicom.film import Film
from tests.dicom.samples import ct, part10

STUDY, ELSEWHERE = "1.2.3", "1.2.33"
BEGAN_MS = 1_795_000_000_000
PNG = imagecodecs.png_encode(
    np.random.default_rng(1).integers(0, 255, (48, 65, 3), np.uint8), level=1
)
BAR = 16  # columns
SHOWN_MS = [0, 100, 204, 300, 400, 1000, 1100]  # of each frame: one comes late


def webm(times_ms: Sequence[int] = SHOWN_MS, columns: int = 160) -> bytes:
    """As a browser records: frames with times of their own. A bright bar is at frame i's place."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = columns, 64, "yuv420p"
        stream.bit_rate = 2_000_000
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index, at_ms in enumerate(times_ms):
            picture = np.full((64, columns, 3), 30, np.uint8)
            picture[:, BAR * index : BAR * (index + 1)] = 220
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


WEBM = webm()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    made = Film(tmp_path_factory.mktemp("film"))
    assert made.store(part10(ct(1, STUDY))).kept
    there = ct(1, ELSEWHERE, f"{ELSEWHERE}.1", PatientName="Li^Si", PatientID="P7")
    assert made.store(part10(there), "elsewhere").kept
    yield made
    made.close()


@pytest.fixture
def room() -> shared.Film:
    """What the room looks at."""
    return shared.Film()


@pytest.fixture
def film(house: Film, room: shared.Film) -> Iterator[Film]:
    house.sitting = Sitting("sono", BEGAN_MS, room)
    house.as_role("specialist")
    yield house
    house.sitting = house.given = None


def keep(
    film: Film, content: bytes = PNG, media: str = "image/png", capture: str = "", **query: str
) -> requests.Response:
    url = f"{film.url}/api/film/captures/{capture or uuid.uuid4()}"
    return film.http.put(url, data=content, params=query, headers={"Content-Type": media})


def stored(film: Film, made: dict[str, str]) -> Dataset:
    """The object as anybody retrieves it."""
    path = "/studies/{study}/series/{series}/instances/{instance}".format(**made)
    answer = film.get(path, headers={"Accept": "application/dicom"})
    assert answer.status_code == 200, answer.text
    return pydicom.dcmread(io.BytesIO(answer.content))


def frame(film: Film, made: dict[str, str], number: int) -> Any:
    path = "/studies/{study}/series/{series}/instances/{instance}".format(**made)
    accept = {"Accept": "application/octet-stream"}
    content = film.get(f"{path}/frames/{number}", headers=accept).content
    image = stored(film, made)
    return np.frombuffer(content, np.uint8)[: image.Rows * image.Columns * 3].reshape(
        image.Rows, image.Columns, 3
    )


def errors_in(image: Dataset, tmp_path: Path) -> list[str]:
    path = tmp_path / "made.dcm"
    image.save_as(path)
    ran = subprocess.run(["dciodvfy", "-new", path], capture_output=True, timeout=60)
    lines = (ran.stdout + ran.stderr).decode(errors="replace").splitlines()
    return [line for line in lines if "Error" in line]


def test_a_still_joins_the_study_that_is_open(film: Film, tmp_path: Path) -> None:
    answer = keep(film, study=STUDY, age_ms="60000")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["study"], made["patient"]) == (STUDY, "Zhang San")
    [row] = film.get(
        f"/studies/{STUDY}/instances", params={"SeriesInstanceUID": made["series"]}
    ).json()
    assert row["00080018"]["Value"] == [made["instance"]]
    assert row["00080060"]["Value"] == ["US"]
    assert np.array_equal(frame(film, made, 1), imagecodecs.png_decode(PNG))
    image = stored(film, made)
    assert (image.PatientID, str(image.PatientName)) == ("P1", "Zhang^San")
    assert image.SOPClassUID == "1.2.840.10008.5.1.4.1.1.6.1"
    assert image.LossyImageCompression == "01"
    assert image.AcquisitionDateTime < image.InstanceCreationDate + image.InstanceCreationTime
    assert "SequenceOfUltrasoundRegions" not in image  # nothing is known of its scale
    assert errors_in(image, tmp_path) == []


def test_a_clip_is_a_film_at_an_even_rate(film: Film, tmp_path: Path) -> None:
    answer = keep(film, WEBM, "video/webm;codecs=vp8", study=STUDY)
    assert answer.status_code == 201, answer.text
    image = stored(film, answer.json())
    assert image.SOPClassUID == "1.2.840.10008.5.1.4.1.1.3.1"
    assert image.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert (float(image.FrameTime), image.FrameIncrementPointer) == (100, 0x00181063)
    assert image.NumberOfFrames == 12  # 1.1 s, from the first to the last
    shown = [0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 5, 6]  # what froze stays for as long
    for number, index in enumerate(shown, 1):
        bright = frame(film, answer.json(), number)[:, :, 1].mean(axis=0) > 128
        assert abs(np.flatnonzero(bright).mean() - BAR * (index + 0.5)) < 2, number
    assert errors_in(image, tmp_path) == []


def test_without_an_open_study_nobody_is_guessed(film: Film, room: shared.Film) -> None:
    first, second = keep(film).json(), keep(film, WEBM, "video/webm").json()
    assert first["patient"] == ""
    assert first["study"] == second["study"]
    assert keep(film).json()["series"] == first["series"] != second["series"]
    image = stored(film, first)
    assert str(image.PatientName.alphabetic) == "UNIDENTIFIED^sono"
    assert image.PatientID.startswith("UNIDENTIFIED-")
    assert [image.InstanceNumber, stored(film, second).InstanceNumber] == [1, 2]
    film.sitting = Sitting("sono", BEGAN_MS, room)  # the room's next consultation
    third = keep(film).json()
    assert third["study"] != first["study"]
    assert stored(film, third).PatientID != image.PatientID


def test_everybody_in_the_consultation_opens_it(film: Film, room: shared.Film) -> None:
    made = keep(film).json()
    film.as_role("student")
    found = {"StudyInstanceUID": made["study"]}
    film.given = ()
    assert film.get("/studies", params=found).json() == []
    film.given = room.given
    assert len(film.get("/studies", params=found).json()) == 1
    assert stored(film, made).Modality == "US"


def test_a_study_that_nobody_showed_is_shown_to_nobody(film: Film, room: shared.Film) -> None:
    assert keep(film, study=STUDY).status_code == 201
    assert room.given == ()


def test_the_patient_of_another_institution_keeps_its_number(film: Film, room: shared.Film) -> None:
    film.given = (shared.Given("county_doctor", "elsewhere", ELSEWHERE),)
    made = keep(film, study=ELSEWHERE).json()
    assert made["institution"] == "default"
    assert made["study"] != ELSEWHERE
    image = stored(film, made)
    assert (str(image.PatientName), image.PatientID) == ("Li^Si", "P7")
    assert image.IssuerOfPatientID == "elsewhere"
    again = keep(film, study=ELSEWHERE).json()
    assert again["study"] == made["study"]


def test_a_study_that_names_several_patients_names_none(film: Film) -> None:
    for number, patient in enumerate(("P1", "P2"), 1):
        assert film.store(part10(ct(number, "1.2.44", "1.2.44.1", PatientID=patient))).kept
    made = keep(film, study="1.2.44").json()
    assert made["patient"] == ""
    assert made["study"] != "1.2.44"


def test_sent_twice_it_is_stored_once(film: Film) -> None:
    capture = str(uuid.uuid4())
    first = keep(film, capture=capture)
    again = keep(film, capture=capture)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["instance"] == again.json()["instance"]
    found = film.get(f"/studies/{first.json()['study']}/instances").json()
    assert len(found) == 1


@pytest.mark.parametrize("role", ["student", "patient", "interpreter", "device"])
def test_only_doctors_keep(film: Film, role: Any) -> None:
    film.as_role(role)
    assert keep(film).status_code == 403


def test_who_is_no_member_keeps_nothing(film: Film) -> None:
    assert keep(film, study=ELSEWHERE).status_code == 404  # not his to see
    guest = sign(film.key, "room", "specialist", institution="default", guest=True)
    film.http.headers["Authorization"] = f"Bearer {guest}"
    assert keep(film).status_code == 403
    film.as_role("specialist")
    film.http.post(film.url + "/api/dicomweb/session")
    del film.http.headers["Authorization"]
    assert keep(film).status_code == 401  # a cookie reads, and no more
    film.http.cookies.clear()
    film.as_role("specialist")
    film.sitting = None
    assert keep(film).status_code == 409


def test_a_token_may_end_while_its_holder_sits_there(film: Film) -> None:
    old = f"Bearer {film.token('specialist', ttl_s=-5)}"
    film.http.headers["Authorization"] = old
    assert keep(film).status_code == 201
    film.sitting = None
    assert keep(film).status_code == 401


HUGE = PNG[:16] + (60_000).to_bytes(4, "big") + (60_000).to_bytes(4, "big") + PNG[24:]
PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (PNG, "image/jpeg", 415),
        (PNG, "application/dicom", 415),
        (b"", "image/png", 422),
        (PNG[:60], "image/png", 422),
        (HUGE, "image/png", 422),
        (WEBM, "image/png", 422),
        (b"", "video/webm", 422),
        (PNG, "video/webm", 422),
        (WEBM[:300], "video/webm", 422),
        (PLAYLIST, "video/webm", 422),
        (PLAYLIST, "video/mp4", 422),
        (webm([0, 90_000]), "video/webm", 422),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_garbage_is_told(film: Film, content: bytes, media: str, status: int) -> None:
    answer = keep(film, content, media)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_address_is_checked(film: Film) -> None:
    assert keep(film, capture="1.2.3").status_code == 400
    assert keep(film, study="1' OR").status_code == 400
    assert keep(film, age_ms="-1").status_code == 400


def test_too_much_is_told(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(capturing.SIZES, "image/png", len(PNG) - 1)
    assert keep(film).status_code == 413
    url = f"{film.url}/api/film/captures/{uuid.uuid4()}"
    pieces = iter([PNG[:100], PNG[100:]])  # without a length
    answer = film.http.put(url, data=pieces, headers={"Content-Type": "image/png"})
    assert answer.status_code == 413


def test_a_full_disk_is_not_the_pictures_fault(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    made = capturing.jobs.Capture
    monkeypatch.setattr(
        capturing.jobs, "Capture", lambda **said: made(**(said | {"out": "/dev/full"}))
    )
    assert keep(film).status_code == 507


def test_too_many_are_told_when_to_come_again(film: Film) -> None:
    for _ in range(30):
        answer = keep(film, b"", "image/png")
        if answer.status_code != 422:
            break
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 2


def test_a_grid_shows_what_was_on_the_screen() -> None:
    assert list(even([], 1)) == []
    assert list(even([(5, "a")], 1)) == ["a"]
    assert list(even([(0, "a"), (1.1, "b"), (1.9, "c"), (3.02, "d")], 1)) == list("abcd")
    assert list(even([(0, "a"), (0.3, "b"), (3, "c")], 1)) == ["b", "b", "b", "c"]
