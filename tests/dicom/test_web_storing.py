"""STOW-RS over HTTP, by an independent client and by one that does what it should not."""

from __future__ import annotations

import io
import socket
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from signaling.protocol import Role
from tests.dicom.film import Film
from tests.dicom.samples import ct, part10, real

KIND = 'multipart/related; type="application/dicom"; boundary=mark'


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    made = Film(tmp_path_factory.mktemp("film"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def doctor(film: Film) -> None:
    film.as_role("specialist")


def body(*contents: bytes, kind: str = "application/dicom") -> bytes:
    head = f"--mark\r\nContent-Type: {kind}\r\n\r\n".encode()
    return b"".join(head + one + b"\r\n" for one in contents) + b"--mark--\r\n"


def post(film: Film, content: object, path: str = "/studies", kind: str = KIND, **more: str):  # type: ignore[no-untyped-def]
    headers = {"Content-Type": kind, **more}
    return film.http.post(film.root + path, data=content, headers=headers)


def reasons(answer: object) -> list[int]:
    failed = answer.json().get("00081198", {}).get("Value", [])  # type: ignore[attr-defined]
    return [one["00081197"]["Value"][0] for one in failed]


def read(film: Film, study: str, series: str, instance: str) -> bytes:
    path = f"/studies/{study}/series/{series}/instances/{instance}"
    return film.get(path, headers={"Accept": "application/dicom"}).content


def test_an_independent_client_stores_and_finds(film: Film) -> None:
    headers = {"Authorization": str(film.http.headers["Authorization"])}
    client = DICOMwebClient(film.root, headers=headers)
    images = [pydicom.dcmread(real(name)) for name in ("CT_small.dcm", "MR_small.dcm")]
    said = client.store_instances(images)
    assert len(said.ReferencedSOPSequence) == 2 and "FailedSOPSequence" not in said
    [found] = client.search_for_studies(
        search_filters={"StudyInstanceUID": images[0].StudyInstanceUID}
    )
    assert found["00100020"]["Value"] == [images[0].PatientID]


def test_what_was_sent_comes_back_bit_for_bit(film: Film) -> None:
    contents = [part10(ct(number, "1.2", "1.2.1")) for number in range(20)]
    answer = post(film, body(*contents), "/studies/1.2")
    assert answer.status_code == 200
    assert answer.json()["00081190"]["Value"] == [film.root + "/studies/1.2"]
    stored = {
        one["00081155"]["Value"][0]: one["00081190"]["Value"][0]
        for one in answer.json()["00081199"]["Value"]
    }
    assert len(stored) == 20
    for number, content in enumerate(contents):
        address = stored[f"1.2.1.{number}"].removeprefix(film.root)
        assert film.get(address, headers={"Accept": "application/dicom"}).content == content


def test_the_same_again_is_a_success_and_changes_nothing(film: Film) -> None:
    content = body(part10(ct(1, "1.3", "1.3.1")))
    assert [post(film, content).status_code for _ in range(2)] == [200, 200]
    assert len(film.get("/studies/1.3/instances").json()) == 1


def test_a_body_in_chunks(film: Film) -> None:
    content = body(part10(ct(1, "1.4", "1.4.1")), part10(ct(2, "1.4", "1.4.1")))
    pieces = (content[at : at + 77] for at in range(0, len(content), 77))
    assert post(film, pieces).status_code == 200
    assert len(film.get("/studies/1.4/instances").json()) == 2


def test_one_object_without_parts(film: Film) -> None:
    content = part10(ct(1, "1.5", "1.5.1"))
    assert post(film, content, kind="application/dicom").status_code == 200
    assert read(film, "1.5", "1.5.1", "1.5.1.1") == content


def test_an_object_larger_than_a_piece(film: Film) -> None:
    image = ct(1, "1.6", "1.6.1", Rows=1500, Columns=1500, PixelData=bytes(1500 * 1500 * 2))
    content = part10(image)
    assert post(film, body(content)).status_code == 200
    assert read(film, "1.6", "1.6.1", "1.6.1.1") == content


def test_some_are_kept_and_some_are_not(film: Film) -> None:
    good, other = part10(ct(1, "1.7", "1.7.1")), part10(ct(1, "9.9", "9.9.1"))
    answer = post(film, body(good, other, b"no DICOM"), "/studies/1.7")
    assert answer.status_code == 202
    assert sorted(reasons(answer)) == [0xA900, 0xC000]
    assert read(film, "1.7", "1.7.1", "1.7.1.1") == good
    assert film.get("/studies/9.9/metadata").status_code == 404


def test_another_object_under_the_same_uid_is_refused(film: Film) -> None:
    content = part10(ct(1, "1.8", "1.8.1"))
    post(film, body(content))
    answer = post(film, body(part10(ct(1, "1.8", "1.8.1", PatientName="Li^Si"))))
    assert answer.status_code == 409 and reasons(answer) == [0x0111]
    [failed] = answer.json()["00081198"]["Value"]
    assert failed["00081155"]["Value"] == ["1.8.1.1"]
    assert read(film, "1.8", "1.8.1", "1.8.1.1") == content


def bomb() -> bytes:
    image = ct()
    image.add_new(0x00091010, "OB", bytes(80 << 20))
    return part10(image, "1.2.840.10008.1.2.1.99")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ" + part10(ct())[2:],
        part10(ct())[:-100],
        part10(ct(Rows=65535, Columns=65535)),
        part10(ct(NumberOfFrames=100_000)),
        part10(ct(SOPInstanceUID="../../etc/passwd")),
        bomb(),
    ],
    ids=["nothing", "a program", "cut", "huge", "frames", "a path", "a bomb"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_be_kept_is_refused(film: Film, content: bytes) -> None:
    answer = post(film, body(content))
    assert answer.status_code == 409 and reasons(answer) == [0xC000]


@pytest.mark.parametrize(
    ("status", "content", "more"),
    [
        (400, body(part10(ct())), {"kind": 'multipart/related; type="application/dicom"'}),
        (400, b"--mark--\r\n", {}),
        (400, b"", {}),
        (400, b"rubbish" * 20_000, {}),
        (400, body(part10(ct()))[:-20], {}),
        (415, b"{}", {"kind": "application/json"}),
        (
            415,
            body(b"<xml/>"),
            {"kind": KIND.replace("dicom", "dicom+xml")},
        ),
        (415, zlib.compress(body(part10(ct()))), {"Content-Encoding": "deflate"}),
        (406, body(part10(ct())), {"Accept": "application/dicom+xml"}),
        (400, body(part10(ct())), {"path": "/studies/not-a-uid"}),
    ],
)
def test_a_request_that_is_none(
    film: Film, status: int, content: bytes, more: dict[str, str]
) -> None:
    answer = post(film, content, **more)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_part_of_another_kind_is_refused(film: Film) -> None:
    answer = post(film, body(b"{}", kind="application/json"))
    assert answer.status_code == 409


def test_what_came_whole_before_the_line_broke_is_kept_and_nothing_else(film: Film) -> None:
    one, two = part10(ct(1, "1.11", "1.11.1")), part10(ct(2, "1.11", "1.11.1"))
    whole = body(one, two)
    answer = post(film, whole[:-200])
    assert answer.status_code == 202
    assert [said["00200013"]["Value"] for said in film.get("/studies/1.11/instances").json()] == [
        [1]
    ]
    place = urlsplit(film.url)
    assert place.hostname and place.port
    with socket.create_connection((place.hostname, place.port)) as line:
        head = f"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole)}\r\n"
        head += f"Content-Type: {KIND}\r\nAuthorization: {film.http.headers['Authorization']}\r\n"
        line.sendall(head.encode() + b"\r\n" + whole[:-200])
    assert post(film, whole).status_code == 200
    assert read(film, "1.11", "1.11.1", "1.11.1.2") == two


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("specialist", True),
        ("device", True),
        ("student", False),
        ("patient", False),
        ("interpreter", False),
    ],
)
def test_roles(film: Film, role: Role, may: bool) -> None:
    film.as_role(role)
    answer = post(film, body(part10(ct(1, "1.12", "1.12.1"))))
    assert answer.status_code == (200 if may else 403)


def test_it_is_stored_for_the_institution_of_the_token(film: Film) -> None:
    film.as_role("device", "elsewhere")
    assert post(film, body(part10(ct(1, "1.13", "1.13.1")))).status_code == 200
    film.as_role("specialist")
    assert film.get("/studies/1.13/metadata").status_code == 404
    film.as_role("specialist", "elsewhere")
    assert film.get("/studies/1.13/metadata").status_code == 200


def test_the_cookie_does_not_store(film: Film) -> None:
    film.http.post(film.url + "/api/dicomweb/session")
    film.http.headers.pop("Authorization")
    assert post(film, body(part10(ct()))).status_code == 401
    film.http.cookies.clear()


def test_names_in_gb18030_come_out_in_utf_8(film: Film) -> None:
    image = ct(1, "1.14", "1.14.1", SpecificCharacterSet="GB18030", PatientName="王^小东")
    assert post(film, body(part10(image))).status_code == 200
    [study] = film.get("/studies?StudyInstanceUID=1.14").json()
    assert study["00100010"]["Value"] == [{"Alphabetic": "王^小东"}]
    back = pydicom.dcmread(io.BytesIO(read(film, "1.14", "1.14.1", "1.14.1.1")))
    assert str(back.PatientName) == "王^小东"
