"""Instances that were looked up are remembered with their series; nobody sees more by it."""

from __future__ import annotations

import asyncio

import pytest

from dicom.errors import NotFound
from dicom.ingest import Sender
from dicom.recent import Recent
from tests.dicom.conftest import House
from tests.dicom.samples import ct, part10

HERE = frozenset({"default"})


async def settled(recent: Recent) -> None:
    await asyncio.gather(*recent._reading.values())


async def test_the_others_of_a_series_need_no_index(house: House) -> None:
    for number in (1, 2, 3):
        house.store(part10(ct(number)))
    recent = Recent(house.archive)
    first = await recent.instance(HERE, "1.2.3", "1.2.3.4", "1.2.3.4.1")
    await settled(recent)
    house.archive.close()
    (house.root / "index.db").rename(house.root / "gone.db")
    assert first == await recent.instance(HERE, "1.2.3", "1.2.3.4", "1.2.3.4.1")
    assert (await recent.instance(HERE, "1.2.3", "1.2.3.4", "1.2.3.4.3")).number == 3


async def test_what_comes_later_is_found(house: House) -> None:
    house.store(part10(ct(1)))
    recent = Recent(house.archive)
    await recent.instance(HERE, "1.2.3", "1.2.3.4", "1.2.3.4.1")
    await settled(recent)
    with pytest.raises(NotFound):
        await recent.instance(HERE, "1.2.3", "1.2.3.4", "1.2.3.4.2")
    house.store(part10(ct(2)))
    assert (await recent.instance(HERE, "1.2.3", "1.2.3.4", "1.2.3.4.2")).number == 2


async def test_another_institution_and_another_address_see_nothing(house: House) -> None:
    house.store(part10(ct(1)), Sender("county"))
    recent = Recent(house.archive)
    await recent.instance(frozenset({"county"}), "1.2.3", "1.2.3.4", "1.2.3.4.1")
    await settled(recent)
    for institutions, study in ((HERE, "1.2.3"), (frozenset({"county"}), "1.2.4")):
        with pytest.raises(NotFound):
            await recent.instance(institutions, study, "1.2.3.4", "1.2.3.4.1")


async def test_memory_has_a_bound(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicom.recent.REMEMBERED_MAX", 2)
    for series in ("1.2.3.4", "1.2.3.5"):
        for number in (1, 2):
            house.store(part10(ct(number, "1.2.3", series)))
    recent = Recent(house.archive)
    for series in ("1.2.3.4", "1.2.3.5", "1.2.3.4"):
        await recent.instance(HERE, "1.2.3", series, f"{series}.1")
        await settled(recent)
        assert sum(map(len, recent._series.values())) == recent._count <= 2
