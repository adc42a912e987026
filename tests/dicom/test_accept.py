"""Accept headers as viewers really send them."""

from __future__ import annotations

import pytest

from dicom.archive import Instance
from dicom.web.accept import Media, parse
from dicom.web.errors import BadRequest, NotAcceptable
from dicom.web.frames import Form, choose

OCTETS = "application/octet-stream"
EXPLICIT, BIG, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.50"


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], [Media("*/*")]),
        ([""], [Media("*/*")]),
        (
            ['multipart/related; type="application/dicom"; transfer-syntax=*'],
            [Media("multipart/related", "application/dicom", "*")],
        ),
        (
            ["multipart/related;type=application/octet-stream;transfer-syntax=1.2"],
            [Media("multipart/related", OCTETS, "1.2")],
        ),
        (
            ['Multipart/Related; TYPE="image/jls"; q=0.5, image/jpeg', "text/html;q=0"],
            [Media("image/jpeg"), Media("multipart/related", "image/jls", "", 0.5)],
        ),
        (
            ['multipart/related; type="application/dicom, really; x=1"'],
            [Media("multipart/related", "application/dicom, really; x=1")],
        ),
        (["a/b; q=rubbish, c/d"], [Media("c/d")]),
        ([";;;,,="], [Media("*/*")]),
    ],
)
def test_reading(values: list[str], found: list[Media]) -> None:
    assert parse(values) == found


def test_what_is_too_long_is_not_read() -> None:
    with pytest.raises(BadRequest):
        parse(["a/b," * 5000])


def instance(syntax: str, pixel_length: int | None = 100) -> Instance:
    return Instance(
        **dict.fromkeys(Instance.__dataclass_fields__, 0)  # type: ignore[arg-type]
        | {"transfer_syntax": syntax, "pixel_at": 10, "pixel_length": pixel_length, "frames": 2}
    )


@pytest.mark.parametrize(
    ("accept", "syntax", "single", "form"),
    [
        ("*/*", EXPLICIT, True, Form(True, OCTETS, EXPLICIT, False)),
        (
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            JPEG,
            True,
            Form(True, OCTETS, JPEG, False),
        ),
        (
            "multipart/related; type=application/octet-stream",
            JPEG,
            True,
            Form(True, OCTETS, EXPLICIT, True),
        ),
        (
            f"multipart/related; type=application/octet-stream; transfer-syntax={EXPLICIT}",
            JPEG,
            True,
            Form(True, OCTETS, EXPLICIT, True),
        ),
        ("multipart/related; type=image/jpeg", JPEG, True, Form(True, "image/jpeg", JPEG, False)),
        ("image/jpeg", JPEG, True, Form(False, "image/jpeg", JPEG, False)),
        (
            "image/jpeg, multipart/related; type=image/jpeg",
            JPEG,
            False,
            Form(True, "image/jpeg", JPEG, False),
        ),
        (OCTETS, EXPLICIT, True, Form(False, OCTETS, EXPLICIT, False)),
        (
            "application/octet-stream; transfer-syntax=*",
            JPEG,
            True,
            Form(False, OCTETS, JPEG, False),
        ),
        ("multipart/related", JPEG, True, Form(True, OCTETS, JPEG, False)),
        ("multipart/related; type=image/jls", JPEG, True, None),
        ("multipart/related; type=image/jpeg", EXPLICIT, True, None),
        (f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.4.201", JPEG, True, None),
        (OCTETS, EXPLICIT, False, None),
        ("text/html", JPEG, True, None),
        (OCTETS, BIG, True, Form(False, OCTETS, EXPLICIT, True)),
        (f"{OCTETS}; transfer-syntax=*", BIG, True, Form(False, OCTETS, BIG, False)),
    ],
)
def test_choosing(accept: str, syntax: str, single: bool, form: Form | None) -> None:
    stored = instance(syntax, None if syntax == JPEG else 100)
    if form is None:
        with pytest.raises(NotAcceptable):
            choose(parse([accept]), stored, single)
    else:
        assert choose(parse([accept]), stored, single) == form
