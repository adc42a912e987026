"""Multipart bodies however they are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.web.errors import BadRequest
from dicom.web.parts import HEAD_MAX, Begin, Data, End, Parts

CONTENTS = [b"", b"one", b"\r\n--mar", b"--mark\r\n\r\n-- \r\n", b"\0" * 5000 + b"\r\n", b"\r"]


def body(contents: list[bytes], start: bytes = b"") -> bytes:
    parts = (
        b"--mark\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in contents
    )
    return start + b"".join(parts) + b"--mark--"


def read(pieces: list[bytes]) -> tuple[list[bytes], Parts]:
    parts, found, current = Parts("mark"), [], b""
    for piece in pieces:
        for event in parts.feed(piece):
            match event:
                case Begin(headers):
                    assert headers == {"content-type": "application/dicom"}
                    current = b""
                case Data(content):
                    current += content
                case End():
                    found.append(current)
    return found, parts


@given(st.lists(st.integers(0, 6000), max_size=30), st.booleans())
def test_parts_are_found_wherever_the_pieces_end(cuts: list[int], started: bool) -> None:
    whole = body(CONTENTS, b"a preamble\r\n" if started else b"")
    at = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    found, parts = read([whole[a:b] for a, b in itertools.pairwise(at)])
    assert found == CONTENTS
    assert parts.complete


@given(st.binary(max_size=500), st.integers(1, 50))
def test_rubbish_is_refused_or_incomplete(rubbish: bytes, size: int) -> None:
    pieces = [rubbish[at : at + size] for at in range(0, len(rubbish), size)]
    try:
        _, parts = read([b"--mark\r\n", *pieces])
    except (BadRequest, AssertionError):
        return
    assert parts.complete is (b"--mark--" in b"--mark\r\n" + rubbish)


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 100_000,
        b"--mark and more\r\n\r\n",
        b"--mark\r\n" + b"A: b\r\n" * HEAD_MAX,
        b"--mark" + b" " * 2 * HEAD_MAX,
    ],
)
def test_what_never_becomes_a_part_is_refused(content: bytes) -> None:
    with pytest.raises(BadRequest):
        read([content])


def test_a_body_that_ends_too_early_is_not_complete() -> None:
    found, parts = read([body([b"one", b"two"])[:-5]])
    assert found == [b"one"] and not parts.complete
