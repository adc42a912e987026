"""The operator's page: what she sees is so, what she presses is done, and nobody else can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Literal

import aiohttp
import pytest

from clients.robot.operator import Asker, serve
from clients.robot.servo_messages import Status, clock_us
from control.errors import LeaseRefused
from control.events import Event
from control.messages import Cause, Mode
from control.presets import preset

LIMITS = preset("abdomen", (0.5, 0.0, 0.1), (0.0, 0.0, 1.0)).limits
WANG = Asker("p1", "王医生", "specialist", "市一院", "204816")


def status(**changed: Any) -> Status:
    """Of an arm that follows nobody."""
    return Status(
        **{
            "at_us": clock_us(),
            "mode": int(Mode.IDLE),
            "cause": int(Cause.NONE),
            "holder": "",
            "epoch": 1,
            "deadman": False,
            "stopped": "",
            "fault": "",
            "round_trip_us": 38_400,
            "picture_age_us": None,
            "silence_us": None,
            "speed": 1.0,
            "feel": 1.0,
            "held": 0,
            "position": (0.5, 0.0, 0.1),
            "orientation": (0.0, 1.0, 0.0, 0.0),
            "force": (0.0, 3.0, 4.0),
            "torque": (0.0, 0.0, 0.0),
            "moving": (0.0, 0.0, 0.0),
            "refused": {},
            "points": [],
            "joints": [],
            "late_us": 0,
        }
        | changed
    )


class StandIn:
    """A site without a robot: it does what the page asks for, and remembers."""

    label, simulated, connected = "County hospital", True, True
    grants: Literal["operator", "at_once"] = "operator"

    def __init__(self) -> None:
        self.askers: list[Asker] = [WANG]
        self.held: Asker | None = None
        self.status: Status | None = status()
        self.happened: list[Event] = []
        self.done: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    def asking(self) -> list[Asker]:
        return self.askers

    def holder(self) -> Asker | None:
        return self.held

    def state(self) -> Status | None:
        return self.status

    def events(self) -> list[Event]:
        return self.happened

    def name(self, id: str) -> str:
        return {"p1": "王医生", "p9": "Student Li"}.get(id, "")

    async def grant(self, id: str) -> None:
        await self.free.wait()
        if self.status and self.status.stopped:
            raise LeaseRefused("clear the stop first")
        self.held = self.askers.pop(0)

    def deny(self, id: str) -> None:
        self.askers = [asker for asker in self.askers if asker.id != id]

    def take_back(self) -> None:
        self.held = None

    def stop(self, by: str) -> None:
        self.done.append(f"stop by {by}")
        self.status, self.held = status(stopped=by), None

    def clear(self) -> None:
        self.status = status()


class Page:
    """A browser's side, without a browser."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self.session = url, session
        self.seen: dict[str, Any] = {}

    @property
    def origin(self) -> str:
        return "/".join(self.url.split("/")[:3])

    async def open(self) -> None:
        self.link = await self.session.ws_connect(self.url + "link", origin=self.origin)

    async def until(self, true: Any) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while not self.seen or not true(self.seen):
                self.seen |= await self.link.receive_json()
        return self.seen

    async def press(self, do: str, **more: str) -> None:
        await self.link.send_json({"do": do, **more})


@pytest.fixture
def site() -> StandIn:
    return StandIn()


@pytest.fixture
async def page(site: StandIn) -> AsyncIterator[Page]:
    async with serve(site, LIMITS, None) as url, aiohttp.ClientSession() as session:
        page = Page(url, session)
        await page.open()
        yield page


async def test_it_shows_who_asks_with_the_digits_and_what_the_arm_does(page: Page) -> None:
    seen = await page.until(lambda seen: "state" in seen)
    assert seen["asking"] == [WANG._asdict()]
    assert seen["limits"] == [10, 15, 25]
    state = seen["state"]
    assert (state["mode"], state["force_n"], state["round_trip_ms"]) == ("idle", 5.0, 38)
    assert state["picture_age_ms"] is None


async def test_control_is_given_and_taken_back(page: Page) -> None:
    await page.press("grant", id="p1", digits="204816")
    seen = await page.until(lambda seen: seen["holder"])
    assert seen["holder"]["name"] == "王医生"
    assert not seen["asking"]
    await page.press("take_back")
    await page.until(lambda seen: seen["holder"] is None)


async def test_digits_that_changed_under_her_finger_give_nothing(page: Page, site: StandIn) -> None:
    await page.until(lambda seen: True)
    site.askers = [WANG._replace(digits="111111")]
    await page.press("grant", id="p1", digits="204816")
    assert "compare" in (await page.until(lambda seen: "refused" in seen))["refused"]
    assert site.held is None
    site.askers = [WANG._replace(digits="")]
    del page.seen["refused"]
    await page.press("grant", id="p1", digits="")
    await page.until(lambda seen: "refused" in seen)
    assert site.held is None


async def test_a_stop_does_not_wait_for_a_grant_and_is_cleared_by_its_own_step(
    page: Page, site: StandIn
) -> None:
    site.free.clear()
    await page.press("grant", id="p1", digits="204816")
    await page.press("stop")
    await page.until(lambda seen: seen["state"]["stopped"] == "operator")
    site.free.set()
    assert (await page.until(lambda seen: "refused" in seen))["refused"] == "clear the stop first"
    await page.press("clear", stopped="somebody else")
    await page.press("deny", id="p1")
    assert (await page.until(lambda seen: not seen["asking"]))["state"]["stopped"] == "operator"
    await page.press("clear", stopped="operator")
    await page.until(lambda seen: not seen["state"]["stopped"])
    assert site.done == ["stop by operator"]


async def test_nonsense_is_ignored(page: Page, site: StandIn) -> None:
    for said in ("", "{", '{"do":"fly"}', '{"do":"grant"}', "[]"):
        await page.link.send_str(said)
    await page.press("stop")
    await page.until(lambda seen: seen["state"]["stopped"])


async def test_events_come_with_the_time_of_day_and_cause(page: Page, site: StandIn) -> None:
    site.happened.append(Event(clock_us(), "fault", Cause.SENSOR, "silent", {}))
    event = (await page.until(lambda seen: seen["events"]))["events"][0]
    assert (event["kind"], event["cause"], event["text"]) == ("fault", "sensor", "silent")
    assert abs(event["at_ms"] - time.time() * 1000) < 60_000


async def test_the_page_has_names_for_the_record_s_ids(page: Page, site: StandIn) -> None:
    site.happened = [
        Event(clock_us(), "granted", Cause.NONE, "p1", {"epoch": 1.0}),
        Event(clock_us(), "stop", Cause.STOP, "p9", {}),
        Event(clock_us(), "fault", Cause.ARM, "p1", {}),
    ]
    seen = await page.until(lambda seen: seen["names"])
    assert seen["names"] == {"p1": "王医生", "p9": "Student Li"}
    assert [event["text"] for event in seen["events"]] == ["p1", "p9", "p1"]
    site.stop("p7")  # who has left the room meanwhile
    seen = await page.until(lambda seen: seen["state"]["stopped"] == "p7")
    assert "p7" not in seen["names"]


async def test_a_servo_that_says_nothing_or_is_gone_is_not_shown_as_well(
    page: Page, site: StandIn
) -> None:
    await page.until(lambda seen: not seen["state"]["stale"])
    await page.until(lambda seen: seen["state"]["stale"])
    site.status = None
    await page.until(lambda seen: seen["state"] is None)


async def test_only_who_knows_the_path_on_this_machine_gets_anything(page: Page) -> None:
    session, url = page.session, page.url

    async def answer(url: str, **headers: str) -> int:
        async with session.get(url, headers=headers) as got:
            return got.status

    assert await answer(url) == 200
    assert await answer(page.origin + "/guessed/") == 404
    assert await answer(page.origin + "/") == 404
    assert await answer(url, Host="evil.example:8098") == 404, "a name pointed at this machine"
    assert await answer(url, Origin="http://evil.example") == 404
    assert await answer(url + "..%2foperator.py") == 404
    for origin in ("http://evil.example", "null", None):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url + "link", origin=origin)
    async with session.get(url) as got:
        assert "default-src 'none'" in got.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in got.headers


async def test_it_can_be_off(site: StandIn) -> None:
    async with serve(site, LIMITS, 0) as url:
        assert url == ""
