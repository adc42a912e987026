"""Two pages send each other data, past the signaling."""

from __future__ import annotations

import asyncio

from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, eventually

_LISTEN = """() => {
  window.got = [];
  const note = (label) => ({ sender, data }) =>
    window.got.push([label, sender, typeof data === "string" ? data : [...data].join(" ")]);
  window.distal.data.listen("pointer", "newest", note("pointer"));
  window.distal.data.listen("notes", "reliable", note("notes"));
}"""
# Asks for its channels in the midst of the next negotiation, when the offer is made already.
_LISTEN_LATE = f"""() => {{
  const set = RTCPeerConnection.prototype.setLocalDescription;
  RTCPeerConnection.prototype.setLocalDescription = async function (...description) {{
    await set.apply(this, description);
    if (!window.got) ({_LISTEN})();
  }};
}}"""
_SAY = """() =>
  window.distal.data.send("pointer", new Uint8Array([1, 10, 255])) &&
  window.distal.data.send("notes", "写");
"""


async def got(visitor: Visitor) -> list[list[str]]:
    return sorted(await visitor.page.evaluate("() => window.got"))


async def test_pages_exchange_messages_also_after_a_reload(house: House) -> None:
    host = await house.visitor("host", "王主任")
    expert = await house.visitor("specialist", "Dr Smith", language="en-GB")
    await asyncio.gather(host.join(), expert.join())
    host_id = await host.identity()
    await expert.page.evaluate(_LISTEN)
    await host.page.evaluate(_LISTEN_LATE)
    await host.press("share-button")

    async def said_and_got() -> list[list[str]]:
        """What is said before the other's channel is open is not for her: say it again."""
        await host.page.evaluate(_SAY)
        return await got(expert)

    def heard(messages: list[list[str]]) -> bool:
        both = [["notes", host_id, "写"], ["pointer", host_id, "1 10 255"]]
        return all(one in messages for one in both)

    await eventually(said_and_got, heard)
    await expert.page.reload()
    await expert.in_room()
    await expert.page.evaluate(_LISTEN)

    await eventually(said_and_got, heard)
    assert await got(host) == []
