"""A receiver in a process that may be killed: forked from one that has everything imported."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

from dicom.archive import Archive
from dicom.dimse.server import DimseServer, Services
from dicom.ingest import Ingest
from dicom.nodes import Nodes

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.dicom.victim"])


def serve(root: Path, listener: socket.socket, file_bytes_max: int) -> None:
    """Until killed. No file may become longer than `file_bytes_max`, where that is not 0."""
    if file_bytes_max:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
    services = Services(Ingest(root), Archive(root), Nodes(anybody=True))
    DimseServer(listener, services).start()
    threading.Event().wait()


@contextlib.contextmanager
def victim(root: Path, listener: socket.socket, file_bytes_max: int = 0) -> Iterator[BaseProcess]:
    """It runs; whoever connects waits in the backlog until it serves."""
    process = FORKS.Process(target=serve, args=(root, listener, file_bytes_max), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
