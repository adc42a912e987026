"""A CT in three planes: cut, measured, and looked at together, also by who cannot cut."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.async_api import Locator

from tests.e2e.conftest import House
from tests.e2e.images import SIDE, SLICES, SPACING_MM, a_study
from tests.e2e.test_film import (
    at_index,
    drag,
    film_page,
    index_of,
    leads,
    measured,
    pane,
    pixels,
    ready,
    use,
    wheel,
)
from tests.e2e.visitor import Visitor, eventually

AXIAL, SAGITTAL, CORONAL = range(3)
WIDE_MM, HIGH_MM = SIDE * SPACING_MM, SLICES * 2.0  # of a coronal cut


async def planes(visitor: Visitor) -> None:
    """All three are drawn."""
    for number in range(3):
        await ready(visitor, number)
    shown = [await pane(visitor, number).get_attribute("data-plane") for number in range(3)]
    assert shown == ["axial", "sagittal", "coronal"]


def line(visitor: Visitor, number: int, direction: str) -> Locator:
    return visitor.page.locator("distal-film-pane").nth(number).locator(f".cut-line.{direction}")


async def test_a_ct_is_cut_in_three_planes(house: House) -> None:
    study = await a_study(house.server)
    doctor = await film_page(house, study, shape="webgl")
    await wheel(doctor, 3)
    await doctor.find("film-preset").select_option("bone")
    await use(doctor, "layout-planes")
    await planes(doctor)
    window = await pane(doctor).get_attribute("data-window")
    assert window == await pane(doctor, CORONAL).get_attribute("data-window") == "-770,1729"
    await eventually(lambda: brightens_upwards(doctor, SAGITTAL))
    await eventually(lambda: brightens_upwards(doctor, CORONAL))

    before = await top_of(line(doctor, CORONAL, "level"))
    at = await index_of(doctor)
    await wheel(doctor, 2)
    await at_index(doctor, at + 2)
    moved = await top_of(line(doctor, CORONAL, "level")) - before
    box = await pane(doctor, CORONAL).bounding_box()
    assert box is not None
    scale = min(box["width"] / WIDE_MM, box["height"] / HIGH_MM)
    assert abs(moved) == pytest.approx(2 * 2.0 * scale, abs=2)

    await pane(doctor, CORONAL).click(position={"x": box["width"] / 2, "y": box["height"] * 0.3})
    await eventually(
        lambda: top_of(line(doctor, CORONAL, "level")),
        lambda y: abs(y - box["height"] * 0.3) < 2 + scale,
    )
    assert await index_of(doctor) != at + 2, "the axial plane went there"

    await use(doctor, "length")
    share = 32 * scale / box["width"] / 2
    await drag(doctor, (0.5 - share, 0.5), (0.5 + share, 0.5), CORONAL)
    await eventually(
        lambda: measured(doctor),
        lambda found: (
            [float(text.removesuffix(" mm")) for text in found] == [pytest.approx(32.0, abs=0.6)]
        ),
    )
    here = await pane(doctor).get_attribute("data-instance")
    await use(doctor, "layout-one")
    await ready(doctor)
    assert await pane(doctor).get_attribute("data-instance") == here


async def brightens_upwards(visitor: Visitor, number: int) -> bool:
    """The slices' greys, one above the other: the head is up."""
    picture = await pixels(visitor.page, pane(visitor, number))
    height, width, _ = picture.shape
    scale = min(width / WIDE_MM, height / HIGH_MM)
    column = picture[:, width // 2 + int(20 * scale), 0].astype(int)
    rows = [int(height / 2 + scale * mm) for mm in (9, 3, -3, -9)]
    return bool(np.all(np.diff([column[row] for row in rows]) > 10))


async def top_of(found: Locator) -> float:
    return float(await found.evaluate("(line) => parseFloat(line.style.top)"))


async def test_who_leads_through_planes_is_followed(house: House) -> None:
    study = await a_study(house.server)
    cuts = await house.visitor("county_doctor", "王医生")  # stacks without WebGL, planes with it
    plain = await house.visitor("specialist", "Dr Plain", shape="bare", language="en")
    for follower in (cuts, plain):
        await follower.join()
    leader = await leads(house, study, shape="webgl")
    await ready(plain)
    await use(leader, "layout-planes")
    await planes(leader)
    await planes(cuts)
    await wheel(leader, -2)  # from the first picture on, away from the feet
    await at_index(cuts, await index_of(leader))
    instance = await pane(leader).get_attribute("data-instance")
    await eventually(
        lambda: pane(plain).get_attribute("data-instance"), lambda found: found == instance
    )
    assert "planes" in await plain.find("film-note").inner_text()
    assert await leader.find("film-note").is_visible(), "who leads is told what others see"
    await plain.press("film-more")
    await plain.find("film-layout-planes").click(force=True)  # it says that it cannot be used
    assert "WebGL" in await plain.find("film-note").inner_text()
    await use(leader, "layout-one")
    await ready(cuts)
    await eventually(lambda: cuts.find("film-pane").count(), lambda found: found == 1)
