"""Images in real browsers: a study is opened, measured, and looked at together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Locator, Page

from tests.e2e.browsers import Shape
from tests.e2e.conftest import House
from tests.e2e.images import a_study
from tests.e2e.test_screens import LANGUAGES, accessible, fits, photograph
from tests.e2e.visitor import Visitor, eventually

MIDDLE = 0.35  # of a pane's height: beside the bar, in the grey


async def film_page(
    house: House,
    study: str | None = None,
    *,
    shape: Shape = "local",
    language: str = "zh-CN",
    institution: str = "",
    size: tuple[int, int] = (1280, 800),
    phone: bool = False,
    without: str | None = None,
) -> Visitor:
    """A doctor on the page of images, signed in; `without` some file of the page."""
    context = await house.browsers.context(shape, language, size, phone=phone)
    if without:
        await context.route(without, lambda route: route.abort())
    address = f"{house.server.url}/film" + (f"/{study}" if study else "")
    doctor = await Visitor.open(context, address, "Doctor")
    house.visitors.append(doctor)
    token = house.server.token(house.room, "specialist", "Doctor", institution)
    await doctor.find("film-pass").fill(token)
    await doctor.press("film-sign-in")
    if study:
        await ready(doctor)
    return doctor


async def use(visitor: Visitor, tool: str) -> None:
    """Press a tool, in the row or in the sheet behind it."""
    button = visitor.find(f"film-{tool}")
    if not await button.is_visible():
        await visitor.press("film-more")
    await button.click()


def pane(visitor: Visitor, number: int = 0) -> Locator:
    return visitor.find("film-pane").nth(number)


async def ready(visitor: Visitor, number: int = 0) -> None:
    """The picture itself is on the screen, not the server's drawing of it."""
    found = visitor.page.locator("[data-testid=film-pane][data-ready]").nth(number)
    await found.wait_for()


async def index_of(visitor: Visitor, number: int = 0) -> int:
    return int(await pane(visitor, number).get_attribute("data-index") or -1)


async def window_of(visitor: Visitor) -> str:
    return await pane(visitor).get_attribute("data-window") or ""


async def at_index(visitor: Visitor, index: int, number: int = 0) -> None:
    await eventually(lambda: index_of(visitor, number), lambda found: found == index)


async def pixels(page: Page, of: Locator) -> NDArray[np.uint8]:
    """What is on the screen there: a black canvas raises no error."""
    shot = await of.screenshot()
    picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


async def grey(visitor: Visitor, number: int = 0) -> int:
    """The grey of the slice, away from its bar and from all texts."""
    picture = await pixels(visitor.page, pane(visitor, number))
    height, width, _ = picture.shape
    return int(picture[int(height * MIDDLE), width // 2 - height // 6].mean())


async def wheel(visitor: Visitor, steps: int, number: int = 0) -> None:
    """Turn the wheel over the middle of a pane."""
    box = await pane(visitor, number).bounding_box()
    assert box is not None
    await visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(abs(steps)):
        at = await index_of(visitor, number)
        step = 1 if steps > 0 else -1
        await visitor.page.mouse.wheel(0, 100 * step)
        await at_index(visitor, at + step, number)


async def drag(
    visitor: Visitor, start: tuple[float, float], end: tuple[float, float], number: int = 0
) -> None:
    """Between two places, as shares of a pane."""
    box = await pane(visitor, number).bounding_box()
    assert box is not None
    mouse = visitor.page.mouse
    await mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    await mouse.down()
    await mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=6)
    await mouse.up()


async def measured(visitor: Visitor) -> list[str]:
    """The figures that are drawn on the picture."""
    texts = await visitor.page.locator("distal-film-pane svg.svg-layer text").all_text_contents()
    return [text for text in texts if text.strip()]


def film_updates(page: Page) -> list[str]:
    """What a page will tell the room about images."""
    sent: list[str] = []

    def hear(said: str | bytes) -> None:
        if isinstance(said, str) and '"film_update"' in said:
            sent.append(said)

    page.on("websocket", lambda socket: socket.on("framesent", hear))
    return sent


TURNS = """pane => {
  const { drawing } = pane.getRootNode().host;
  const [x, y] = drawing.placeAt([0.5, 0.5]);
  const way = (share) => {
    const [u, v] = drawing.placeAt(share);
    return Math.abs(u - x) > Math.abs(v - y) ? (u > x ? "right" : "left") : v > y ? "down" : "up";
  };
  return [0, 90, 180, 270].flatMap((rotation) => [false, true].map((flip_h) => {
    drawing.look = { ...drawing.look, rotation, flip_h };
    return `${way([1, 0.5])} ${way([0.5, 1])}`;
  }));
}"""  # where a picture's columns and rows go to

BAR = """pane => pane.getRootNode().host.drawing.placeAt([64 / 128, 62 / 128])"""


async def middle_of_bar(visitor: Visitor) -> tuple[float, float]:
    """Where the white bar lies on the screen; half a pixel of the picture is 2.7 of these."""
    picture = await pixels(visitor.page, pane(visitor))
    y, x = np.nonzero(picture[40:-80, 40:-80].min(axis=2) > 250)  # without the texts
    if len(x) == 0:
        return 0, 0
    return float(x.min() + x.max() + 81) / 2, float(y.min() + y.max() + 81) / 2


@pytest.mark.parametrize("shape", ["bare", "webgl"])
async def test_a_ct_is_scrolled_windowed_and_measured(house: House, shape: Shape) -> None:
    study = await a_study(house.server)
    doctor = await film_page(house, study, shape=shape)
    assert await doctor.find("film-patient").inner_text() == "张三"
    assert await window_of(doctor) == "-160,239"
    await eventually(lambda: grey(doctor), lambda value: value < 5)  # -700 HU
    await wheel(doctor, 7)  # 0 HU: 160 of 399 above black
    await eventually(lambda: grey(doctor), lambda value: abs(value - 102) <= 3)
    await doctor.find("film-preset").select_option("lung")
    await eventually(lambda: window_of(doctor), lambda found: found == "-1350,149")
    await eventually(lambda: grey(doctor), lambda value: abs(value - 230) <= 3)
    await wheel(doctor, -1)
    await eventually(lambda: grey(doctor), lambda value: abs(value - 213) <= 3)
    assert await window_of(doctor) == "-1350,149", (
        "the next picture has the same window, and says so"
    )
    await wheel(doctor, 1)
    await use(doctor, "invert")
    await eventually(lambda: grey(doctor), lambda value: abs(value - 25) <= 3)
    await use(doctor, "reset")
    await eventually(lambda: window_of(doctor), lambda found: found == "-160,239")
    await use(doctor, "length")
    box = await pane(doctor).bounding_box()
    assert box is not None
    half = box["height"] / box["width"] / 4  # a quarter of the picture's 64 mm to each side
    await drag(doctor, (0.5 - half, 0.3), (0.5 + half, 0.3))
    await eventually(
        lambda: measured(doctor),
        lambda found: (
            [float(text.removesuffix(" mm")) for text in found] == [pytest.approx(32.0, abs=0.6)]
        ),
    )
    await pane(doctor).press("Home")
    await at_index(doctor, 0)
    await eventually(lambda: measured(doctor), lambda found: found == [])  # it belongs to its slice
    assert await pane(doctor).evaluate(TURNS) == [
        *("right down", "left down"),  # as it is, and mirrored
        *("down left", "down right"),  # a quarter clockwise, then mirrored
        *("left up", "right up"),
        *("up right", "up left"),
    ]
    bar = await pane(doctor).evaluate(BAR)
    await eventually(lambda: middle_of_bar(doctor), lambda at: at == pytest.approx(bar, abs=0.6))


async def test_ultrasound_plays_in_colour(house: House) -> None:
    study = await a_study(house.server)
    doctor = await film_page(house, study)
    await doctor.find("film-series").nth(2).click()
    await eventually(
        lambda: pane(doctor).get_attribute("data-instance"), lambda uid: str(uid).startswith(study)
    )
    await ready(doctor)
    picture = await eventually(
        lambda: pixels(doctor.page, pane(doctor)), lambda found: bool(found[..., 2].max() > 200)
    )
    red = picture[..., 2] > 200
    assert picture[red][:, :2].mean() < 60, "red is not blue"
    await use(doctor, "play")
    seen: set[int] = set()

    async def all_seen() -> bool:
        seen.add(await index_of(doctor))
        return len(seen) >= 5

    await eventually(all_seen)
    await use(doctor, "play")


async def test_two_series_scroll_together_in_the_body(house: House) -> None:
    study = await a_study(house.server)
    doctor = await film_page(house, study)
    await use(doctor, "layout-two")
    await ready(doctor, 1)
    await wheel(doctor, 6)  # 12 mm: the third slice of 4 mm each
    await at_index(doctor, 3, 1)


async def leads(house: House, study: str, shape: Shape = "local") -> Visitor:
    """A doctor in the room who has opened the study and leads."""
    leader = await house.visitor("specialist", "李医生", shape=shape)
    await leader.join()
    await leader.press("film-button")
    await leader.page.locator(f'[data-study="{study}"]').click()
    await ready(leader)
    await leader.press("film-lead")
    await leader.page.locator("[data-state=leading]").wait_for()
    return leader


async def test_the_room_looks_at_what_the_presenter_looks_at(house: House) -> None:
    study = await a_study(house.server)
    follower = await house.visitor("county_doctor", "王医生")
    said = film_updates(follower.page)
    await follower.join()
    leader = await leads(house, study)
    await ready(follower)  # it opened by itself
    await wheel(leader, 7)
    await at_index(follower, 7)
    await leader.find("film-preset").select_option("lung")
    await eventually(lambda: window_of(follower), lambda found: found == "-1350,149")
    await eventually(lambda: grey(follower), lambda value: abs(value - 230) <= 3)
    await pane(leader).press("+")
    zoom = await eventually(
        lambda: pane(follower).get_attribute("data-zoom"), lambda found: float(found or 1) > 1.1
    )
    assert float(str(zoom)) == pytest.approx(1.2, abs=0.01)
    await leader.page.mouse.move(420, 420)
    await follower.find("film-cursor").wait_for()
    await use(leader, "length")
    await drag(leader, (0.4, 0.3), (0.6, 0.3))

    async def measures_as(visitor: Visitor) -> bool:
        return await measured(leader) == await measured(visitor) != []

    await eventually(lambda: measures_as(follower))

    late = await house.visitor("specialist", "Dr Late")
    await late.join()
    await ready(late)
    await at_index(late, 7)
    await eventually(lambda: window_of(late), lambda found: found == "-1350,149")
    await eventually(lambda: measures_as(late))
    assert said == [], "who is shown a mark does not say where it was"


async def test_a_student_sees_what_is_shown_and_nothing_else(house: House) -> None:
    study, hidden = await a_study(house.server), await a_study(house.server)
    student = await house.visitor("student", "小陈")
    await student.join()
    assert await student.find("film-button").count() == 0
    leader = await leads(house, study)
    await ready(student)
    await wheel(leader, 3)
    await at_index(student, 3)
    await student.press("film-back")
    listed = student.find("film-study")
    await listed.first.wait_for()
    assert [
        await listed.nth(n).get_attribute("data-study") for n in range(await listed.count())
    ] == [study]
    outsider = house.server.token(house.room, "student", "Outside")
    assert await status(student, study) == 200
    assert await status(student, hidden) == 404
    assert await status(student, study, outsider) == 404, "who is not inside is given nothing"


async def status(visitor: Visitor, study: str, token: str = "") -> int:
    """Of asking for a study with the page's own cookie, or with a token."""
    return int(
        await visitor.page.evaluate(
            """async ([study, token]) => (await fetch(`/dicomweb/studies/${study}/metadata`, {
              credentials: token ? "omit" : "same-origin",
              headers: token ? { Authorization: `Bearer ${token}` } : {},
            })).status""",
            [study, token],
        )
    )


async def test_who_looks_alone_comes_back(house: House) -> None:
    study = await a_study(house.server)
    follower = await house.visitor("county_doctor", "王医生")
    await follower.join()
    leader = await leads(house, study)
    await ready(follower)
    await follower.page.locator("[data-state=following]").wait_for()
    await wheel(follower, 2)
    await follower.page.locator("[data-state=alone]").wait_for()
    await wheel(leader, 5)
    assert await index_of(follower) == 2
    await follower.press("film-follow")
    await at_index(follower, 5)
    await leader.press("film-lead-stop")
    await follower.find("film-lead").click()
    await leader.page.locator("[data-state=following]").wait_for()
    await wheel(follower, 1)
    await at_index(leader, 6)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_screen_of_images(house: House, shots: Path, language: str) -> None:
    study = await a_study(house.server)
    nobody = await film_page(house, language=language, institution="nowhere")
    await nobody.find("film-empty").wait_for()
    await look(nobody, shots, "film-empty", language)
    doctor = await film_page(house, language=language)
    await doctor.page.locator(f'[data-study="{study}"]').wait_for()
    await look(doctor, shots, "film-list", language)
    await doctor.page.locator(f'[data-study="{study}"]').click()
    await ready(doctor)
    await look(doctor, shots, "film-study", language)
    await nobody.page.goto(f"{house.server.url}/film/1.2.3.404")
    await nobody.find("film-no-images").wait_for()
    await look(nobody, shots, "film-no-images", language)
    await nobody.page.route("**/dicomweb/studies?*", lambda route: route.abort())
    await nobody.press("film-back")
    await nobody.find("film-problem").wait_for()
    await look(nobody, shots, "film-problem", language)
    await nobody.page.unroute_all()
    await nobody.press("film-again")
    await nobody.find("film-empty").wait_for()


async def look(visitor: Visitor, shots: Path, screen: str, language: str) -> None:
    await accessible(visitor, screen)
    await fits(visitor, screen)
    await photograph(visitor, shots, screen, language)


async def touch(visitor: Visitor, *steps: list[tuple[float, float]]) -> None:
    """Fingers on the first pane, at shares of it: put down, moved, and lifted."""
    box = await pane(visitor).bounding_box()
    assert box is not None
    session = await visitor.page.context.new_cdp_session(visitor.page)
    for number, step in enumerate([*steps, []]):
        kind = "touchEnd" if not step else "touchMove" if number else "touchStart"
        points = [
            {"id": n, "x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            for n, (x, y) in enumerate(step)
        ]
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


async def zoom_of(visitor: Visitor) -> float:
    return float(await pane(visitor).get_attribute("data-zoom") or 0)


async def test_a_phone_scrolls_and_pinches(house: House) -> None:
    study = await a_study(house.server)
    doctor = await film_page(house, study, size=(360, 740), phone=True)
    down = [[(0.5, 0.3 + 0.03 * n)] for n in range(11)]
    await touch(doctor, *down)
    await eventually(lambda: index_of(doctor), lambda found: found > 0)
    at = await index_of(doctor)
    apart = [[(0.4 - 0.02 * n, 0.5), (0.6 + 0.02 * n, 0.5)] for n in range(10)]
    await touch(doctor, *apart)
    await eventually(lambda: zoom_of(doctor), lambda zoom: zoom > 1.2)
    assert await index_of(doctor) == at, "two fingers do not scroll"


@pytest.mark.parametrize("phone", [False, True])
async def test_where_the_page_cannot_draw_the_server_does(house: House, phone: bool) -> None:
    study = await a_study(house.server)
    doctor = await film_page(house, study, size=(360, 740), phone=phone, without="**/engine-*.js")
    assert await doctor.find("film-by-server").is_visible()
    if not phone:
        await wheel(doctor, 7)
        await eventually(lambda: grey(doctor), lambda value: abs(value - 102) <= 6)
        await use(doctor, "invert")
        await eventually(lambda: grey(doctor), lambda value: abs(value - 153) <= 6)
        await use(doctor, "reset")
        await use(doctor, "window")
        await drag(doctor, (0.5, 0.5), (0.5, 0.3))  # up: darker values in the middle
        await eventually(lambda: grey(doctor), lambda value: value > 110)
        assert await doctor.find("film-length").is_disabled(), "it does not measure"
        return
    await touch(doctor, *([(0.5, 0.3 + 0.03 * n)] for n in range(11)))
    await eventually(lambda: index_of(doctor), lambda found: found > 0)
    await touch(doctor, *([(0.4 - 0.02 * n, 0.5), (0.6 + 0.02 * n, 0.5)] for n in range(10)))
    await eventually(lambda: zoom_of(doctor), lambda zoom: zoom > 1.2)
