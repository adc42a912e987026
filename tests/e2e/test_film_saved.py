"""What was seen is kept with the study, and seen again as it was."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import House
from tests.e2e.images import a_study
from tests.e2e.test_film import at_index, drag, film_page, measured, pane, use, wheel, window_of
from tests.e2e.visitor import Visitor, eventually


async def looks(visitor: Visitor) -> dict[str, str | None]:
    """How the picture is looked at."""
    names = ("instance", "index", "window", "zoom", "rotation")
    return {name: await pane(visitor).get_attribute(f"data-{name}") for name in names}


async def test_a_kept_view_is_seen_again(house: House) -> None:
    study = await a_study(house.server)
    doctor = await film_page(house, study)
    await wheel(doctor, 7)
    await doctor.find("film-preset").select_option("lung")
    await eventually(lambda: window_of(doctor), lambda found: found == "-1350,149")
    await use(doctor, "rotate")
    for _ in range(5):
        await pane(doctor).press("+")
    await use(doctor, "length")
    await drag(doctor, (0.4, 0.3), (0.6, 0.4))
    await eventually(lambda: measured(doctor))
    await use(doctor, "scroll")
    await pane(doctor).press("k")
    await doctor.find("film-star").wait_for()
    await eventually(lambda: looks(doctor), lambda found: float(found["zoom"] or 1) > 2)
    kept, drawn = await looks(doctor), await measured(doctor)

    await use(doctor, "save")
    await doctor.find("film-save-name").fill("左上肺结节")
    await doctor.press("film-save-confirm")
    await doctor.find("film-saved").wait_for()
    await doctor.press("film-save-confirm")

    other = await film_page(house, study)
    await other.press("film-saved-views")
    entry = other.find("film-saved-view")
    assert "左上肺结节" in await entry.inner_text()
    await entry.click()
    await at_index(other, 7)
    await eventually(lambda: looks(other), lambda found: found["rotation"] == "90")
    seen = await looks(other)
    assert float(seen.pop("zoom") or 0) == pytest.approx(float(kept.pop("zoom") or 1), rel=0.02)
    assert seen == kept
    assert await other.find("film-figures").locator("text").all_text_contents() == drawn
    assert await other.find("film-star").count() == 1
    assert await other.find("film-series").count() == 3, "what is kept is not among the pictures"
    await other.press("film-keys-only")
    await eventually(
        lambda: other.find("film-place").inner_text(), lambda text: text.startswith("第 1 / 1 幅")
    )
