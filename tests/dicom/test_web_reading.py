"""QIDO-RS and WADO-RS over HTTP, by `requests` and by an independent client."""

from __future__ import annotations

import io
import json
import urllib.parse
from collections.abc import Iterator

import cv2
import imagecodecs
import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from signaling.film import Given
from signaling.protocol import Role
from tests.dicom.film import Film
from tests.dicom.samples import ct, part10, real

CT, US, JPEG, PALETTE = "CT_small.dcm", "US1_J2KR.dcm", "examples_ybr_color.dcm", "OBXXXX1A.dcm"
NAMES = (CT, US, JPEG, PALETTE, "MR_small_bigendian.dcm", "image_dfl.dcm", "liver.dcm")
ONE = "/studies/1.2.3/series/1.2.3.4/instances/1.2.3.4.1"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    made = Film(tmp_path_factory.mktemp("film"), allow_origin=("https://viewer.example",))
    for number in (1, 2, 3):
        image = ct(number, SpecificCharacterSet="GB18030", PatientName="Wang^Xiaodong=王^小东")
        made.store(part10(image))
    for name in NAMES:
        made.store(real(name).read_bytes())
    made.store(part10(ct(1, "1.9", "1.9.1", PatientName="Else^Where")), "another")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def doctor(film: Film) -> None:
    film.given = None
    film.as_role("specialist")


@pytest.fixture
def client(film: Film) -> DICOMwebClient:
    headers = {"Authorization": str(film.http.headers["Authorization"])}
    return DICOMwebClient(film.root, headers=headers)


def uids(name: str) -> tuple[str, str, str]:
    image = pydicom.dcmread(real(name), stop_before_pixels=True)
    return image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID


def address(name: str) -> str:
    study, series, instance = uids(name)
    return f"/studies/{study}/series/{series}/instances/{instance}"


# --- searching -----------------------------------------------------------------------------------


def test_studies_are_found_with_what_the_standard_wants(film: Film) -> None:
    [study] = film.get("/studies?PatientName=wang*").json()
    assert study["00100010"]["Value"] == [{"Alphabetic": "Wang^Xiaodong", "Ideographic": "王^小东"}]
    assert study["00080061"] == {"vr": "CS", "Value": ["CT"]}
    assert study["00201206"]["Value"] == [1] and study["00201208"]["Value"] == [3]
    assert study["00081190"]["Value"] == [f"{film.root}/studies/1.2.3"]
    assert film.get(study["00081190"]["Value"][0].removeprefix(film.root)).status_code == 200


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", len(NAMES) + 1),
        ("?limit=2", 2),
        (f"?offset={len(NAMES)}", 1),
        ("?PatientName=王", 0),
        ("?PatientName=*王*", 1),
        ("?PatientName=xiao&fuzzymatching=true", 1),
        ("?PatientName=o'dong&fuzzymatching=true", 0),
        ("?00100010=wang*&includefield=00100010&includefield=00081030,00080060", 1),
        ("?StudyDate=20260101-20260105", 1),
        ("?StudyInstanceUID=1.2.3,1.2.4", 1),
        ("?StudyInstanceUID=1.2.3&StudyInstanceUID=1.2.4", 1),
        ("?ModalitiesInStudy=US", 3),
        ("?ModalitiesInStudy=CT,US&limit=100", 5),
        ("?StudyInstanceUID=1.9", 0),
    ],
)
def test_queries(film: Film, query: str, count: int) -> None:
    assert len(film.get("/studies" + query).json()) == count


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=x", "offset=99999999999", "NoSuchThing=1", "StudyDate=yesterday"]
)
def test_what_cannot_be_understood_is_a_problem(film: Film, query: str) -> None:
    answer = film.get("/studies?" + query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_what_is_not_matched_is_said(film: Film) -> None:
    assert "Manufacturer" in film.get("/studies?Manufacturer=x").headers["Warning"]


def test_levels(film: Film) -> None:
    assert len(film.get("/studies/1.2.3/series").json()) == 1
    assert len(film.get("/studies/1.2.3/instances").json()) == 3
    assert len(film.get("/studies/1.2.3/series/1.2.3.4/instances?InstanceNumber=2").json()) == 1
    assert len(film.get("/series?Modality=CT&SeriesInstanceUID=1.2.3.4").json()) == 1
    assert film.get("/studies/1.2.3/series/9.9/instances").json() == []


def test_other_attributes_of_instances(film: Film) -> None:
    path = "/studies/1.2.3/instances?SOPInstanceUID=1.2.3.4.1"
    assert "00280101" not in film.get(path).json()[0]
    assert film.get(path + "&includefield=BitsStored").json()[0]["00280101"]["Value"] == [12]
    assert film.get(path + "&includefield=all").json()[0]["00280101"]["Value"] == [12]


def test_an_independent_client_searches_and_reads(client: DICOMwebClient) -> None:
    assert len(client.search_for_studies(search_filters={"PatientName": "Wang*"})) == 1
    assert len(client.search_for_series("1.2.3")) == 1
    assert len(client.search_for_instances("1.2.3", limit=2, get_remaining=True)) == 3
    assert len(client.retrieve_study_metadata("1.2.3")) == 3
    assert [one.InstanceNumber for one in client.retrieve_study("1.2.3")] == [1, 2, 3]
    name = client.retrieve_instance(*uids(CT))
    assert name.PixelData == pydicom.dcmread(real(CT)).PixelData
    [frame] = client.retrieve_instance_frames(*uids(CT), frame_numbers=[1])
    assert frame == pydicom.dcmread(real(CT)).PixelData
    frames = client.retrieve_instance_frames(
        *uids(JPEG), frame_numbers=[2, 1], media_types=("image/jpeg",)
    )
    assert len(frames) == 2 and frames[0].startswith(b"\xff\xd8") and frames[0] != frames[1]
    picture = client.retrieve_instance_rendered(*uids(CT), media_types=("image/png",))
    assert picture.startswith(b"\x89PNG")


# --- retrieving ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_files_come_back_as_they_went_in(film: Film, name: str) -> None:
    single = film.get(address(name), headers={"Accept": "application/dicom"})
    assert single.content == real(name).read_bytes()
    multi = film.get(
        address(name), headers={"Accept": 'multipart/related; type="application/dicom"'}
    )
    assert single.content in multi.content
    syntax = pydicom.dcmread(real(name), stop_before_pixels=True).file_meta.TransferSyntaxUID
    assert f"application/dicom; transfer-syntax={syntax}".encode() in multi.content


@pytest.mark.parametrize("name", [US, JPEG, "MR_small_bigendian.dcm", "image_dfl.dcm"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_object_is_given_without_compression_when_asked(film: Film, name: str) -> None:
    accept = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    answer = film.get(address(name), headers={"Accept": accept})
    assert answer.headers["Content-Type"] == accept
    image, stored = pydicom.dcmread(io.BytesIO(answer.content)), pydicom.dcmread(real(name))
    assert image.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert image.PatientID == stored.PatientID
    far = np.abs(image.pixel_array.astype(float) - stored.pixel_array.astype(float)).max()
    assert far <= (5 if name == JPEG else 0)


def test_metadata_are_the_attributes_and_compressed(film: Film) -> None:
    answer = film.get("/studies/1.2.3/metadata")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert [one["00200013"]["Value"] for one in answer.json()] == [[1], [2], [3]]
    plain = film.get("/studies/1.2.3/metadata", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and plain.content == answer.content
    assert film.get("/studies/1.2.3/series/1.2.3.4/metadata").content == answer.content
    assert json.loads(film.get(ONE + "/metadata").content) == answer.json()[:1]
    assert film.get("/studies/1.2.3/series/9/metadata").status_code == 404


def test_metadata_of_a_study_that_grows(film: Film) -> None:
    film.store(part10(ct(1, "1.5", "1.5.1")))
    assert len(film.get("/studies/1.5/metadata").json()) == 1
    film.store(part10(ct(2, "1.5", "1.5.1")))
    assert len(film.get("/studies/1.5/metadata").json()) == 2


def test_bulk_data_are_where_the_metadata_say(film: Film) -> None:
    content = b"%PDF-1.7 " + bytes(5000)
    document = ct(1, "1.6", "1.6.1", EncapsulatedDocument=content, PixelData=None)
    document.EncapsulatedDocumentLength = len(content) - 1
    document.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    film.store(part10(document))
    [said] = film.get("/studies/1.6/metadata").json()
    place = said["00420011"]["BulkDataURI"].removeprefix(film.root)
    whole = film.get(place, headers={"Accept": "application/octet-stream"})
    assert whole.content.rstrip(b"\0") == content.rstrip(b"\0")
    shown = film.get("/studies/1.6/series/1.6.1/instances/1.6.1.1/rendered")
    assert shown.headers["Content-Type"] == "application/pdf"
    assert shown.content == content[:-1]
    assert film.get(place.rpartition("/")[0] + "/0-999999999-1").status_code == 404


def test_frames_and_their_parts(film: Film) -> None:
    stored = pydicom.dcmread(real(JPEG))
    accept = "multipart/related; type=application/octet-stream; transfer-syntax=*"
    answer = film.get(address(JPEG) + "/frames/3,1", headers={"Accept": accept})
    boundary = answer.headers["Content-Type"].partition("boundary=")[2].encode()
    parts = answer.content.split(b"--" + boundary)
    assert len(parts) == 4 and parts[3] == b"--\r\n"
    every = list(pydicom.encaps.generate_frames(stored.PixelData, number_of_frames=30))
    for part, number in zip(parts[1:3], (3, 1), strict=True):
        head, _, content = part.partition(b"\r\n\r\n")
        assert b"transfer-syntax=1.2.840.10008.1.2.4.50" in head
        assert content.removesuffix(b"\r\n") == every[number - 1]
    assert film.get(address(JPEG) + "/frames/31").status_code == 404
    assert film.get(address(JPEG) + "/frames/0").status_code == 404
    assert film.get(address(JPEG) + "/frames/1,x").status_code == 400
    assert film.get(address(JPEG) + "/frames/1", headers={"Accept": "image/jls"}).status_code == 406


def test_frames_that_end_inside_a_word_or_a_byte(film: Film) -> None:
    points = np.random.default_rng(1).integers(0, 2, (3, 5, 5), np.uint8)
    one = {"Rows": 5, "Columns": 5, "HighBit": 0, "BitsStored": 1}
    bits = np.packbits(points, bitorder="little").tobytes()
    mask = ct(1, "1.10", "1.10.1", **one, NumberOfFrames=3, BitsAllocated=1, PixelData=bits)
    bytes_ = points[0].tobytes()
    grey = ct(2, "1.10", "1.10.1", **one, BitsAllocated=8, PixelData=bytes_ + b"\0")
    accept = {"Accept": "application/octet-stream; transfer-syntax=*"}
    for image in (mask, grey):
        film.store(part10(image))
    place = "/studies/1.10/series/1.10.1/instances/1.10.1."
    assert film.get(place + "2/frames/1", headers=accept).content == bytes_
    for number in (1, 2, 3):
        said = film.get(f"{place}1/frames/{number}", headers=accept).content
        found = np.unpackbits(np.frombuffer(said, np.uint8), bitorder="little")[:25]
        assert np.array_equal(found, points[number - 1].ravel())


@pytest.mark.parametrize("name", [CT, "MR_small_bigendian.dcm", "image_dfl.dcm"])
def test_a_frame_that_shows_before_all_of_it_is_there(film: Film, name: str) -> None:
    """PS3.5 10.18: resolution after resolution, the smallest of 64 points, lengths in front."""
    path = address(name) + "/frames/1"
    asked = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202"
    answer = film.get(path, headers={"Accept": asked})
    assert answer.headers["Content-Type"] == asked
    points = imagecodecs.htj2k_decode(answer.content)
    assert np.array_equal(points, pydicom.dcmread(real(name)).pixel_array)
    head = answer.content[: answer.content.index(b"\xff\x90")]
    style = head.index(b"\xff\x52")
    assert head[style + 5] == 2 and b"\xff\x55" in head  # RPCL, TLM
    assert min(points.shape) >> head[style + 9] <= 64
    part = film.get(path, headers={"Accept": asked, "Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == answer.content[100:200]
    by_address = film.get(path + "?" + urllib.parse.urlencode({"accept": asked}))
    assert by_address.content == answer.content


def test_colours_are_not_made_to_show_sooner(film: Film) -> None:
    asked = {"Accept": "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202"}
    assert film.get(address(JPEG) + "/frames/1", headers=asked).status_code == 406


def test_ranges(film: Film) -> None:
    path = address(US) + "/frames/1"
    accept = {"Accept": "application/octet-stream; transfer-syntax=*"}
    whole = film.get(path, headers=accept)
    assert whole.headers["Accept-Ranges"] == "bytes"
    size = len(whole.content)
    for asked, begin, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-10", size - 10, size),
        ("bytes=5-9999999999", 5, size),
    ):
        part = film.get(path, headers={**accept, "Range": asked})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{size}"
        assert part.content == whole.content[begin:end]
    assert film.get(path, headers={**accept, "Range": f"bytes={size}-"}).status_code == 416
    for ignored in ("bytes=1-2,5-6", "lines=1-2", "bytes=-"):
        assert film.get(path, headers={**accept, "Range": ignored}).status_code == 200
    parts = film.get(path).content  # ranges of a multipart answer fit together too
    cut = [film.get(path, headers={"Range": f"bytes={r}"}).content for r in ("0-999", "1000-")]
    assert b"".join(cut) == parts


def test_how_long_an_answer_would_be(film: Film) -> None:
    for path in (ONE, ONE + "/frames/1"):
        answer = film.http.head(film.root + path)
        assert answer.status_code == 200
        assert int(answer.headers["Content-Length"]) == len(film.get(path).content)


def shown(film: Film, path: str) -> np.ndarray:
    answer = film.get(path, headers={"Accept": "image/png"})
    assert answer.status_code == 200, answer.content
    found = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    return found if found.ndim == 2 else found[:, :, ::-1]


def test_pictures(film: Film) -> None:
    image = pydicom.dcmread(real(CT))
    values = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    grey = np.clip(((values - 39.5) / 399 + 0.5) * 255, 0, 255)
    assert np.abs(shown(film, address(CT) + "/rendered?window=40,400") - grey).max() < 0.6
    colour = pydicom.dcmread(real(JPEG)).pixel_array[1]
    ours = shown(film, address(JPEG) + "/frames/2/rendered").astype(int)
    assert np.abs(ours - colour).max() <= 5
    palette = shown(film, address(PALETTE) + "/rendered")
    image = pydicom.dcmread(real(PALETTE))
    theirs = pydicom.pixels.apply_color_lut(image.pixel_array, image) >> 8
    assert np.array_equal(palette, theirs)


def test_part_and_size_of_a_picture(film: Film) -> None:
    path = address(CT) + "/rendered"
    whole = shown(film, path)
    assert shown(film, path + "?viewport=64,64").shape == (64, 64)
    part = shown(film, path + "?viewport=32,32,16,8,32,32")
    assert np.array_equal(part, whole[8:40, 16:48])
    assert np.array_equal(shown(film, path + "?viewport=128,128,,,-128,"), whole[:, ::-1])
    small = film.get(path + "?quality=1").content
    assert len(small) < len(film.get(path + "?quality=100").content)
    for query in ("window=1", "window=a,b", "window=1,0", "viewport=1", "viewport=99999,1"):
        assert film.get(f"{path}?{query}").status_code == 400
    assert film.get(path + "?viewport=10,10,500,500,10,10").status_code == 422
    assert film.get("/studies/1.2.3/thumbnail").headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_is_shown(film: Film, name: str) -> None:
    picture = shown(film, address(name) + "/rendered")
    assert picture.std() > 5


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("host", True),
        ("specialist", True),
        ("county_doctor", True),
        ("operator", True),
        ("student", False),
        ("patient", False),
        ("interpreter", False),
        ("device", False),
    ],
)
def test_roles(film: Film, role: Role, sees: bool) -> None:
    film.as_role(role)
    assert bool(film.get("/studies").json()) is sees
    for path in ("/studies/1.2.3", "/studies/1.2.3/metadata", ONE, ONE + "/frames/1"):
        assert film.get(path).status_code == (200 if sees else 404)


def test_institutions_are_apart(film: Film) -> None:
    film.as_role("specialist", "another")
    [study] = film.get("/studies").json()
    assert study["0020000D"]["Value"] == ["1.9"]
    assert film.get("/studies/1.2.3/metadata").status_code == 404
    film.as_role("specialist")
    assert film.get("/studies/1.9/metadata").status_code == 404


def listed(film: Film, query: str = "") -> list[str]:
    return [study["0020000D"]["Value"][0] for study in film.get("/studies" + query).json()]


def test_what_a_room_shows_stands_in_the_list(film: Film) -> None:
    own = listed(film)
    film.given = (Given("specialist", "another", "1.9"), Given("host", "", "1.2.3"))
    assert sorted(listed(film)) == sorted([*own, "1.9"]), "each study once"
    pages = [listed(film, f"?limit=1&offset={at}") for at in range(len(own) + 1)]
    assert [uid for [uid] in pages] == listed(film)
    film.as_role("patient")
    assert sorted(listed(film)) == ["1.2.3", "1.9"]
    assert listed(film, "?PatientName=Else*") == ["1.9"]
    assert listed(film, "?StudyInstanceUID=1.9,1.7") == ["1.9"]
    assert len(film.get("/instances").json()) == 4


def test_who_is_inside_when_his_token_expires_reads_on(film: Film) -> None:
    token = film.token("host", "another", ttl_s=-1)
    film.http.headers["Authorization"] = f"Bearer {token}"
    session = film.url + "/api/dicomweb/session"
    assert film.get("/studies/1.9").status_code == film.http.post(session).status_code == 401
    film.given = (Given("specialist", "", "1.2.3"),)
    assert film.get("/studies/1.2.3").status_code == 200
    assert film.http.post(film.root + "/studies").status_code == 403, "but stores no more"
    assert film.http.post(session).json()["lasts_s"] > 60
    del film.http.headers["Authorization"]
    assert film.get("/studies/1.2.3").status_code == 200
    film.given = None
    assert film.get("/studies/1.2.3").status_code == 401
    film.http.cookies.clear()


def test_who_shows_no_token_sees_nothing(film: Film) -> None:
    del film.http.headers["Authorization"]
    for headers in ({}, {"Authorization": "Bearer rubbish"}):
        answer = film.get("/studies", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_cookie_for_what_sends_no_header(film: Film) -> None:
    answer = film.http.post(film.url + "/api/dicomweb/session")
    said = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/dicomweb", "Max-Age="):
        assert part in said
    film.http.headers.pop("Authorization")
    assert film.get("/studies/1.2.3").status_code == 200
    assert film.http.post(film.root + "/studies").status_code in (401, 405)  # it only reads
    film.http.cookies.clear()
    assert film.get("/studies/1.2.3").status_code == 401


def test_answers_stay_with_who_asked(film: Film) -> None:
    for path in (ONE, ONE + "/frames/1", ONE + "/rendered", "/studies", "/studies/1.2.3/metadata"):
        headers = film.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_viewers_of_other_origins(film: Film) -> None:
    for origin, may in (("https://viewer.example", True), ("https://evil.example", False)):
        answer = film.get("/studies", headers={"Origin": origin})
        assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is may
        ask = film.http.options(film.root + "/studies/1.2.3", headers={"Origin": origin})
        assert ("Access-Control-Allow-Headers" in ask.headers) is may
