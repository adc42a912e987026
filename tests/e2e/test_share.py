"""A link from a doctor's screen to a phone: made, scanned, opened, taken back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from tests.e2e.conftest import House
from tests.e2e.images import a_study
from tests.e2e.test_film import film_page, look, pixels, ready
from tests.e2e.test_screens import accessible, photograph, resize
from tests.e2e.visitor import Visitor, eventually

PHONE = (360, 740)


async def scanned(doctor: Visitor) -> str:
    """What a phone's camera reads from the doctor's screen."""
    return read_code(await pixels(doctor.page, doctor.find("share-qr")))


def read_code(picture: NDArray[np.uint8]) -> str:
    """What a phone reads; OpenCV's own detector misses some codes that every phone takes."""
    [code] = zxingcpp.read_barcodes(picture)
    return code.text


async def printed(doctor: Visitor, link: str, shots: Path) -> None:
    """The paper to give away has the code and nothing of the patient."""
    page = doctor.page
    await page.evaluate("() => { window.print = () => undefined; }")
    await doctor.press("share-print")
    await page.emulate_media(media="print")
    sheet = page.locator(".share-sheet")
    assert link in await sheet.inner_text()
    assert await doctor.find("share-copy").is_visible() is False
    assert read_code(await pixels(page, sheet)) == link
    assert "张" not in await page.inner_text("body")
    await page.screenshot(path=shots / "share-sheet.png")
    await page.emulate_media(media="screen")
    await page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert await sheet.count() == 0


async def by_phone(house: House, link: str, language: str) -> Visitor:
    """Whoever has scanned it, after the click that shows that it is a person."""
    context = await house.browsers.context("local", language, PHONE)
    phone = await Visitor.open(context, link, "Phone")
    house.visitors.append(phone)
    await phone.press("shared-continue")
    await phone.find("shared-question").wait_for()
    return phone


async def type_date(phone: Visitor, date: str) -> None:
    for part, text in (("year", date[:4]), ("month", date[4:6]), ("day", date[6:])):
        await phone.find(f"shared-{part}").fill(text)
    await phone.press("shared-open")


async def test_a_patient_scans_the_code_of_her_study(house: House, shots: Path) -> None:
    language = "zh-CN"
    study = await a_study(house.server)
    doctor = await film_page(house, study, language=language)
    await doctor.press("share-button")
    await doctor.find("share-make").wait_for()
    await accessible(doctor, "share")
    await photograph(doctor, shots, "share", language)
    await resize(doctor, 1280, 800)
    await doctor.press("share-make")
    link = await doctor.find("share-url").input_value()
    assert await scanned(doctor) == link
    await accessible(doctor, "share-made")
    await photograph(doctor, shots, "share-made", language)

    await printed(doctor, link, shots)

    phone = await by_phone(house, link, language)
    assert "清河县医院" in await phone.find("shared-question").inner_text()
    assert "张" not in await phone.page.inner_text("body"), "nothing of the patient yet"
    await look(phone, shots, "shared-question", language)
    await resize(phone, *PHONE)
    await type_date(phone, "19610305")
    await phone.find("shared-wrong").wait_for()
    await look(phone, shots, "shared-wrong", language)
    await resize(phone, *PHONE)
    await type_date(phone, "19610304")
    await ready(phone)
    assert await phone.find("film-patient").inner_text() == "张三"
    assert await phone.find("share-button").count() == 0
    await look(phone, shots, "shared-images", language)

    await resize(doctor, 1280, 800)
    await doctor.press("share-revoke")
    await doctor.press("confirm-button")
    await phone.page.locator("[data-testid=shared-problem][data-code=revoked]").wait_for()
    await look(phone, shots, "shared-problem", language)
    await doctor.page.locator("[data-testid=share-link][data-state=revoked]").wait_for()
    await doctor.press("share-history")
    await doctor.find("share-events").wait_for()
    await accessible(doctor, "share-events")
    await photograph(doctor, shots, "share-events", language)


async def test_a_class_opens_it_without_the_name_with_a_code(house: House, shots: Path) -> None:
    language = "en-GB"
    study = await a_study(house.server)
    doctor = await film_page(house, study, language=language)
    await doctor.press("share-button")
    await doctor.find("share-doctor").check()
    assert await doctor.find("share-code").is_checked()
    await doctor.find("share-nameless").check()
    await accessible(doctor, "share")
    await photograph(doctor, shots, "share", language)
    await resize(doctor, 1280, 800)
    await doctor.press("share-make")
    digits = (await doctor.find("share-digits").inner_text()).strip()
    await doctor.page.locator("[data-testid=share-link][data-state=ready]").wait_for()
    await photograph(doctor, shots, "share-made", language)
    phone = await by_phone(house, await doctor.find("share-url").input_value(), language)
    await look(phone, shots, "shared-question", language)
    await resize(phone, *PHONE)
    await phone.find("shared-digits").fill(f"{digits[:3]} {digits[3:]}")
    await phone.press("shared-open")
    await ready(phone)
    assert await phone.find("film-patient").inner_text() == "Anonymous"
    assert await phone.find("film-series").count() == 2, "the ultrasound does not say what is text"
    await look(phone, shots, "shared-images", language)
    await phone.press("shared-leave")
    await phone.find("shared-left").wait_for()
    base = phone.link.partition("#")[0]
    status = "async (url) => (await fetch(url)).status"
    await eventually(
        lambda: phone.page.evaluate(status, f"{base}/dicomweb/studies"), lambda code: code == 401
    )
    lost = await Visitor.open(phone.page.context, base + "#none", "Lost")
    house.visitors.append(lost)
    await lost.press("shared-continue")
    await lost.page.locator("[data-testid=shared-problem][data-code=unknown]").wait_for()
    await look(lost, shots, "shared-problem", language)
