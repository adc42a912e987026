"""Sessions and the DICOM JSON of what they are kept as: `clients/web/tests/saved.json`.

The viewer's tests read that file, so that who writes and who reads are tried against each other.
`python -m tests.dicom.saved_examples` writes it anew.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
from pydicom import Dataset

from dicom.presentation.image import Image
from dicom.presentation.session import Author, Figure, Pane, Place, Session
from dicom.presentation.write import objects
from tests.e2e.images import ct_series, ultrasound

FILE = Path(__file__).parents[2] / "clients/web/tests/saved.json"
STUDY = "1.2.826.0.1.3680043.8.498.7"
AUTHOR = Author("李医生", "20261122161500", "1")
CT, ULTRASOUND = ct_series(STUDY), ultrasound(STUDY)
PICTURES = [*CT, ULTRASOUND]


def images() -> list[Image]:
    """What is known of the study's pictures."""
    return [Image(image.to_json_dict(suppress_invalid_tags=True)) for image in PICTURES]


def place(image: Dataset, frame: int = 1) -> dict[str, Any]:
    """Where something is."""
    return {"instance": str(image.SOPInstanceUID), "frame": frame}


def pane(image: Dataset, frame: int = 1, **more: Any) -> Pane:
    """A picture as it is first shown."""
    said: dict[str, Any] = {
        "area": (0, 0, image.Columns, image.Rows),
        "rotation": 0,
        "flip": False,
        "invert": False,
        "voi": None if image is ULTRASOUND else (-160.0, 239.0),
    }
    return Pane(**(place(image, frame) | said | more))


def sessions() -> dict[str, Session]:
    """By name."""
    length = Figure(
        **place(CT[3]),
        kind="polyline",
        points=[(10.5, 20.25), (74.5, 20.25)],
        text="32.0 mm",
        at=(80, 12.5),
    )
    area = Figure(
        **place(CT[5]),
        kind="ellipse",
        points=[(10, 40), (50, 40), (30, 30), (30, 50)],
        text="Area: 157 mm²\nMean: -200 HU",
    )
    value = Figure(**place(ULTRASOUND, 4), kind="point", points=[(48, 32)], text="(48, 32, 0)\n220")
    turned = {
        f"turned {rotation} {flip}": Session(
            panes=[pane(CT[3], area=(8, 16, 72, 48), rotation=rotation, flip=flip)]
        )
        for rotation, flip in itertools.product((0, 90, 180, 270), (False, True))
    }
    return turned | {
        "a measured slice": Session(
            title="左上肺结节",
            panes=[pane(CT[3], voi=(-1350.0, 149.0), invert=True)],
            figures=[length, area],
            keys=[Place(**place(CT[3])), Place(**place(CT[7]))],
        ),
        "two panes": Session(
            title="two",
            panes=[pane(CT[1]), pane(ULTRASOUND, 3)],
            figures=[value],
            keys=[Place(**place(ULTRASOUND, 3))],
        ),
        "marked elsewhere": Session(panes=[pane(CT[1])], figures=[value]),
    }


def examples() -> str:
    """The file's content."""
    made = {}
    for name, session in sessions().items():
        uids = map("2.25.{}".format, itertools.count(1))
        found = objects(session, images(), AUTHOR, 9001, uids.__next__)
        made[name] = {
            "session": json.loads(msgspec.json.encode(session)),
            "objects": [one.to_json_dict() for one in found],
        }
        for one in made[name]["objects"]:
            one.pop("00282000", None)  # colours are none of the reader's business
    pictures = [
        {tag: value for tag, value in one.to_json_dict().items() if tag != "7FE00010"}
        for one in PICTURES
    ]
    return json.dumps({"pictures": pictures, "saved": made}, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(examples())
