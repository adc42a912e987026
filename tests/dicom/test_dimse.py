"""The DICOM services, as dcmtk's programs and hostile peers see them."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import AllTransferSyntaxes

from dicom.dimse import pdu
from dicom.dimse.command import Command, Message, decode, encode
from dicom.dimse.negotiate import answer
from dicom.dimse.server import DimseServer, Services
from dicom.nodes import Node, Nodes
from dicom.query import Level
from dicom.syntax import KNOWN
from tests.dicom import peers
from tests.dicom.conftest import House
from tests.dicom.samples import REAL, ct, part10

LISTED = {
    "SCANNER": Node("county", "gb18030"),
    "OTHER": Node("city"),
}


class Scp:
    """The services over one data directory, in threads of this process."""

    def __init__(self, house: House, nodes: Nodes) -> None:
        self.house = house
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        self.services = Services(house.ingest, house.archive, nodes)
        self.server = DimseServer(listener, self.services)
        self.server.start()


@pytest.fixture
def scp(house: House) -> Iterator[Scp]:
    """For anybody."""
    made = Scp(house, Nodes(LISTED, anybody=True))
    yield made
    made.server.close()


def saved(folder: Path, *contents: bytes) -> list[Path]:
    paths = [folder / f"{number}.dcm" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def test_echo(scp: Scp) -> None:
    assert peers.echo(scp.port)


def test_what_is_sent_is_found_with_the_same_data_set(scp: Scp, tmp_path: Path) -> None:
    [path] = saved(tmp_path, part10(ct()))
    assert "Received Store Response (Success)" in peers.store(scp.port, path)
    kept = scp.house.read("1.2.3.4.1")
    at = scp.house.archive.instance(None, "1.2.3.4.1").data_at
    assert path.read_bytes().endswith(kept[at:]) and len(kept) - at > 768
    assert kept[:132] == bytes(128) + b"DICM"
    [found] = peers.find(scp.port, "-S", "QueryRetrieveLevel=STUDY", "PatientName=zhang*")
    assert found["0010,0010"] == "Zhang^San"


def test_what_we_write_is_standard(scp: Scp, tmp_path: Path) -> None:
    """dciodvfy says of the stored file what it says of the sent one: our header adds nothing."""
    sent = REAL[[path.name for path in REAL].index("JPEG2000.dcm")]
    peers.store(scp.port, sent, options=("-xw",))
    stored = scp.house.archive.instance(None, pydicom.dcmread(sent).SOPInstanceUID)
    said = [peers.run("dciodvfy", path).stdout for path in (sent, scp.house.archive.path(stored))]
    assert said[1] == said[0].replace(str(sent), str(scp.house.archive.path(stored)))


def test_real_files_arrive_with_their_data_sets_as_sent(scp: Scp, tmp_path: Path) -> None:
    """dcmtk sends compressed files as they are; one of each UID, because others are conflicts."""
    chosen, seen = [], set()
    for path in REAL:
        try:
            image = pydicom.dcmread(path, stop_before_pixels=True)
            uid, syntax = image.SOPInstanceUID, image.file_meta.TransferSyntaxUID
        except Exception:
            continue
        named = uid == image.file_meta.get("MediaStorageSOPInstanceUID")
        if named and image.get("StudyInstanceUID") and uid not in seen and syntax.is_compressed:
            seen.add(uid)
            chosen.append(path)
    kept = 0
    for path in chosen:
        image = pydicom.dcmread(path)
        option = OPTION_OF.get(image.file_meta.TransferSyntaxUID)
        if option is None or "Success" not in peers.store(scp.port, path, options=(option,)):
            continue
        stored = scp.house.archive.instance(None, image.SOPInstanceUID)
        assert stored.transfer_syntax == image.file_meta.TransferSyntaxUID
        with scp.house.archive.open(stored) as file:
            assert pydicom.dcmread(file).PixelData == image.PixelData
        kept += 1
    assert kept >= 15


OPTION_OF = {
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
    "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu",
    "1.2.840.10008.1.2.5": "-xr",
    "1.2.840.10008.1.2.1.99": "-xd",
}


def test_again_is_success_and_other_bytes_are_an_error(scp: Scp, tmp_path: Path) -> None:
    first, other = saved(tmp_path, part10(ct()), part10(ct(PatientName="Li^Si")))
    peers.store(scp.port, first)
    assert "Received Store Response (Success)" in peers.store(scp.port, first)
    assert "Error: CannotUnderstand" in peers.store(scp.port, other)
    assert dict(scp.services.counts()) == {
        **{"associations": 3, "stored": 1},
        **{"already_there": 1, "conflict": 1},
    }


@pytest.mark.parametrize("model", ["-P", "-S"])
@pytest.mark.parametrize("level", ["PATIENT", "STUDY", "SERIES", "IMAGE"])
def test_find_at_each_level(scp: Scp, model: str, level: str) -> None:
    for number in (1, 2):
        scp.house.store(part10(ct(number)))
    keys = [
        "PatientID=P1",
        "PatientName",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "InstanceNumber",
    ]
    found = peers.find(scp.port, model, f"QueryRetrieveLevel={level}", *keys)
    assert len(found) == (2 if level == "IMAGE" else 1)
    assert all(row["0010,0010"] == "Zhang^San" for row in found)


@pytest.mark.parametrize("key", ["QueryRetrieveLevel=WARD", "PatientID"])
def test_a_query_without_a_level_is_an_error(scp: Scp, key: str) -> None:
    said = peers.run("findscu", "-v", "-S", "-k", key, "127.0.0.1", str(scp.port)).stdout
    assert "Received Final Find Response (Error: DataSetDoesNotMatchSOPClass)" in said, said


def test_names_are_answered_in_utf_8(scp: Scp) -> None:
    scp.house.store(part10(ct(SpecificCharacterSet="GB18030", PatientName="王^小东")))
    [found] = peers.find(scp.port, "-S", "QueryRetrieveLevel=STUDY", "PatientName")
    assert found["0010,0010"] == "王^小东"
    assert found["0008,0005"] == "ISO_IR 192"


def test_institutions_see_their_own_alone(house: House, tmp_path: Path) -> None:
    scp = Scp(house, Nodes(LISTED))
    try:
        [path] = saved(tmp_path, part10(ct()))
        assert "Success" in peers.store(scp.port, path, calling="SCANNER")
        key = "QueryRetrieveLevel=STUDY"
        assert len(peers.find(scp.port, "-S", key, "PatientID", calling="SCANNER")) == 1
        assert peers.find(scp.port, "-S", key, "PatientID", calling="OTHER") == []
        assert not peers.echo(scp.port, calling="STRANGER")
        assert house.archive.find(Level.STUDY, {"county"}, {})[0]["institution"] == "county"
    finally:
        scp.server.close()


def test_move_sends_the_bytes_that_came(house: House, tmp_path: Path) -> None:
    house.store(part10(ct(1)))
    house.store(part10(ct(2, study="1.2.4", series="1.2.4.1")))
    house.store(part10(ct(3, series="1.2.3.9")))
    with peers.storescp(tmp_path / "out", "+xa", "+B") as port:
        scp = Scp(house, Nodes({"ARCHIVE": Node(host="127.0.0.1", port=port)}, anybody=True))
        try:
            said = peers.run(
                *("movescu", "-v", "-S", "-aem", "ARCHIVE", "-k", "QueryRetrieveLevel=STUDY"),
                *("-k", "StudyInstanceUID=1.2.3", "127.0.0.1", str(scp.port)),
            ).stdout
            assert "Received Final Move Response (Success)" in said
        finally:
            scp.server.close()
    sets = [path.read_bytes() for path in (tmp_path / "out").iterdir()]
    assert len(sets) == 2
    for uid in ("1.2.3.4.1", "1.2.3.9.3"):
        at = house.archive.instance(None, uid).data_at
        assert any(one.endswith(house.read(uid)[at:]) for one in sets)


def test_move_to_nobody_known_is_refused(scp: Scp) -> None:
    said = peers.run(
        *("movescu", "-v", "-S", "-aem", "NOBODY", "-k", "QueryRetrieveLevel=STUDY"),
        *("-k", "StudyInstanceUID=1.2.3", "127.0.0.1", str(scp.port)),
    ).stdout
    assert "MoveDestinationUnknown" in said


def test_every_transfer_syntax_that_is_kept_can_be_agreed_on() -> None:
    for syntax in AllTransferSyntaxes:
        proposed = pdu.Context(1, "1.2.840.10008.5.1.4.1.1.2", (str(syntax),))
        taken, _ = answer([proposed])
        assert bool(taken) == (str(syntax) in KNOWN)
    assert {f"1.2.840.10008.1.2.4.20{number}" for number in (1, 2, 3)} <= KNOWN


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        (("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1"),
        (("1.2.840.10008.1.2", "1.2.840.10008.1.2.4.50"), "1.2.840.10008.1.2"),
        (("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2"), "1.2.840.10008.1.2.4.90"),
        (("1.2.3", "1.2.840.10008.1.2.2"), "1.2.840.10008.1.2.2"),
    ],
)
def test_the_syntax_that_loses_least_is_chosen(proposed: tuple[str, ...], chosen: str) -> None:
    [taken], _ = answer([pdu.Context(1, "1.2.826.0.1.3680043.private", proposed)])
    assert taken.transfer_syntax == chosen


def test_commands_come_out_as_they_went_in() -> None:
    message = Message(
        **{"command": Command.STORE, "sop_class": "1.2.3", "message_id": 7, "sop_instance": "1.2"},
        data_set_type=1,
    )
    assert decode(encode(message)) == message


def request(calling: str = "X", contexts: bytes = b"") -> bytes:
    body = struct.pack(">HH", 1, 0) + b"DISTAL".ljust(16) + calling.encode().ljust(16) + bytes(32)
    return pdu.pdu(pdu.ASSOCIATE_RQ, body + contexts)


def context(number: int, abstract: str, *syntaxes: str) -> bytes:
    inner = bytes((number, 0, 0, 0)) + pdu._item(0x30, abstract.encode())
    inner += b"".join(pdu._item(0x40, one.encode()) for one in syntaxes)
    return pdu._item(0x20, inner)


CT_STORE = context(1, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
STORE_RQ = encode(
    Message(
        **{"command": Command.STORE, "sop_class": "1.2.840.10008.5.1.4.1.1.2", "message_id": 1},
        **{"sop_instance": "1.2.3.4.1", "data_set_type": 1},
    )
)


def values(message: bytes, control: int, number: int = 1) -> bytes:
    return pdu.pdu(pdu.P_DATA, pdu.PDV.pack(len(message) + 2, number, control) + message)


HOSTILE = {
    "rubbish": b"GET / HTTP/1.1\r\n\r\n" + bytes(100),
    "a unit of 4 GB": struct.pack(">BxL", 1, 0xFFFFFFFF),
    "a short request": pdu.pdu(pdu.ASSOCIATE_RQ, bytes(10)),
    "an item that is too long": request(contexts=b"\x20\0\xff\xff\0"),
    "data before a request": values(STORE_RQ, 3),
    "a context not agreed on": request(contexts=CT_STORE) + values(STORE_RQ, 3, 9),
    "a value that is too long": request(contexts=CT_STORE)
    + pdu.pdu(pdu.P_DATA, pdu.PDV.pack(0xFFFFFF, 1, 3) + b"x"),
    "a command that never ends": request(contexts=CT_STORE) + values(bytes(60_000), 1) * 3,
    "a command cut short": request(contexts=CT_STORE) + values(STORE_RQ[:-3], 3),
    "a command among data": request(contexts=CT_STORE)
    + values(STORE_RQ, 3)
    + values(b"abc", 0)
    + values(STORE_RQ, 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_peers_are_aborted_and_leave_nothing(scp: Scp, name: str) -> None:
    with socket.create_connection(("127.0.0.1", scp.port)) as peer:
        peer.sendall(HOSTILE[name])
        peer.settimeout(30)
        said = b""
        while part := peer.recv(65536):
            said += part
    assert said[said.rindex(b"\x07\0\0\0\0\x04") :][:1] == b"\x07"
    assert peers.echo(scp.port)
    assert not any(scp.house.written())


def test_a_peer_that_vanishes_in_the_midst_leaves_nothing(scp: Scp) -> None:
    with socket.create_connection(("127.0.0.1", scp.port)) as peer:
        peer.sendall(request(contexts=CT_STORE) + values(STORE_RQ, 3) + values(bytes(5000), 0))
        peer.recv(1)
    deadline = time.monotonic() + 30
    while any(scp.house.written()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(scp.house.written())


def test_associations_are_bounded(scp: Scp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicom.dimse.server.ASSOCIATIONS_MAX", 2)
    with (
        socket.create_connection(("127.0.0.1", scp.port)),
        socket.create_connection(("127.0.0.1", scp.port)),
    ):
        assert not peers.echo(scp.port)
    deadline = time.monotonic() + 30
    while not peers.echo(scp.port):
        assert time.monotonic() < deadline
