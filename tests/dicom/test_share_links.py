"""Links as people use them, over HTTP: a doctor makes one, somebody outside opens it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from dicom import teaching
from dicom.archive import Archive
from dicom.errors import NotFound
from server.share_visits import BURST
from tests.dicom.film import Film
from tests.dicom.samples import ct, part10

BORN = "19610304"
STUDY, OTHER = "1.2.3", "1.2.4"
IMAGE = f"/studies/{STUDY}/series/{STUDY}.4/instances/{STUDY}.4.1"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teaching, "SWEEP_S", 0.1)
        yield from house(tmp_path_factory)


def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    made = Film(tmp_path_factory.mktemp("film"), behind_proxy=True)
    person = {"PatientBirthDate": BORN, "InstitutionName": "县医院", "PatientName": "Zhang^San"}
    person |= {"SpecificCharacterSet": "ISO_IR 192"}
    made.store(part10(ct(1, **person)))
    made.store(part10(ct(1, OTHER, f"{OTHER}.4", **person)))
    made.store(part10(ct(1, STUDY, "1.8.1", PatientName="Same^Uid")), "another")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def doctor(film: Film) -> None:
    film.as_role("specialist")


def share(film: Film, **more: Any) -> Any:
    wish = {"study": STUDY, "audience": "patient", "factor": "birth_date", "ttl_s": 3600}
    answer = film.http.post(f"{film.url}/api/shares", json=wish | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


@dataclass
class Phone:
    """Somebody outside, with an address of his own."""

    url: str  # of the link
    address: str
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def page(self) -> str:
        return self.url.partition("#")[0]

    def __post_init__(self) -> None:
        self.http.headers.update({"X-Forwarded-For": self.address, "User-Agent": "Phone/1.0"})

    def post(self, what: str, **more: str) -> requests.Response:
        said = {"code": self.url.partition("#")[2]} | more
        return self.http.post(f"{self.page}/{what}", json=said)

    def get(self, path: str) -> requests.Response:
        return self.http.get(f"{self.page}/dicomweb{path}")


@pytest.fixture
def phone(film: Film, request: pytest.FixtureRequest) -> Phone:
    """By a new link; everybody has an address of his own, so that nobody waits for another."""
    return visitor(share(film)["url"])


def visitor(url: str, numbers: Iterator[int] = iter(range(1, 250))) -> Phone:  # noqa: B008
    return Phone(url, f"203.0.113.{next(numbers)}")


def test_a_patient_opens_her_study_and_no_other(film: Film, phone: Phone) -> None:
    looked = phone.post("look")
    assert looked.json()["sender"] == "县医院"
    assert looked.json()["factor"] == "birth_date"
    for secret in (STUDY, "Zhang", "P1", BORN):
        assert secret not in looked.text, "nothing of the patient before the second factor"
    assert phone.get(f"/studies/{STUDY}/metadata").status_code == 401
    opened = phone.post("open", factor=BORN)
    assert opened.json()["study"] == STUDY
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert re.search(r"Path=/shared/[\w-]+;", cookie), "for this link alone"

    [found] = phone.get("/studies").json()
    assert found["0020000D"]["Value"] == [STUDY]
    [data] = phone.get(f"/studies/{STUDY}/metadata").json()
    assert data["00100010"]["Value"] == [{"Alphabetic": "Zhang^San"}]
    assert data["7FE00010"]["BulkDataURI"].startswith(f"{phone.page}/dicomweb{IMAGE}")
    for path in (f"/studies/{STUDY}/series", IMAGE + "/frames/1", IMAGE + "/rendered"):
        assert phone.get(path).status_code == 200, path
    for path in (f"/studies/{OTHER}/metadata", IMAGE.replace(STUDY, OTHER) + "/frames/1"):
        assert phone.get(path).status_code == 404, path
    assert phone.get(f"/studies/{OTHER}/series").json() == []
    assert phone.get(f"/studies?StudyInstanceUID={OTHER}").json() == []
    assert phone.get("/studies/1.2.3/series/1.8.1/metadata").status_code == 404
    store = phone.http.post(f"{phone.page}/dicomweb/studies", data=b"x")
    assert store.status_code in (404, 405)
    assert phone.http.get(f"{film.root}/studies").status_code == 401, "not the doctors' routes"


def test_a_link_s_page_tells_and_burns_nothing(film: Film, phone: Phone) -> None:
    """What a chat program fetches for a preview: `server.web_client` serves one page for all."""
    from server.web_client import PAGES

    assert "/shared/{link}" in PAGES
    assert "#" in phone.url and len(phone.url.partition("#")[2]) >= 20
    for what in ("look", "open"):
        assert phone.http.get(f"{phone.page}/{what}").status_code == 405
    assert phone.post("open", factor=BORN).status_code == 200


def test_each_refusal_is_plain_and_leaks_nothing(film: Film) -> None:
    made = share(film, ttl_s=60)
    unknown = visitor(made["url"][:-3] + "xyz")
    for answer in (unknown.post("look"), unknown.post("open", factor=BORN)):
        assert answer.status_code == 404
    taken = visitor(made["url"])
    film.http.delete(f"{film.url}/api/shares/{made['link']['name']}")
    answer = taken.post("open", factor=BORN)
    assert (answer.status_code, answer.json()["reason"]) == (410, "revoked")
    assert set(answer.json()) == {"type", "title", "status", "detail", "reason"}
    wrong = visitor(share(film)["url"])
    answer = wrong.post("open", factor="20000101")
    assert (answer.status_code, answer.json()["left"]) == (403, 4)
    assert "Set-Cookie" not in answer.headers
    for _ in range(4):
        answer = wrong.post("open", factor="20000101")
    assert answer.status_code == 429 and answer.json()["until_ms"] > 0
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert wrong.post("open", factor=BORN).status_code == 429


def test_taking_back_ends_who_is_inside(film: Film, phone: Phone) -> None:
    phone.post("open", factor=BORN)
    assert phone.get(IMAGE + "/frames/1").status_code == 200
    name = phone.page.rpartition("/")[2]
    revoked = film.http.delete(f"{film.url}/api/shares/{name}")
    assert revoked.json()["state"] == "revoked"
    for path in (IMAGE + "/frames/1", f"/studies/{STUDY}/metadata", "/studies"):
        answer = phone.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (401, "revoked")


def test_a_visit_is_ended_by_who_makes_it(phone: Phone) -> None:
    phone.post("open", factor=BORN)
    assert phone.post("close").status_code == 204
    assert phone.get("/studies").status_code == 401


def test_every_access_is_recorded(film: Film, phone: Phone, tmp_path: Any) -> None:
    name = phone.page.rpartition("/")[2]
    phone.post("look")
    phone.post("open", factor="19610305")
    phone.post("open", factor=BORN)
    for _ in range(3):
        phone.get(f"/studies/{STUDY}/metadata")
    phone.get(f"/studies/{STUDY}")
    events = film.http.get(f"{film.url}/api/shares/{name}/events").json()["events"]
    kinds = [event["kind"] for event in reversed(events)]
    assert kinds == ["made", "looked", "wrong", "opened", "viewed", "downloaded"]
    assert events[0]["remote"] == phone.address
    assert events[-1]["user_agent"].startswith("python-requests")
    listed = film.http.get(f"{film.url}/api/shares?study={STUDY}").json()
    assert listed["factors"] == ["birth_date", "code"]
    [link] = [one for one in listed["links"] if one["name"] == name]
    assert (link["accesses"], link["made_by"], link["state"]) == (1, "specialist", "ready")
    command = [sys.executable, "-m", "server.cli", "dicom-shares"]
    ran = subprocess.run(
        [*command, "--data-dir", str(film.data_dir)], capture_output=True, text=True, check=True
    )
    lines = [line for line in ran.stdout.splitlines() if f"  {name}  " in line]
    assert [line.split()[3] for line in lines] == kinds
    assert phone.address in lines[2] and "Phone/1.0" in lines[2]
    assert "Zhang" not in ran.stdout and BORN not in ran.stdout
    empty = [*command, "--data-dir", str(tmp_path)]
    assert subprocess.run(empty, capture_output=True, check=True).stdout == b""


def test_a_code_is_told_once(film: Film) -> None:
    made = share(film, factor="code", audience="doctor")
    assert re.fullmatch(r"\d{6}", made["digits"])
    listed = film.http.get(f"{film.url}/api/shares?study={STUDY}").text
    assert made["digits"] not in listed and made["url"].partition("#")[2] not in listed
    assert visitor(made["url"]).post("open", factor=made["digits"]).status_code == 200


def until(film: Film, name: str, study: str, *states: str) -> Any:
    """A link as it is listed, once it has come so far."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = film.http.get(f"{film.url}/api/shares?study={study}").json()["links"]
        [link] = [one for one in found if one["name"] == name]
        if link["state"] in states:
            return link
        time.sleep(0.05)
    raise AssertionError(f"still {link['state']}")


def test_a_study_without_its_name(film: Film) -> None:
    study, tag = "1.7", "Lehrfall-Zhang"
    person = {"PatientName": f"{tag}^San", "PatientID": "H20260102", "AccessionNumber": "A4711"}
    person |= {
        "PatientBirthDate": BORN,
        "StudyDescription": "of Zhang",
        "InstitutionName": "County",
    }
    images = [ct(number, study, "1.7.88", **person) for number in (1, 2)]
    screen = ct(3, study, "1.7.89", ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"], **person)
    for image in (*images, screen):
        film.store(part10(image))
    made = share(film, study=study, factor="code", deidentified=True)
    link = until(film, made["link"]["name"], study, "ready", "failed")
    assert (link["state"], link["shown"], link["withheld"]) == ("ready", 2, 1)
    student = visitor(made["url"])
    assert student.post("look").json()["sender"] == ""
    shown = student.post("open", factor=made["digits"]).json()["study"]
    assert shown.startswith("2.25.")

    found = student.get("/studies").json()
    assert [one["0020000D"]["Value"] for one in found] == [[shown]]
    objects = student.get(f"/studies/{shown}/instances?includefield=all").json()
    assert len(objects) == 2
    series, uid = (objects[0][tag]["Value"][0] for tag in ("0020000E", "00080018"))
    at = f"/studies/{shown}/series/{series}/instances/{uid}"
    paths = [f"/studies/{shown}", f"/studies/{shown}/metadata", f"/studies/{shown}/series", at]
    paths += [at + end for end in ("/frames/1", "/rendered", "/thumbnail", "/metadata")]
    answers = [student.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    everything = b"".join(answer.content for answer in answers) + repr((found, objects)).encode()
    for value in (tag, "Zhang", "H20260102", "A4711", BORN, "County", "1.7.88", "20260102"):
        assert value.encode() not in everything, value
    assert b"Anonymous" in everything
    assert any(image.PixelData in answers[4].content for image in images)
    for path in (f"/studies/{study}", f"/studies/{study}/metadata"):
        assert student.get(path).status_code == 404
    assert student.get(f"/studies/{study}/series").json() == []
    assert [one for one in film.get("/studies").json() if shown in str(one)] == []
    film.as_role("specialist", f"share:{link['name']}")
    assert film.get(f"/studies/{shown}/metadata").status_code == 404
    film.as_role("specialist")

    archive = Archive(film.data_dir / "dicom")
    owner = {f"share:{link['name']}"}
    files = [archive.path(one) for one in archive.instances(owner, shown)]
    assert all(file.exists() for file in files)
    film.http.delete(f"{film.url}/api/shares/{link['name']}")
    assert student.get(at + "/frames/1").status_code == 401
    deadline = time.monotonic() + 30
    while any(file.exists() for file in files) or not gone(archive, owner, shown):
        assert time.monotonic() < deadline, "what was made for a link goes with it"
        time.sleep(0.05)
    archive.close()
    assert film.get(f"/studies/{study}/metadata").status_code == 200, "the original stays"


def gone(archive: Archive, owner: set[str], study: str) -> bool:
    try:
        archive.instances(owner, study)
    except NotFound:
        return True
    return False


def test_nothing_to_show_without_a_name(film: Film) -> None:
    film.store(part10(ct(1, "1.6", "1.6.1", BurnedInAnnotation="YES")))
    made = share(film, study="1.6", factor="code", deidentified=True)
    until(film, made["link"]["name"], "1.6", "failed")
    answer = visitor(made["url"]).post("look")
    assert (answer.status_code, answer.json()["reason"]) == (410, "failed")
    wish = {"study": "1.6", "audience": "doctor", "factor": "birth_date", "ttl_s": 3600}
    refused = film.http.post(f"{film.url}/api/shares", json=wish | {"deidentified": True})
    assert refused.status_code == 409, "a birth date is nothing that a class knows"


def test_only_doctors_of_the_institution_share(film: Film) -> None:
    name = share(film)["link"]["name"]
    api = f"{film.url}/api/shares"
    wish = {"study": STUDY, "audience": "patient", "factor": "code", "ttl_s": 3600}
    for role in ("student", "patient", "device"):
        film.as_role(role)  # type: ignore[arg-type]
        assert film.http.post(api, json=wish).status_code == 403
    film.as_role("specialist", "elsewhere")
    assert film.http.post(api, json=wish).status_code == 404
    assert film.http.delete(f"{api}/{name}").status_code == 404
    assert film.http.get(f"{api}/{name}/events").status_code == 404
    film.as_role("specialist", f"share:{name}")
    assert film.http.post(api, json=wish).status_code == 403
    assert requests.post(api, json=wish).status_code == 401
    film.as_role("specialist")
    for bad in ({"ttl_s": 59}, {"ttl_s": 31 * 86_400}, {"study": "../x"}, {"factor": "none"}):
        assert film.http.post(api, json=wish | bad).status_code == 400, bad


def test_one_address_asks_only_so_often(film: Film, phone: Phone) -> None:
    statuses = [phone.post("look").status_code for _ in range(BURST + 5)]
    assert statuses[0] == 200 and statuses[-1] == 429
