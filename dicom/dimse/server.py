"""The listening end: a thread for each association, bounded in number."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Mapping

import structlog

from dicom.archive import Archive
from dicom.dimse import find, move, store
from dicom.dimse.association import BY_PRESENTATION, CONGESTION, FOR_NOW, Association
from dicom.dimse.command import Message
from dicom.dimse.pdu import associate_reject
from dicom.ingest import Ingest
from dicom.nodes import Nodes

log = structlog.get_logger("dicom.server")
ASSOCIATIONS_MAX = 64  # a megabyte each; a hospital's scanners at once
RECEIVE_BYTES = 1 << 20


class Services:
    """What an association can ask for."""

    def __init__(self, ingest: Ingest, archive: Archive, nodes: Nodes) -> None:
        self.nodes = nodes
        self._ingest = ingest
        self._archive = archive
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def store(self, association: Association, message: Message) -> None:
        outcome = store.store(association, message, self._ingest)
        self.count(outcome.kind.value.replace(" ", "_") if outcome else "failed")

    def find(self, association: Association, message: Message) -> None:
        find.find(association, message, self._archive)
        self.count("queries")

    def move(self, association: Association, message: Message) -> None:
        move.move(association, message, self._archive, self.nodes)
        self.count("moves")

    def count(self, what: str) -> None:
        """One more of it."""
        with self._lock:
            self._counts[what] += 1

    def counts(self) -> Mapping[str, int]:
        """What happened since the start."""
        with self._lock:
            return dict(self._counts)


class DimseServer:
    """Accepts on a socket that somebody else has bound."""

    def __init__(self, listener: socket.socket, services: Services) -> None:
        self._listener = listener
        self._services = services
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, name="dicom-accept", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(True)
        self._thread.start()

    def close(self) -> None:
        """Accept no more, and end the associations that are there."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                crowded = len(self._open) >= ASSOCIATIONS_MAX
                if not crowded:
                    self._open.add(sock)
            if crowded:
                log.warning("association refused", why="too many at once")
                with contextlib.suppress(OSError):
                    sock.sendall(associate_reject(FOR_NOW, BY_PRESENTATION, CONGESTION))
                sock.close()
                continue
            threading.Thread(target=self._serve, args=(sock,), name="dicom", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        self._services.count("associations")
        try:
            Association(sock, self._services).run()
        finally:
            with self._lock:
                self._open.discard(sock)
