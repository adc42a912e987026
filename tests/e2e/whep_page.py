"""A browser watching through WHEP with nothing but what the platform gives."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

# The offer is posted, and what is answered taken.
_EXCHANGE = """const exchange = async (pc, url, token) => {
  await pc.setLocalDescription();
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` },
    body: pc.localDescription.sdp,
  });
  const answer = await response.text();
  if (response.status === 201) await pc.setRemoteDescription({ type: "answer", sdp: answer });
  return { response, answer };
};
"""

_WATCH = """async ([url, token]) => {
  const pc = window.watching = new RTCPeerConnection();
  pc.addTransceiver("video", { direction: "recvonly" });
  pc.addTransceiver("audio", { direction: "recvonly" });
  const stream = new MediaStream();
  pc.ontrack = ({ track }) => stream.addTrack(track);
  const { response, answer } = await exchange(pc, url, token);
  if (response.status !== 201) return { status: response.status, answer };
  const video = document.createElement("video");
  video.srcObject = stream;
  await video.play().catch(() => undefined);
  document.body.append(video);
  return { status: response.status, resource: response.headers.get("Location") };
}"""

_SPEAK = """async ([url, token]) => {
  const pc = window.speaking = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const [speech] = [...stream.getAudioTracks(), ...stream.getVideoTracks()].map(
    (track) => pc.addTransceiver(track, { direction: "sendonly" }));
  const { codecs } = RTCRtpReceiver.getCapabilities("audio");
  const rank = ({ mimeType }) => ["audio/red", "audio/opus"].indexOf(mimeType.toLowerCase());
  speech.setCodecPreferences(
    codecs.filter((c) => rank(c) >= 0).sort((a, b) => rank(a) - rank(b)));
  const { response, answer } = await exchange(pc, url, token);
  return { status: response.status, answer, resource: response.headers.get("Location") };
}"""

# Chromium's statistics call RED by what is inside; the frames before its decoder have its name.
_LISTEN = """async ([url, token]) => {
  const pc = window.listening = new RTCPeerConnection({ encodedInsertableStreams: true });
  window.heard = {};
  pc.addTransceiver("audio", { direction: "recvonly" });
  pc.ontrack = ({ receiver }) => {
    const { readable, writable } = receiver.createEncodedStreams();
    readable.pipeThrough(new TransformStream({ transform: (frame, controller) => {
      const type = frame.getMetadata().payloadType;
      window.heard[type] = (window.heard[type] ?? 0) + 1;
      controller.enqueue(frame);
    } })).pipeTo(writable);
  };
  const { response, answer } = await exchange(pc, url, token);
  return { status: response.status, red: answer.match(/a=rtpmap:(\\d+) red/)?.[1] };
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


def _with_exchange(script: str) -> str:
    return f"async (given) => {{ {_EXCHANGE} return ({script})(given); }}"


async def watch(page: Page, url: str, token: str) -> dict[str, Any]:
    """POST the offer and play what comes; gives the HTTP status."""
    return dict(await page.evaluate(_with_exchange(_WATCH), [url, token]))


async def speak(page: Page, url: str, token: str) -> dict[str, Any]:
    """Publish camera, and microphone as RED, which browsers do only when they are told."""
    return dict(await page.evaluate(_with_exchange(_SPEAK), [url, token]))


async def listen(page: Page, url: str, token: str) -> dict[str, Any]:
    """Receive sound alone; gives the payload type that RED was agreed under."""
    return dict(await page.evaluate(_with_exchange(_LISTEN), [url, token]))


async def heard(page: Page) -> dict[str, int]:
    """Frames of the sound that is listened to, by payload type."""
    return dict(await page.evaluate("window.heard"))


async def counts(page: Page) -> dict[str, float]:
    """Frames decoded, audio energy and the picture's height."""
    return dict(await page.evaluate(_COUNT))


async def end(page: Page, url: str, token: str) -> int:
    """DELETE the session's resource."""
    script = """async ([url, token]) => (await fetch(url, {
      method: "DELETE", headers: { Authorization: `Bearer ${token}` } })).status"""
    return int(await page.evaluate(script, [url, token]))
