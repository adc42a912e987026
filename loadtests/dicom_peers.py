"""Distal and Orthanc as DICOM archives to be loaded, each fresh and with an empty disk.

Debian's dcmtk, which both talk through, waits for acknowledgements that the other end delays
(Nagle) unless TCP_NODELAY is in its environment; so it is, at both ends of every connection.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from loadtests.ports import free_port
from loadtests.process import Child

START_S = 60.0
PLUGINS = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
SUCCESS = b"Received Store Response (Success)"


class DicomServer(ABC):
    """A child that stores."""

    name = ""
    web = ""  # where its DICOMweb is

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.dicom_port = free_port()
        self.http_port = free_port()
        self.child = Child(self.command(), folder / "log")

    @abstractmethod
    def command(self) -> list[str]:
        """What to run."""

    def token(self) -> str:
        """What its DICOMweb wants to see; nothing unless it says so."""
        return ""

    async def __aenter__(self) -> DicomServer:
        await self.child.start()
        deadline = time.monotonic() + START_S
        while True:
            self.child.check()
            code, _ = await run("echoscu", "127.0.0.1", str(self.dicom_port))
            if code == 0:
                return self
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not answer: {self.child.output()[-2000:]}")
            await asyncio.sleep(0.1)

    async def __aexit__(self, *_: object) -> None:
        await self.child.stop()

    async def store(self, folders: Sequence[Path]) -> float:
        """Send each folder by an association of its own, all at once; the seconds they took."""
        began = time.monotonic()
        where = ("127.0.0.1", str(self.dicom_port))
        said = await asyncio.gather(*(run("storescu", "-v", "+sd", *where, f) for f in folders))
        took_s = time.monotonic() - began
        for folder, (code, output) in zip(folders, said, strict=True):
            if code or output.count(SUCCESS) != len(list(folder.iterdir())):
                raise RuntimeError(f"{self.name} has not stored all: {output[-500:]!r}")
        return took_s


class Distal(DicomServer):
    """`distal serve`, as it is installed."""

    name = "Distal"
    web = "/dicomweb"

    def command(self) -> list[str]:
        program = str(Path(sys.executable).parent / "distal")
        ports = ["--port", str(self.http_port), "--dicom-port", str(self.dicom_port)]
        ports += ["--control-port", "0"]
        media = ["--media-port", "0", "--media-tcp-port", "0", "--log-level", "warning"]
        return [program, "serve", *ports, *media, "--data-dir", str(self.folder / "data")]

    def token(self) -> str:
        program = str(Path(sys.executable).parent / "distal")
        said = ["token", "--room", "r", "--role", "specialist"]
        return subprocess.run(
            [program, *said, "--data-dir", str(self.folder / "data")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()


class Orthanc(DicomServer):
    """Debian's Orthanc as it is configured by default: it syncs each file that it stores."""

    name = "Orthanc"
    web = "/dicom-web"

    def command(self) -> list[str]:
        settings = {
            "StorageDirectory": str(self.folder / "data"),
            "IndexDirectory": str(self.folder / "data"),
            "DicomPort": self.dicom_port,
            "HttpPort": self.http_port,
            "DicomCheckCalledAet": False,
            "SyncStorageArea": True,
            "AuthenticationEnabled": False,
            "Plugins": [PLUGINS],
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        return ["env", "TCP_NODELAY=1", "Orthanc", str(path)]


async def run(program: str, *arguments: str | Path) -> tuple[int, bytes]:
    """Run one of dcmtk's; its exit status and output."""
    process = await asyncio.create_subprocess_exec(
        program,
        *(str(argument) for argument in arguments),
        env=os.environ | {"TCP_NODELAY": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output
