"""What the server and a decoder's process say to each other: one contract, compiled for both.

Each message is four bytes of length, little endian, then MessagePack. A decoder reads untrusted
files; what it answers is data, never code.
"""

from __future__ import annotations

from msgspec import Struct, msgpack

from dicom.presentation.session import Author, Session

PIPE_BYTES = 1 << 20  # Linux's own bound for who is not root
ANSWER_MAX_BYTES = 1 << 30  # a decoded frame is at most half of it
SIDE_MAX = 8192  # points of a rendered picture's side


class Window(Struct, frozen=True):
    """A grey-scale window: PS3.3 C.11.2.1.2."""

    center: float
    width: float
    function: str = "LINEAR"


class View(Struct, frozen=True):
    """What part is shown how large. Zero: as it is. A negative size of the part mirrors it."""

    width: int = 0
    height: int = 0
    x: float = 0
    y: float = 0
    part_width: float = 0
    part_height: float = 0


class Place(Struct, frozen=True):
    """One frame of a stored file. `spans` are its bytes (at, length); none: look inside."""

    path: str
    syntax: str
    frame: int  # from 1
    spans: tuple[tuple[int, int], ...] = ()
    pixel_at: int = 0  # where the pixel data begin
    encapsulated: bool = False
    data_at: int = 0  # where the data set begins; 0: not known


Table = tuple[tuple[tuple[int, int], ...], ...]  # spans of every frame


class Decode(Struct, frozen=True, tag="decode"):
    """Answer: the frame as explicit VR little endian has it."""

    place: Place


class Render(Struct, frozen=True, tag="render"):
    """Answer: a JPEG or PNG file."""

    place: Place
    window: Window | None = None
    view: View | None = None
    png: bool = False
    quality: int = 90


class Transcode(Struct, frozen=True, tag="transcode"):
    """Write the object as explicit VR little endian to `out`. Answer: nothing."""

    place: Place
    table: Table
    out: str


class Deidentify(Struct, frozen=True, tag="deidentify"):
    """Write the object without its patient to `out`. Answer: nothing; Failed: it is withheld."""

    place: Place
    table: Table
    out: str
    key: bytes  # of its UIDs


class Progressive(Struct, frozen=True, tag="progressive"):
    """Write the frame as HTJ2K, coarse first, to `out`. Answer: nothing."""

    place: Place
    out: str


class File(Struct, frozen=True):
    """One stored file as `dicom.describe` wants it."""

    path: str
    syntax: str
    data_at: int
    fallback: str = ""


class Describe(Struct, frozen=True, tag="describe"):
    """Answer: MessagePack of a list, for each file its DICOM JSON in zlib, or nothing."""

    files: tuple[File, ...]


class Present(Struct, frozen=True, tag="present"):
    """Answer: MessagePack of a list, the SOP Instance UID and file of each object of a session.

    `headers` are DICOM JSON of the pictures, cut down to what is needed.
    """

    session: Session
    headers: tuple[bytes, ...]
    author: Author
    series_number: int


class Capture(Struct, frozen=True, tag="capture"):
    """Write the still or clip at `path` as an ultrasound object to `out`. Answer: nothing.

    `about` is the DICOM JSON of its patient and study. Times are local, YYYYMMDDHHMMSS.
    """

    path: str
    media: str  # image/png, video/webm, video/mp4
    out: str
    about: bytes
    series: str  # UIDs
    instance: str
    number: int
    began_at: str  # the consultation
    taken_at: str
    author: Author


Job = Decode | Render | Transcode | Deidentify | Progressive | Describe | Present | Capture


class Done(Struct, frozen=True, tag="done"):
    """The answer's content."""

    content: bytes


class Failed(Struct, frozen=True, tag="failed"):
    """It cannot be done with this file: `dicom.errors.Refused`."""

    reason: str
    detail: str


Answer = Done | Failed
job_decoder: msgpack.Decoder[Job] = msgpack.Decoder(Job)
answer_decoder: msgpack.Decoder[Answer] = msgpack.Decoder(Answer)


def framed(message: Job | Answer) -> bytes:
    """With its length before it."""
    body = msgpack.encode(message)
    return len(body).to_bytes(4, "little") + body
