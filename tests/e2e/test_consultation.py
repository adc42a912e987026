"""Three people in one consultation, one of them as if on another machine."""

from __future__ import annotations

import asyncio

from tests.e2e.conftest import House
from tests.e2e.visitor import decodes, hears


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
