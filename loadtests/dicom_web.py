"""`python -m loadtests.dicom_web`: DICOMweb, Distal beside Orthanc in one run.

A study of 200 CT images of 0.53 MB is stored by one STOW-RS request; then its metadata, each
image's frame and each image as a JPEG are asked for, one after the other over one connection. No
image is asked for twice. The order of the servers alternates. The last line is JSON
(`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests import verdict
from loadtests.dicom_peers import DicomServer, Distal, Orthanc
from loadtests.dicom_store import ROOT, image

BOUNDARY, JSON = "load-test", "application/dicom+json"
SETTLE_S = 3.0  # what a server does with a study after it has answered
METADATA_TIMES = 10


@dataclass
class Times:
    """Seconds, of one server over all rounds."""

    store: list[float] = field(default_factory=list)
    first_metadata: list[float] = field(default_factory=list)
    metadata: list[float] = field(default_factory=list)
    frame: list[float] = field(default_factory=list)
    rendered: list[float] = field(default_factory=list)
    search: list[float] = field(default_factory=list)


class Client:
    """One connection."""

    def __init__(self, server: DicomServer) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.http_port)
        self._root = server.web
        token = server.token()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def timed(self, method: str, path: str, accept: str, body: bytes | None = None) -> float:
        """One request; seconds until the last byte is here. Raises RuntimeError."""
        headers = {**self._headers, "Accept": accept}
        # Orthanc would compress pixels as well, which takes it 20 ms and saves nothing.
        headers["Accept-Encoding"] = "gzip" if accept == JSON else "identity"
        if body is not None:
            kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
            headers["Content-Type"] = kind
        began = time.perf_counter()
        self._connection.request(method, self._root + path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        took_s = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return took_s

    def connect(self) -> None:
        """Anew: Orthanc ends what has been silent for a second."""
        self._connection.close()
        self._connection.connect()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def body_of(folder: Path, count: int) -> bytes:
    """One STOW-RS request."""
    parts = []
    path = folder / "one.dcm"
    for number in range(count):
        image(1, number).save_as(path, enforce_file_format=True)
        head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        parts += [head, path.read_bytes(), b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def ask(client: Client, body: bytes, count: int, times: Times) -> None:
    """All of it, once."""
    client.connect()
    times.store.append(client.timed("POST", "/studies", JSON, body))
    time.sleep(SETTLE_S)
    client.connect()
    every = [client.timed("GET", f"/studies/{ROOT}/metadata", JSON) for _ in range(METADATA_TIMES)]
    times.first_metadata.append(every[0])
    times.metadata += every[1:]
    series = f"/studies/{ROOT}/series/{ROOT}.1/instances/{ROOT}.1"
    octets = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    half = count // 2
    for number in range(half):
        times.frame.append(client.timed("GET", f"{series}.{number}/frames/1", octets))
    for number in range(half, count):
        times.rendered.append(client.timed("GET", f"{series}.{number}/rendered", "image/jpeg"))
    times.search += [client.timed("GET", "/studies?PatientID=L1", JSON) for _ in range(50)]


async def measure(
    kind: type[DicomServer], folder: Path, body: bytes, count: int, times: Times
) -> None:
    """On a fresh server."""
    async with kind(folder / kind.name) as server:
        client = await asyncio.to_thread(Client, server)
        try:
            await asyncio.to_thread(ask, client, body, count, times)
        finally:
            client.close()


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.dicom_web", description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk that is meant")
    chosen = parser.parse_args(arguments)
    times = {"Distal": Times(), "Orthanc": Times()}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as made:
        folder = Path(made)
        body = body_of(folder, chosen.images)
        kinds: list[type[DicomServer]] = [Distal, Orthanc]
        for turn in range(chosen.rounds):
            for kind in kinds if turn % 2 == 0 else reversed(kinds):
                asyncio.run(measure(kind, folder, body, chosen.images, times[kind.name]))
    print(_said(times["Distal"], times["Orthanc"], chosen.images))
    return 0


def _said(ours: Times, theirs: Times, images: int) -> str:
    asked: list[tuple[str, float, Callable[[Times], list[float]]]] = [
        (f"STOW-RS of {images} images of 0.5 MB", 2, lambda times: times.store),
        (f"metadata of {images} instances, for the first time", 10, lambda t: t.first_metadata),
        (f"metadata of {images} instances, again", 10, lambda times: times.metadata),
        ("one frame", 2, lambda times: times.frame),
        ("one rendered frame", 2, lambda times: times.rendered),
        ("search for a patient's studies", 1, lambda times: times.search),
    ]
    bars = []
    numbers: dict[str, Any] = {}
    rows = ["| work | Distal, ms | Orthanc, ms | |", "|---|---:|---:|---:|"]
    for work, least, pick in asked:
        mine, other = (statistics.median(pick(times)) * 1000 for times in (ours, theirs))
        times_less = other / mine
        rows.append(f"| {work} | {mine:.2f} | {other:.2f} | 1/{times_less:.1f} |")
        measured = f"{mine:.2f} ms, Orthanc {other:.2f}: 1/{times_less:.1f}"
        wanted = f"≤ 1/{least:g} of Orthanc" if least != 1 else "at most Orthanc's"
        bars.append(verdict.Bar(work, wanted, measured, times_less >= least))
        numbers[work] = {"distal_ms": mine, "orthanc_ms": other}
    table = "\n".join(rows)
    print(table)
    return verdict.line("DICOMweb", bars, numbers, markdown=table)


if __name__ == "__main__":
    sys.exit(main())
