"""The DICOM receiver's own process: what `server.receiver` starts.

It reads what it is to do from its first line of input and ends with the input, so it outlives
nobody. On its output it says what it has counted, once it serves and then whenever it has changed.
"""

from __future__ import annotations

import gc
import json
import socket
import sys
import threading
import warnings
from pathlib import Path

import structlog

from dicom.archive import Archive
from dicom.dimse.server import DimseServer, Services
from dicom.door import Door
from dicom.errors import DicomError
from dicom.ingest import Ingest
from dicom.nodes import Node, Nodes
from server import logs

TELL_S = 1.0
log = structlog.get_logger("server.receiver_process")


def main() -> None:
    """Serve until the input ends."""
    told = json.loads(sys.stdin.readline())
    logs.configure(told["log_level"])
    warnings.simplefilter("ignore")  # pydicom's quote what patients' data they are about
    root = Path(told["root"])
    try:
        ingest, archive = Ingest(root), Archive(root)
    except DicomError as error:
        log.error("no DICOM", why=str(error))
        sys.exit(1)
    nodes = Nodes({ae: Node(**node) for ae, node in told["nodes"].items()}, told["anybody"])
    services = Services(ingest, archive, nodes)
    server = None
    if told["socket"] is not None:
        server = DimseServer(socket.socket(fileno=told["socket"]), services)
        server.start()
    door = Door(socket.socket(fileno=told["door"]), ingest)
    door.start()
    gc.collect()
    gc.freeze()
    ended = threading.Event()
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    said = None
    while True:
        counts = services.counts()
        if counts != said:
            print(json.dumps(counts), flush=True)
            said = counts
        if ended.wait(TELL_S):
            break
    if server is not None:
        server.close()
    door.stop()
    ingest.close()
    door.close()
    archive.close()


def _wait_for_end(ended: threading.Event) -> None:
    while sys.stdin.readline():
        pass
    ended.set()


if __name__ == "__main__":
    main()
