"""A doctor keeps what is on the screen, over HTTP: who may, and what is stored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pydicom
import pytest

from dicom.presentation.session import Session
from signaling.film import Given
from tests.dicom.film import Film
from tests.dicom.samples import part10
from tests.dicom.saved_examples import CT, PICTURES, STUDY, sessions

SESSION = sessions()["two panes"]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    made = Film(tmp_path_factory.mktemp("film"))
    for image in PICTURES:
        assert made.store(part10(image.copy())).kept
    yield made
    made.close()


@pytest.fixture(autouse=True)
def doctor(film: Film) -> None:
    film.as_role("specialist")


def keep(film: Film, session: Session | bytes = SESSION, study: str = STUDY) -> Any:
    body = session if isinstance(session, bytes) else msgspec.json.encode(session)
    return film.http.post(f"{film.url}/api/film/studies/{study}/presentations", data=body)


def objects_of(film: Film, modality: str) -> list[str]:
    found = film.get(f"/studies/{STUDY}/instances", params={"Modality": modality, "limit": "1000"})
    return [] if found.status_code == 204 else [one["00080018"]["Value"][0] for one in found.json()]


def test_it_is_stored_beside_the_images(film: Film) -> None:
    before = film.get(f"/studies/{STUDY}/series/{STUDY}.1/instances/{CT[1].SOPInstanceUID}").content
    answer = keep(film)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert [one["class"].rsplit(".", 2)[-2:] for one in made] == [
        ["11", "1"],
        ["11", "2"],
        ["88", "59"],
    ]
    assert len({one["series"] for one in made}) == 2, "states and documents, apart"
    for one in made:
        path = f"/studies/{STUDY}/series/{one['series']}/instances/{one['instance']}"
        stored = pydicom.dcmread(
            io.BytesIO(film.get(path, headers={"Accept": "application/dicom"}).content)
        )
        assert str(stored.PatientName) == str(CT[0].PatientName)
        assert stored.StudyInstanceUID == STUDY
    assert {one["instance"] for one in made[:2]} <= set(objects_of(film, "PR"))
    assert (
        film.get(f"/studies/{STUDY}/series/{STUDY}.1/instances/{CT[1].SOPInstanceUID}").content
        == before
    )
    again = keep(film).json()
    assert not {one["instance"] for one in made} & {one["instance"] for one in again}
    assert not {one["series"] for one in made} & {one["series"] for one in again}


@pytest.mark.parametrize("role", ["student", "patient", "interpreter", "device"])
def test_only_doctors_keep(film: Film, role: Any) -> None:
    kept = objects_of(film, "PR")
    film.as_role(role)
    answer = keep(film)
    assert answer.status_code == 403
    film.as_role("specialist")
    assert objects_of(film, "PR") == kept


def test_another_institution_sees_nothing_and_keeps_nothing(film: Film) -> None:
    film.as_role("specialist", "elsewhere")
    assert keep(film).status_code == 404


def test_what_is_only_shown_to_another_institution_stays_where_it_is(film: Film) -> None:
    film.api._access._given = lambda _: [Given("specialist", "default", STUDY)]
    try:
        film.as_role("county_doctor", "elsewhere")
        assert film.get(f"/studies/{STUDY}/metadata").status_code == 200
        answer = keep(film)
    finally:
        film.api._access._given = lambda _: ()
    assert answer.status_code == 403
    assert "another institution" in answer.json()["detail"]


def test_a_cookie_does_not_keep(film: Film) -> None:
    film.http.post(film.url + "/api/dicomweb/session")
    token = film.http.headers.pop("Authorization")
    try:
        assert keep(film).status_code == 401
    finally:
        film.http.headers["Authorization"] = token
        film.http.cookies.clear()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b" " * (2 << 20), 413),
        (msgspec.json.encode({"keys": [{"instance": "1.2.404", "frame": 1}]}), 404),
        (msgspec.json.encode({"keys": [{"instance": str(CT[0].SOPInstanceUID), "frame": 2}]}), 422),
    ],
)
def test_what_makes_no_sense_is_answered(film: Film, body: bytes, status: int) -> None:
    answer = keep(film, body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
