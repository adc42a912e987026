"""A downlink too narrow for video: sound goes on, stills come, and the page says so."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

from loadtests.impairment.emulator import Emulator
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import During
from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes, eventually, hears

NARROW = During(0, math.inf, down={"rate_kbps": 120, "queue_ms": 400})

_SOUND = """async () => {
  const sum = { concealed: 0, received: 0 };
  for (const pc of window.peerConnections.filter((pc) => pc.connectionState === "connected")) {
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type !== "inbound-rtp" || entry.kind !== "audio") continue;
      sum.concealed += entry.concealedSamples - entry.silentConcealedSamples;
      sum.received += entry.totalSamplesReceived;
    }
  }
  return sum;
}"""


async def frames(visitor: Visitor, participant: str) -> int:
    return int((await visitor.stream(participant, "camera")).get("framesDecoded", 0))


async def test_a_network_too_slow_for_video_has_sound_and_stills(house: House, shots: Path) -> None:
    port = house.server.media_port
    with Emulator(("127.0.0.1", port), "fibre", seconds=300) as network:
        async with SignalingProxy(house.server.url, {port: network.address}) as web:
            host = await house.visitor("host", "王主任", shape="busy", language="en-GB")
            county = await house.visitor("county_doctor", "清河县医院", url=web.url)
            await asyncio.gather(host.join(), county.join())
            host_id, county_id = await host.identity(), await county.identity()
            await decodes(county, host_id)
            await hears(county, host_id)
            note = county.tile(host_id).get_by_test_id("still-note")
            assert await note.count() == 0

            network.play([NARROW])
            await eventually(note.count, timeout_s=40)
            assert "只有声音" in await note.inner_text()
            await decodes(host, county_id)  # his own picture has room, and goes on
            assert await host.find("still-note").count() == 0
            await settled(county, host_id)
            sound = await county.page.evaluate(_SOUND)
            first = await frames(county, host_id)
            await eventually(lambda: frames(county, host_id), lambda n: n > first + 1, 40)  # stills
            await hears(county, host_id)
            await county.page.screenshot(path=shots / "still-zh.png")
            # Wide: three pages and the server share two cores, and stills pass beside the sound.
            assert share(sound, await county.page.evaluate(_SOUND)) < 0.25
            assert await frames(county, host_id) - first < 20

            network.play([])
            await eventually(note.count, lambda count: count == 0, 30)
            await decodes(county, host_id)


# As if the room's codec had no layers: one encoding, whole.
_ONE_ENCODING = """
const add = RTCPeerConnection.prototype.addTransceiver;
RTCPeerConnection.prototype.addTransceiver = function (track, init = {}) {
  const { sendEncodings = [], ...more } = init;
  const { rid, ...whole } = sendEncodings.at(-1) ?? {};
  return add.call(this, track, { ...more, sendEncodings: [whole] });
};
"""
_MOST = """() => Math.max(...window.peerConnections.flatMap((pc) => pc.getSenders())
  .filter((sender) => sender.track?.kind === "video")
  .map((sender) => sender.getParameters().encodings[0].maxBitrate))"""
_WHOLE = 2_500_000


async def test_a_camera_without_layers_sends_what_the_only_viewer_s_network_carries(
    house: House,
) -> None:
    port = house.server.media_port
    with Emulator(("127.0.0.1", port), "fibre", seconds=300) as network:
        async with SignalingProxy(house.server.url, {port: network.address}) as web:
            host = await house.visitor("host", "王主任", shape="busy")
            await host.page.context.add_init_script(_ONE_ENCODING)
            await host.page.reload()
            county = await house.visitor("county_doctor", "清河县医院", url=web.url)
            await asyncio.gather(host.join(), county.join())
            host_id = await host.identity()
            await decodes(county, host_id)

            async def most() -> int:
                return int(await host.page.evaluate(_MOST))

            assert await most() == _WHOLE
            network.play([During(0, math.inf, down={"rate_kbps": 500, "queue_ms": 400})])
            await eventually(most, lambda bps: 100_000 <= bps < 500_000, 40)
            note = county.tile(host_id).get_by_test_id("still-note")
            await eventually(note.count, lambda count: count == 0, 30)
            await decodes(county, host_id)

            network.play([])
            await eventually(most, lambda bps: bps == _WHOLE, 60)


async def settled(visitor: Visitor, participant: str) -> None:
    """The queue that the change made is gone: video has stopped."""

    async def still() -> bool:
        before = await frames(visitor, participant)
        await asyncio.sleep(2)  # a length of time to count in
        return await frames(visitor, participant) <= before + 1

    await eventually(still, timeout_s=40)


def share(before: dict[str, Any], after: dict[str, Any]) -> float:
    """Of all sound since then, what was made up for want of packets."""
    received = after["received"] - before["received"]
    return float(after["concealed"] - before["concealed"]) / max(1, received)
