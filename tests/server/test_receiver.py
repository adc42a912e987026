"""`distal serve` keeps a DICOM receiver alive, and lets in who may come."""

from __future__ import annotations

import re
import time
import urllib.request
from pathlib import Path

import psutil

from loadtests.ports import free_port
from tests.dicom import peers
from tests.dicom.samples import ct, part10
from tests.server_process import DistalServer

WAIT_S = 60.0
SAID = "Received Store Response (Success)"


def metric(server: DistalServer, name: str) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def reaches(server: DistalServer, name: str, value: float) -> bool:
    deadline = time.monotonic() + WAIT_S
    while metric(server, name) < value and time.monotonic() < deadline:
        time.sleep(0.05)
    return metric(server, name) >= value


def receiver(server: DistalServer) -> psutil.Process:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    [found] = [one for one in children if "server.receiver_process" in one.cmdline()]
    return found


def test_a_receiver_that_is_killed_is_replaced_and_has_lost_nothing(tmp_path: Path) -> None:
    port = free_port()
    first, second = tmp_path / "1.dcm", tmp_path / "2.dcm"
    first.write_bytes(part10(ct(1)))
    second.write_bytes(part10(ct(2)))
    with DistalServer(tmp_path / "data", "--dicom-port", str(port)) as server:
        assert SAID in peers.store(port, first)
        assert reaches(server, "distal_dicom_stored_total", 1)
        killed = receiver(server)
        killed.kill()
        killed.wait(WAIT_S)
        assert SAID in peers.store(port, second)  # waited in the backlog
        assert reaches(server, "distal_dicom_stored_total", 2)
        assert metric(server, "distal_dicom_restarts_total") == 1
        found = peers.find(port, "-S", "QueryRetrieveLevel=IMAGE", "SOPInstanceUID")
        assert {row["0008,0018"] for row in found} == {"1.2.3.4.1", "1.2.3.4.2"}
        last = receiver(server)
    assert "a process died" in server.stderr()
    assert not last.is_running()


def test_on_a_public_address_only_those_listed_may_come(tmp_path: Path) -> None:
    port = free_port()
    public = ("--host", "0.0.0.0", "--behind-proxy", "--dicom-port", str(port))
    with DistalServer(tmp_path / "nobody", *public) as server:
        assert not peers.echo(port)
        assert "List the senders in dicom_nodes" in server.stderr()
    listed = tmp_path / "distal.toml"
    listed.write_text('[dicom_nodes.CT1]\ninstitution = "county"\ncharset = "gb18030"\n')
    with DistalServer(tmp_path / "data", *public, "--config", str(listed)):
        assert peers.echo(port, calling="CT1")
        assert not peers.echo(port, calling="CT2")


def test_a_dicom_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    port = free_port()
    with DistalServer(tmp_path / "first", "--dicom-port", str(port)):
        second = DistalServer(tmp_path / "second", "--dicom-port", str(port))
        try:
            second.start()
        except RuntimeError as error:
            assert f"TCP port {port} of 127.0.0.1 is in use" in str(error)
            assert "--dicom-port" in str(error)
        else:
            second.stop()
            raise AssertionError("two servers on one port")
