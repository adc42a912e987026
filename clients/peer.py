"""aiortc peer connections as a client of an ICE-lite server wants them."""

from __future__ import annotations

import aioice.ice
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

CONSTRAINED_BASELINE = "42e01f"
_routable_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """aioice leaves loopback out, and a laptop without a network has nothing else."""
    return _routable_addresses(use_ipv4, use_ipv6) or ["127.0.0.1"]


aioice.ice.get_host_addresses = _host_addresses


def connection() -> RTCPeerConnection:
    """A new connection on one transport, asking nobody outside for its addresses."""
    return RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )


async def offer(pc: RTCPeerConnection) -> str:
    """Set and return the local offer, candidates included."""
    await pc.setLocalDescription(await pc.createOffer())
    return str(pc.localDescription.sdp)


async def take_answer(pc: RTCPeerConnection, sdp: str) -> None:
    await pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))


async def answer(pc: RTCPeerConnection, sdp: str) -> str:
    """Take the server's offer; set and return the local answer."""
    await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await pc.setLocalDescription(await pc.createAnswer())
    return str(pc.localDescription.sdp)


def prefer_codec(transceiver: RTCRtpTransceiver, name: str) -> None:
    """Offer only the codec that the encoded track has, with retransmission."""

    def fits(codec: RTCRtpCodecCapability) -> bool:
        if codec.mimeType.lower().endswith("/rtx"):
            return True
        if codec.mimeType.lower() != f"{transceiver.kind}/{name}".lower():
            return False
        profile = codec.parameters.get("profile-level-id", CONSTRAINED_BASELINE)
        return str(profile).lower() == CONSTRAINED_BASELINE

    codecs = RTCRtpSender.getCapabilities(transceiver.kind).codecs
    transceiver.setCodecPreferences([codec for codec in codecs if fits(codec)])
