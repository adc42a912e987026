"""What is described behind ingest: one object that brings a decoder down holds up no other."""

from __future__ import annotations

import os

import msgspec
import pytest

from dicom import jobs, pool
from dicom.descriptions import Descriptions
from dicom.pool import Decoders
from tests.dicom.conftest import House
from tests.dicom.samples import ct, part10


async def test_an_object_that_no_decoder_survives_costs_only_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pool.TIMES, jobs.Describe, 3.0)
    for number in (1, 2, 3):
        house.store(part10(ct(number)))
    archive, decoders = house.archive, Decoders(1)
    descriptions = Descriptions(house.root, archive, decoders)
    instances = archive.undescribed(10)
    path = archive.path(instances[1])
    path.unlink()
    os.mkfifo(path)  # who reads it waits for ever
    try:
        said = [msgspec.json.decode(one) for one in await descriptions.of(instances)]
        assert archive.undescribed(10) == []
    finally:
        descriptions.close()
        await decoders.close()
    assert ["00100010" in one for one in said] == [True, False, True]
    assert said[1]["00080018"]["Value"] == [instances[1].uid]
