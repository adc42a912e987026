"""Orthanc, another archive, sends to our DICOMweb, searches it and fetches back."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.ports import free_port
from tests.dicom.film import Film
from tests.dicom.samples import ct, part10, real

START_S = 60


class Orthanc:
    """With our server in its list."""

    def __init__(self, folder: Path, film: Film) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        token = film.token("operator")
        settings = {
            "StorageDirectory": str(folder),
            "IndexDirectory": str(folder),
            "HttpPort": port,
            "DicomServerEnabled": False,
            "AuthenticationEnabled": False,
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
            "DicomWeb": {
                "Servers": {
                    "distal": {
                        "Url": film.root,
                        "HttpHeaders": {"Authorization": f"Bearer {token}"},
                    }
                }
            },
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        self.process = subprocess.Popen(
            ["Orthanc", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_S
        while True:
            try:
                requests.get(self.url + "/system", timeout=1)
                return
            except requests.ConnectionError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def ask(self, what: str, **said: Any) -> Any:
        """Have it do something with our server."""
        answer = requests.post(f"{self.url}/dicom-web/servers/distal/{what}", json=said, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, content: bytes) -> str:
        """Store an instance in it; its name there."""
        return str(requests.post(self.url + "/instances", data=content, timeout=60).json()["ID"])

    def close(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def film(tmp_path: Path) -> Iterator[Film]:
    made = Film(tmp_path / "film")
    yield made
    made.close()


@pytest.fixture
def orthanc(tmp_path: Path, film: Film) -> Iterator[Orthanc]:
    folder = tmp_path / "orthanc"
    folder.mkdir()
    made = Orthanc(folder, film)
    yield made
    made.close()


def test_orthanc_stores_searches_and_fetches(film: Film, orthanc: Orthanc) -> None:
    contents = [real("CT_small.dcm").read_bytes(), real("examples_ybr_color.dcm").read_bytes()]
    names = [orthanc.put(content) for content in contents]
    said = orthanc.ask("stow", Resources=names, Synchronous=True)
    assert said.get("InstancesCount", "2") in ("2", 2)
    assert len(film.get("/studies").json()) == 2

    film.store(part10(ct(1, "1.2", "1.2.1", PatientName="Only^Here")))
    found = orthanc.ask("qido", Uri="/studies", Arguments={"PatientName": "Only*"})
    assert [one["0020000D"]["Value"] for one in found] == ["1.2"]

    orthanc.ask("retrieve", Resources=[{"Study": "1.2"}], Synchronous=True)
    studies = requests.get(orthanc.url + "/dicom-web/studies/1.2/instances", timeout=60).json()
    assert [one["00080018"]["Value"] for one in studies] == [["1.2.1.1"]]
