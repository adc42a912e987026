"""Orthanc as a peer: it sends to us, asks us, and has us send to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicom.dimse.server import DimseServer, Services
from dicom.nodes import Node, Nodes
from dicom.presentation.write import objects
from dicom.presentation.write import part10 as presented
from loadtests.ports import free_port
from tests.dicom.conftest import House
from tests.dicom.samples import ct, part10
from tests.dicom.saved_examples import AUTHOR, PICTURES, STUDY, images, sessions

WAIT_S = 60.0
PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


class Orthanc:
    """A fresh one that knows us as `distal`."""

    def __init__(self, folder: Path, our_port: int) -> None:
        self.dicom_port, self._http_port = free_port(), free_port()
        settings = {
            "StorageDirectory": str(folder),
            "IndexDirectory": str(folder),
            "DicomPort": self.dicom_port,
            "HttpPort": self._http_port,
            "DicomAet": "ORTHANC",
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowStore": True,
            "Plugins": [PLUGIN],
            "AuthenticationEnabled": False,
            "DicomModalities": {"distal": ["DISTAL", "127.0.0.1", our_port]},
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["Orthanc", str(folder / "orthanc.json")],
                env=os.environ | {"TCP_NODELAY": "1"},
                stdout=log,
                stderr=log,
            )

    @property
    def web(self) -> str:
        """Where its DICOMweb is."""
        return f"http://127.0.0.1:{self._http_port}/dicom-web"

    def ask(self, path: str, body: Any = None) -> Any:
        """GET, or POST of JSON or bytes."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self._http_port}{path}"
        with urllib.request.urlopen(url, data, timeout=WAIT_S) as answer:
            return json.loads(answer.read())

    def ready(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                self.ask("/system")
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


@pytest.fixture
def nodes() -> dict[str, Node]:
    return {}


@pytest.fixture
def orthanc(house: House, nodes: dict[str, Node], tmp_path: Path) -> Iterator[Orthanc]:
    listener = socket.create_server(("127.0.0.1", 0))
    services = Services(house.ingest, house.archive, Nodes(nodes, anybody=True))
    server = DimseServer(listener, services)
    folder = tmp_path / "orthanc"
    folder.mkdir()
    made = Orthanc(folder, int(listener.getsockname()[1]))
    nodes["ORTHANC"] = Node(host="127.0.0.1", port=made.dicom_port)
    server.start()
    try:
        made.ready()
        yield made
    finally:
        made.process.terminate()
        made.process.wait(WAIT_S)
        server.close()


def test_orthanc_sends_asks_and_retrieves(house: House, orthanc: Orthanc) -> None:
    ours, theirs = part10(ct(1)), part10(ct(2, study="1.2.7", series="1.2.7.1"))
    given = orthanc.ask("/instances", theirs)
    orthanc.ask("/modalities/distal/store", [given["ID"]])
    stored = house.archive.instance({"default"}, "1.2.7.1.2")
    assert theirs.endswith(house.read("1.2.7.1.2")[stored.data_at :])

    house.store(ours)
    asked = {"Level": "Study", "Query": {"PatientName": "zhang*", "StudyInstanceUID": "1.2.3"}}
    answers = orthanc.ask(orthanc.ask("/modalities/distal/query", asked)["Path"] + "/answers")
    assert len(answers) == 1

    moved = {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2.3"}]}
    orthanc.ask("/modalities/distal/move", moved | {"TargetAet": "ORTHANC", "Timeout": 60})
    assert len(orthanc.ask("/instances")) == 2


def test_orthanc_takes_and_names_what_a_doctor_kept(house: House, orthanc: Orthanc) -> None:
    for image in PICTURES:
        house.store(part10(image.copy()))
    for one in objects(sessions()["two panes"], images(), AUTHOR, 9001):
        assert house.store(presented(one)).kept
    moved = {"Level": "Study", "Resources": [{"StudyInstanceUID": STUDY}]}
    orthanc.ask("/modalities/distal/move", moved | {"TargetAet": "ORTHANC", "Timeout": 60})
    found = [one["MainDicomTags"] for one in orthanc.ask("/series?expand")]
    assert sorted(one["Modality"] for one in found) == ["CT", "KO", "PR", "US"]
    assert {one["SeriesDescription"] for one in found if one["Modality"] in ("PR", "KO")} == {"two"}
