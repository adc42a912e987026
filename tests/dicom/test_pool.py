"""A decoder that dies, hangs or wants all memory costs one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from dicom import jobs
from dicom.errors import Refused
from dicom.pool import Busy, Decoders
from tests.dicom.samples import ct, part10

CODESTREAM_BOMB = (  # JPEG-LS: 60 000 by 60 000 points of 16 bits in a few bytes
    b"\xff\xd8\xff\xf7\x00\x0b\x10\xea\x60\xea\x60\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"
    + bytes(2000)
)


@pytest.fixture
async def decoders() -> AsyncIterator[Decoders]:
    made = Decoders(1)
    yield made
    await made.close()


@pytest.fixture
def good(tmp_path: Path) -> jobs.Render:
    path = tmp_path / "good"
    content = part10(ct())
    path.write_bytes(content)
    at = len(content) - 16 * 24 * 2
    return jobs.Render(jobs.Place(str(path), "1.2.840.10008.1.2.1", 1, ((at, 768),), at))


async def test_pictures_are_made_by_one_process_again_and_again(
    decoders: Decoders, good: jobs.Render
) -> None:
    for _ in range(3):
        assert (await decoders.run(good)).startswith(b"\xff\xd8")
    assert len(children()) == 1


async def test_who_dies_is_replaced(decoders: Decoders, good: jobs.Render) -> None:
    await decoders.run(good)
    [process] = children()
    process.kill()
    process.wait()
    with pytest.raises(Refused):
        await decoders.run(good)
    assert await decoders.run(good)


async def test_who_is_too_slow_is_ended(decoders: Decoders, good: jobs.Render) -> None:
    await decoders.run(good)
    [process] = children()
    process.suspend()
    with pytest.raises(Refused, match="not decoded in"):
        await decoders.run(good, time_s=0.2)
    assert not process.is_running()
    assert await decoders.run(good)


async def test_a_bomb_is_one_refusal(decoders: Decoders, good: jobs.Render, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    image = ct(Rows=60000 % 65536, Columns=60000 % 65536, PixelData=bytes(2))
    path.write_bytes(part10(image) + CODESTREAM_BOMB)
    at = path.stat().st_size - len(CODESTREAM_BOMB)
    for syntax in ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"):
        place = jobs.Place(str(path), syntax, 1, ((at, len(CODESTREAM_BOMB)),), at, True)
        with pytest.raises(Refused):
            await decoders.run(jobs.Decode(place))
    image.Rows = image.Columns = 16  # the codestream says otherwise
    path.write_bytes(part10(image) + CODESTREAM_BOMB)
    at = path.stat().st_size - len(CODESTREAM_BOMB)
    place = jobs.Place(str(path), "1.2.840.10008.1.2.4.80", 1, ((at, len(CODESTREAM_BOMB)),), at)
    with pytest.raises(Refused):
        await decoders.run(jobs.Decode(place))
    assert await decoders.run(good)


@pytest.mark.parametrize("seed", range(3))
async def test_rubbish_in_every_codec_is_refused(
    decoders: Decoders, good: jobs.Render, tmp_path: Path, seed: int
) -> None:
    from dicom.pixels import _CODECS

    noise = np.random.default_rng(seed).integers(0, 256, 4000, np.uint8).tobytes()
    path = tmp_path / "rubbish"
    head = part10(ct())
    for syntax in _CODECS:
        path.write_bytes(head + noise)
        spans = ((len(head), len(noise)),)
        with pytest.raises(Refused):
            await decoders.run(jobs.Decode(jobs.Place(str(path), syntax, 1, spans, 1, True)))
    assert await decoders.run(good)


async def test_who_gives_up_leaves_no_answer_to_the_next(
    decoders: Decoders, good: jobs.Render
) -> None:
    first = await decoders.run(good)
    [process] = children()
    process.suspend()
    asking = asyncio.create_task(decoders.run(good))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    if process.is_running():
        process.resume()
    assert await decoders.run(good) == first


async def test_no_more_wait_than_are_allowed(
    decoders: Decoders, good: jobs.Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicom.pool.WAITING_MAX", 2)
    said = await asyncio.gather(*(decoders.run(good) for _ in range(4)), return_exceptions=True)
    assert [isinstance(one, Busy) for one in said] == [False, False, True, True]


def children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [one for one in found if "dicom.decoder" in " ".join(one.cmdline())]
