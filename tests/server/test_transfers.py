"""A study goes to another archive: dcmtk's by C-STORE, Orthanc's by STOW-RS, and ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from loadtests.ports import free_port
from server.config import DicomNodeSettings, DicomWebNodeSettings, InstitutionSettings
from signaling.protocol import Role
from tests.dicom import peers
from tests.dicom.film import Film
from tests.dicom.samples import ct, part10
from tests.dicom.test_orthanc import Orthanc

PATIENCE_S = 60.0
OPEN = ("waiting", "sending")


@pytest.fixture
def tries_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicom.transfers.TRY_AGAIN_S", ())


def a_film(folder: Path, **settings: Any) -> Film:
    made = Film(folder, **settings)
    for number in (1, 2, 3):
        made.store(part10(ct(number)))
    return made


def ask(film: Film, node: str, study: str = "1.2.3") -> dict[str, Any]:
    """Send it, and wait until it has ended."""
    answer = film.http.post(film.url + "/api/dicom/transfers", json={"study": study, "node": node})
    assert answer.status_code == 201, answer.text
    return ended(film, answer.json()["id"])


def ended(film: Film, number: int) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        one = of(film, number)
        if one["state"] not in OPEN:
            return one
        assert time.monotonic() < deadline, one
        time.sleep(0.02)


def of(film: Film, number: int) -> dict[str, Any]:
    listed = film.http.get(film.url + "/api/dicom/transfers").json()["transfers"]
    return next(one for one in listed if one["id"] == number)


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    folder = tmp_path / "orthanc"
    folder.mkdir()
    made = Orthanc(folder, 1)
    try:
        made.ready()
        yield made
    finally:
        made.process.terminate()
        made.process.wait(60)


def test_a_study_goes_out_by_both_protocols_in_the_bytes_it_came_in(
    tmp_path: Path, orthanc: Orthanc
) -> None:
    out = tmp_path / "out"
    with peers.storescp(out, "+xa", "+B") as port:
        film = a_film(
            tmp_path / "data",
            dicom_nodes={
                "ARCHIVE": DicomNodeSettings(host="127.0.0.1", port=port),
                "ORTHANC": DicomNodeSettings(host="127.0.0.1", port=orthanc.dicom_port),
                "CT1": DicomNodeSettings(),
            },
            dicomweb_nodes={"CENTRE": DicomWebNodeSettings(url=orthanc.web)},
        )
        try:
            nodes = film.http.get(film.url + "/api/dicom/nodes").json()["nodes"]
            assert nodes == ["ARCHIVE", "CENTRE", "ORTHANC"]
            for node in nodes:
                done = ask(film, node)
                assert (done["state"], done["sent"], done["failed"]) == ("done", 3, 0), done
        finally:
            film.close()
    assert orthanc.ask("/statistics")["CountInstances"] == 3
    received = sorted(pydicom.dcmread(path).SOPInstanceUID for path in out.iterdir())
    assert received == ["1.2.3.4.1", "1.2.3.4.2", "1.2.3.4.3"]


@pytest.mark.usefixtures("tries_once")
def test_what_cannot_be_sent_says_why(tmp_path: Path) -> None:
    nobody = free_port()
    film = a_film(
        tmp_path,
        dicom_nodes={"GONE": DicomNodeSettings(host="127.0.0.1", port=nobody)},
        dicomweb_nodes={"AWAY": DicomWebNodeSettings(url=f"http://127.0.0.1:{nobody}/dicom-web")},
    )
    try:
        for node in ("GONE", "AWAY"):
            failed = ask(film, node)
            assert (failed["state"], failed["sent"], failed["failed"]) == ("failed", 0, 3)
            assert "not reached" in failed["problem"]
        address = film.url + "/api/dicom/transfers"
        for asked in ({"study": "1.2.3", "node": "X"}, {"study": "9.9", "node": "GONE"}):
            assert film.http.post(address, json=asked).status_code == 404
        film.as_role("specialist", "another")
        assert film.http.get(address).json() == {"transfers": []}
        assert film.http.post(address, json={"study": "1.2.3", "node": "GONE"}).status_code == 404
        nobodies: tuple[Role, ...] = ("patient", "student", "device")
        for role in nobodies:
            film.as_role(role)
            assert film.http.get(address).status_code == 403
    finally:
        film.close()


def test_a_restart_goes_on_with_what_was_not_done(tmp_path: Path) -> None:
    port = free_port()  # nobody answers there, at first
    nodes = {"ARCHIVE": DicomNodeSettings(host="127.0.0.1", port=port)}
    film = a_film(tmp_path / "data", dicom_nodes=nodes)
    asked = film.http.post(
        film.url + "/api/dicom/transfers", json={"study": "1.2.3", "node": "ARCHIVE"}
    )
    film.close()
    with peers.storescp(tmp_path / "out") as real:
        nodes = {"ARCHIVE": DicomNodeSettings(host="127.0.0.1", port=real)}
        film = Film(tmp_path / "data", dicom_nodes=nodes)
        try:
            assert ended(film, asked.json()["id"])["state"] == "done"
        finally:
            film.close()


def test_one_is_called_off(tmp_path: Path) -> None:
    film = a_film(
        tmp_path, dicom_nodes={"GONE": DicomNodeSettings(host="127.0.0.1", port=free_port())}
    )
    address = film.url + "/api/dicom/transfers"
    try:
        made = film.http.post(address, json={"study": "1.2.3", "node": "GONE"}).json()
        said = film.http.delete(f"{address}/{made['id']}")
        assert said.status_code == 200
        film.as_role("specialist", "another")
        assert film.http.delete(f"{address}/{made['id']}").status_code == 404
    finally:
        film.close()


def test_a_centre_sees_what_it_collects_and_keeps_ids_of_two_hospitals_apart(
    tmp_path: Path,
) -> None:
    sees = InstitutionSettings(sees=("county", "village"))
    film = Film(tmp_path, institutions={"centre": sees})
    try:
        for number, (institution, issuer) in enumerate(
            [("county", ""), ("village", ""), ("centre", "REGION"), ("county", "REGION")]
        ):
            study = f"1.2.{number}"
            image = ct(1, study, f"{study}.1", PatientID="P1", IssuerOfPatientID=issuer)
            film.store(part10(image), institution)
        film.as_role("specialist", "centre")
        rows = film.get("/studies?PatientID=P1").json()
        issuers = sorted(row["00100021"]["Value"][0] for row in rows)
        assert issuers == ["REGION", "REGION", "county", "village"]
        assert film.get("/studies/1.2.1/metadata").status_code == 200
        film.as_role("specialist", "county")
        assert len(film.get("/studies").json()) == 2
        assert film.get("/studies/1.2.1/metadata").status_code == 404
        assert film.get("/studies/1.2.2/metadata").status_code == 404
    finally:
        film.close()


def test_a_study_that_two_hospitals_hold_is_each_ones_own(tmp_path: Path) -> None:
    sees = InstitutionSettings(sees=("county", "village 7"))
    film = Film(tmp_path, institutions={"centre": sees})
    try:
        for institution, name in (("county", "Old"), ("village 7", "New"), ("else", "Other")):
            film.store(part10(ct(1, "1.2.3", "1.2.3.1", PatientName=name)), institution)
        film.as_role("specialist", "centre")
        held = {
            row["00100010"]["Value"][0]["Alphabetic"]: row["00081190"]["Value"][0]
            for row in film.get("/studies").json()
        }
        assert held.keys() == {"Old", "New"}
        for name, address in held.items():
            [series] = film.http.get(f"{address}/series").json()
            assert series["00081190"]["Value"][0].startswith(address)
            [image] = film.http.get(f"{address}/metadata").json()
            assert image["00100010"]["Value"] == [{"Alphabetic": name}]
            sent = film.http.get(f"{address}/series/1.2.3.1", headers={"Accept": "*/*"})
            assert sent.content.count(name.encode()) == 1
        other = held["New"].replace("village%207", "else")
        assert film.http.get(f"{other}/metadata").status_code == 404
        film.as_role("specialist", "county")
        [own] = film.get("/studies").json()
        assert own["00081190"]["Value"] == [f"{film.root}/studies/1.2.3"]
        assert film.http.get(f"{held['New']}/metadata").status_code == 404
    finally:
        film.close()
