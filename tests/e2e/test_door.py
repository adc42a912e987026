"""Who comes in, and how: waiting room, lock, no camera, keyboard alone, spent links."""

from __future__ import annotations

import asyncio

from playwright.async_api import Locator

from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes, eventually, hears, invitation


async def test_a_patient_waits_to_be_admitted(house: House) -> None:
    host = await house.visitor("host", "王主任")
    await host.join()
    patient = await house.visitor("patient", "张三", size=(390, 780))
    await patient.go_in()
    await patient.find("waiting-title").wait_for()
    await host.find("waiting-notice").wait_for()
    await host.press("notice-admit-button")
    await patient.in_room()
    patient_id = await patient.identity()
    await decodes(host, patient_id)
    await hears(host, patient_id)
    await decodes(patient, await host.identity())


async def test_waiting_people_are_admitted_one_by_one_and_may_be_denied(house: House) -> None:
    host = await house.visitor("host", "王主任")
    await host.join()
    waiting = [await house.visitor("patient", name) for name in ("张三", "李四")]
    for patient in waiting:
        await patient.go_in()
        await patient.find("waiting-title").wait_for()
    await host.panel("people")
    rows = host.find("waiting-person")
    await eventually(rows.count, lambda count: count == 2)
    await rows.filter(has_text="李四").get_by_test_id("deny-button").click()
    await waiting[1].find("removed-title").wait_for()
    assert await waiting[0].find("waiting-title").count() == 1
    await rows.filter(has_text="张三").get_by_test_id("admit-button").click()
    await waiting[0].in_room()
    await eventually(rows.count, lambda count: count == 0)


async def test_a_locked_room_makes_everybody_wait(house: House) -> None:
    host = await house.visitor("host", "王主任")
    await host.join()
    await host.panel("people")
    await host.press("lock-button")
    await host.find("locked-mark").wait_for()
    expert = await house.visitor("specialist", "Dr Smith", language="en-GB")
    await expert.go_in()
    await expert.find("waiting-title").wait_for()
    await host.press("admit-button")
    await expert.in_room()
    await expert.find("locked-mark").wait_for()
    await host.press("lock-button")
    await expert.find("locked-mark").wait_for(state="detached")
    student = await house.visitor("student", "小刘")
    await student.join()


async def test_a_person_without_camera_and_microphone_joins_and_sees(house: House) -> None:
    host = await house.visitor("host", "王主任")
    bare = await house.visitor("specialist", "Dr Bare", shape="bare", language="en-GB")
    await asyncio.gather(host.join(), bare.join())
    host_id, bare_id = await host.identity(), await bare.identity()
    await decodes(bare, host_id)
    await hears(bare, host_id)
    await host.tile(bare_id).get_by_test_id("muted-mark").wait_for()
    assert await host.tile(bare_id).locator("distal-video").count() == 0


async def test_a_person_who_allows_no_camera_joins_and_sees(house: House) -> None:
    host = await house.visitor("host", "王主任")
    shy = await house.visitor("specialist", "Dr Shy", shape="refused", language="en-GB")
    await asyncio.gather(host.join(), shy.check_devices())
    await shy.find("ask-again-button").first.wait_for()
    await shy.press("continue-button")
    await shy.in_room()
    await decodes(shy, await host.identity())


async def test_a_student_sees_and_has_nothing_to_send(house: House) -> None:
    host = await house.visitor("host", "王主任")
    student = await house.visitor("student", "小刘", shape="routed")
    await asyncio.gather(host.join(), student.join())
    await decodes(student, await host.identity())
    assert await student.find("mute-button").count() == 0
    assert await student.find("share-button").count() == 0


async def test_the_device_check_measures_the_network_and_hears_the_microphone(
    house: House,
) -> None:
    visitor = await house.visitor("specialist", "Dr Smith", shape="routed")
    await visitor.check_devices()
    result = visitor.find("network-result")
    await eventually(
        lambda: result.get_attribute("data-level"), lambda level: level in ("good", "fair")
    )
    await visitor.page.locator("distal-video").first.wait_for()


async def test_a_one_time_link_opens_once(house: House) -> None:
    link = await invitation(house.server, house.room, "patient", "张三")
    first = await Visitor.open(await house.browsers.context(), link, "张三")
    await first.check_devices()
    second = await Visitor.open(await house.browsers.context(), link, "某人")
    await second.press("join-button")
    await second.find("problem-title").wait_for()


async def focused(visitor: Visitor) -> str:
    """The test id of what has the focus, through shadow roots."""
    return str(
        await visitor.page.evaluate(
            """() => {
              let at = document.activeElement;
              while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
              return at?.dataset?.testid ?? at?.tagName ?? "";
            }"""
        )
    )


async def tab_to(visitor: Visitor, test_id: str) -> Locator:
    """Press Tab until `test_id` has the focus."""
    for _ in range(40):
        if await focused(visitor) == test_id:
            return visitor.find(test_id)
        await visitor.page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key never reaches {test_id}")


async def test_the_keyboard_alone_is_enough(house: House) -> None:
    host = await house.visitor("host", "王主任")
    await host.join()
    link = await invitation(house.server, house.room, "specialist")
    context = await house.browsers.context(language="en-GB")
    expert = await Visitor.open(context, link, "Dr Keys")
    keyboard = expert.page.keyboard
    await tab_to(expert, "join-button")
    await keyboard.press("Enter")
    await expert.find("check-title").wait_for()
    await tab_to(expert, "name-input")
    await keyboard.type(expert.name)
    await tab_to(expert, "continue-button")
    await keyboard.press("Enter")
    await expert.in_room()
    expert_id = await expert.identity()
    mark = host.tile(expert_id).get_by_test_id("muted-mark")
    await decodes(host, expert_id)
    assert await mark.count() == 0
    await keyboard.press("m")
    await mark.wait_for()
    await keyboard.press("h")
    await host.tile(expert_id).get_by_test_id("hand-mark").wait_for()
    await tab_to(expert, "chat-button")
    await keyboard.press("Enter")
    await tab_to(expert, "chat-input")
    await keyboard.type("mhvs")  # letters here are text, not shortcuts
    await keyboard.press("Enter")
    await host.panel("chat")
    await host.find("chat-line").first.wait_for()
    assert await mark.count() == 1
    await tab_to(expert, "leave-button")
    await keyboard.press("Enter")
    await expert.find("left-title").wait_for()
