"""Three people in one consultation, one of them as if on another machine."""

from __future__ import annotations

import asyncio
import ipaddress

from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes, eventually, hears


async def two(house: House) -> tuple[Visitor, str, Visitor, str]:
    """A host and a specialist in the room, each with his participant id."""
    host = await house.visitor("host", "王主任")
    expert = await house.visitor("specialist", "Dr Smith", language="en-GB")
    await asyncio.gather(host.join(), expert.join())
    host_id, expert_id = await host.identity(), await expert.identity()
    await host.tile(expert_id).wait_for()
    await expert.tile(host_id).wait_for()
    return host, host_id, expert, expert_id


async def test_everybody_sees_and_hears_everybody(house: House) -> None:
    host = await house.visitor("host", "王主任")
    county = await house.visitor("county_doctor", "李医生", shape="routed")
    expert = await house.visitor("specialist", "Dr Smith", language="en-GB")
    people = [host, county, expert]
    await asyncio.gather(*(person.join() for person in people))
    names = {person.name: await person.identity() for person in people}
    for person in people:
        for other in people:
            if other is not person:
                await decodes(person, names[other.name])
                await hears(person, names[other.name])
    # One to publish, one to receive; while a better pair is taken there are two of one.
    addresses = await eventually(county.remote_addresses, lambda found: len(found) == 2)
    assert not any(ipaddress.ip_address(address).is_loopback for address in addresses)


async def test_a_shared_screen_arrives_as_one_more_track(house: House) -> None:
    host, host_id, expert, _ = await two(house)
    await decodes(expert, host_id)
    await host.press("share-button")
    await decodes(expert, host_id, "screen")
    await expert.tile(host_id, "screen").wait_for()
    await expert.find("sharing-mark").wait_for()
    await decodes(expert, host_id)  # the camera goes on beside it
    await host.press("share-button")
    await expert.tile(host_id, "screen").wait_for(state="detached")
    assert await expert.stream(host_id, "screen") == {}
    await decodes(expert, host_id)


async def test_a_muted_microphone_is_seen_and_silent(house: House) -> None:
    host, host_id, expert, _ = await two(house)
    await hears(expert, host_id)
    await host.press("mute-button")
    mark = expert.tile(host_id).get_by_test_id("muted-mark")
    await mark.wait_for()

    async def energy() -> float:
        return float((await expert.stream(host_id, "microphone"))["totalAudioEnergy"])

    async def quiet_for_a_second() -> bool:
        before = await energy()
        await asyncio.sleep(1)  # a length of silence, not a guess at how long something takes
        return await energy() - before < 1e-4

    await eventually(quiet_for_a_second)
    await host.press("mute-button")
    await mark.wait_for(state="detached")
    await hears(expert, host_id)


async def test_a_camera_that_is_off_gives_way_to_a_name_and_comes_back(house: House) -> None:
    host, host_id, expert, _ = await two(house)
    await decodes(expert, host_id)
    await host.press("camera-button")
    await expert.tile(host_id).locator("distal-video").wait_for(state="detached")
    await hears(expert, host_id)
    await host.press("camera-button")
    await expert.tile(host_id).locator("distal-video").wait_for()
    await decodes(expert, host_id)


async def test_another_microphone_in_the_middle_of_the_call(house: House) -> None:
    host, host_id, expert, _ = await two(house)
    await hears(expert, host_id)
    connections = await host.connections()
    before = (await expert.stream(host_id, "microphone"))["label"]
    await host.press("settings-button")
    select = host.find("microphone-select")
    chosen = await select.input_value()
    names = await select.locator("option").evaluate_all("all => all.map((one) => one.value)")
    await select.select_option(next(name for name in names if name != chosen))

    async def label() -> str:
        return str((await expert.stream(host_id, "microphone"))["label"])

    await eventually(label, lambda now: now != before)
    await host.press("close-button")
    await hears(expert, host_id)
    await decodes(expert, host_id)
    assert await host.connections() == connections


async def test_a_pinned_picture_is_the_large_one(house: House) -> None:
    host, host_id, _, expert_id = await two(house)
    await host.tile(expert_id).hover()
    await host.tile(expert_id).get_by_test_id("pin-button").click()

    async def area(participant: str) -> float:
        box = await host.tile(participant).bounding_box()
        return box["width"] * box["height"] if box else 0.0

    async def larger() -> bool:
        return await area(expert_id) > 4 * await area(host_id)

    await eventually(larger)
    await decodes(host, expert_id)


async def test_chat_and_hands_reach_everybody(house: House) -> None:
    host, _, expert, expert_id = await two(house)
    await expert.panel("chat")
    await expert.find("chat-input").fill("CT of the chest, please · 请上传胸部CT")
    await expert.press("chat-send-button")
    await host.find("chat-button").get_by_test_id("badge").wait_for()
    await host.panel("chat")
    line = host.find("chat-line").first
    await line.wait_for()
    assert "请上传胸部CT" in await line.inner_text()
    await expert.press("hand-button")
    mark = host.tile(expert_id).get_by_test_id("hand-mark")
    await mark.wait_for()
    await expert.press("hand-button")
    await mark.wait_for(state="detached")


async def test_a_reload_comes_back_as_the_same_person_with_media(house: House) -> None:
    host, host_id, expert, expert_id = await two(house)
    await decodes(host, expert_id)
    await expert.page.reload()
    await expert.in_room()
    assert await expert.identity() == expert_id
    await decodes(expert, host_id)
    await hears(expert, host_id)
    await decodes(host, expert_id)
    await hears(host, expert_id)
    assert await host.page.locator("distal-tile").count() == 2


async def test_a_removed_person_is_told_and_gone(house: House) -> None:
    host, _, expert, expert_id = await two(house)
    await host.panel("people")
    row = host.page.locator(f'[data-testid="person"][data-participant="{expert_id}"]')
    await row.get_by_test_id("person-button").click()
    await row.get_by_test_id("remove-button").click()
    await host.press("confirm-button")
    await expert.find("removed-title").wait_for()
    await host.tile(expert_id).wait_for(state="detached")
    await expert.page.reload()
    await expert.find("join-button").wait_for()  # at the door again, and not in the room


async def test_asked_to_mute_a_person_decides_himself(house: House) -> None:
    host, _, expert, expert_id = await two(house)
    await host.panel("people")
    row = host.page.locator(f'[data-testid="person"][data-participant="{expert_id}"]')
    await row.get_by_test_id("person-button").click()
    await row.get_by_test_id("ask-mute-button").click()
    await expert.find("mute-now-button").wait_for()
    assert await host.tile(expert_id).get_by_test_id("muted-mark").count() == 0
    await expert.press("mute-now-button")
    await host.tile(expert_id).get_by_test_id("muted-mark").wait_for()


async def test_one_who_leaves_can_come_back(house: House) -> None:
    host, _, expert, expert_id = await two(house)
    await expert.press("leave-button")
    await expert.find("left-title").wait_for()
    await host.tile(expert_id).wait_for(state="detached")
    await expert.press("rejoin-button")
    await expert.in_room()
    await decodes(host, await expert.identity())
