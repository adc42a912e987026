"""How another process hands objects to the one that ingests: there is one writer of an index.

Over a socket pair, lines of JSON both ways. Who hands in asks for a draft, writes the file himself,
and then asks for it to be taken; answers come in the order in which things are done.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from concurrent.futures import Future
from pathlib import Path

import structlog
from msgspec import Struct, json

from dicom.errors import StorageFull
from dicom.ingest import Draft, Expected, Ingest, Outcome, Sender

log = structlog.get_logger("dicom.door")
LINE_MAX = 64 * 1024


class MakeDraft(Struct, frozen=True, tag="draft"):
    """Answer: `draft`."""

    id: int


class Take(Struct, frozen=True, tag="take"):
    """Answer: `outcome`."""

    id: int
    draft: Draft
    sender: Sender
    expected: Expected
    digest: bytes | None = None


class Discard(Struct, frozen=True, tag="discard"):
    """No answer."""

    id: int
    draft: Draft


Asked = MakeDraft | Take | Discard


class Said(Struct, frozen=True, omit_defaults=True):
    """An answer to the question of that number."""

    id: int
    draft: Draft | None = None
    outcome: Outcome | None = None
    full: bool = False
    failed: str = ""


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))


def _path(kind: type, value: str) -> Path:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(kind)


encoder = json.Encoder(enc_hook=_plain)
asked_decoder: json.Decoder[Asked] = json.Decoder(Asked, dec_hook=_path)
said_decoder: json.Decoder[Said] = json.Decoder(Said, dec_hook=_path)


class Door:
    """The side of who ingests: answers until the other side closes."""

    def __init__(self, connection: socket.socket, ingest: Ingest) -> None:
        self._connection = connection
        self._ingest = ingest
        self._saying = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="dicom-door", daemon=True)

    def start(self) -> None:
        """In a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more questions; what was taken is still answered."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)
        self._thread.join()

    def close(self) -> None:
        """Answer no more."""
        self._connection.close()

    def _serve(self) -> None:
        with self._connection.makefile("rb") as lines:
            for line in lines:
                self._answer(asked_decoder.decode(line))

    def _answer(self, asked: Asked) -> None:
        match asked:
            case MakeDraft(number):
                try:
                    self._say(Said(number, draft=self._ingest.draft()))
                except StorageFull:
                    self._say(Said(number, full=True))
                except Exception as error:
                    self._fail(number, error)
            case Take(number, draft, sender, expected, digest):
                taken = self._ingest.submit(draft, sender, expected, digest)
                taken.add_done_callback(lambda future: self._taken(number, future))
            case Discard(_, draft):
                self._ingest.discard(draft)

    def _taken(self, number: int, future: Future[Outcome]) -> None:
        try:
            self._say(Said(number, outcome=future.result()))
        except StorageFull:
            self._say(Said(number, full=True))
        except Exception as error:
            self._fail(number, error)

    def _fail(self, number: int, error: Exception) -> None:
        log.error("not stored", error=type(error).__name__)
        self._say(Said(number, failed=type(error).__name__))

    def _say(self, said: Said) -> None:
        with self._saying, contextlib.suppress(OSError):  # nobody listens any more
            self._connection.sendall(encoder.encode(said) + b"\n")
