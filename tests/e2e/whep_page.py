"""A browser watching through WHEP with nothing but what the platform gives."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

_WATCH = """async ([url, token]) => {
  const pc = window.watching = new RTCPeerConnection();
  pc.addTransceiver("video", { direction: "recvonly" });
  pc.addTransceiver("audio", { direction: "recvonly" });
  const stream = new MediaStream();
  pc.ontrack = ({ track }) => stream.addTrack(track);
  await pc.setLocalDescription();
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` },
    body: pc.localDescription.sdp,
  });
  const answer = await response.text();
  if (response.status !== 201) return { status: response.status, answer };
  await pc.setRemoteDescription({ type: "answer", sdp: answer });
  const video = document.createElement("video");
  video.srcObject = stream;
  await video.play().catch(() => undefined);
  document.body.append(video);
  return { status: response.status, resource: response.headers.get("Location") };
}"""

_COUNT = """async () => {
  const counts = {};
  for (const entry of (await window.watching.getStats()).values()) {
    if (entry.type !== "inbound-rtp") continue;
    counts[entry.kind] = entry.kind === "video" ? entry.framesDecoded : entry.totalAudioEnergy;
    if (entry.kind === "video") counts.height = entry.frameHeight;
  }
  return counts;
}"""


async def watch(page: Page, url: str, token: str) -> dict[str, Any]:
    """POST the offer and play what comes; gives the HTTP status."""
    return dict(await page.evaluate(_WATCH, [url, token]))


async def counts(page: Page) -> dict[str, float]:
    """Frames decoded, audio energy and the picture's height."""
    return dict(await page.evaluate(_COUNT))


async def end(page: Page, url: str, token: str) -> int:
    """DELETE the session's resource."""
    script = """async ([url, token]) => (await fetch(url, {
      method: "DELETE", headers: { Authorization: `Bearer ${token}` } })).status"""
    return int(await page.evaluate(script, [url, token]))
