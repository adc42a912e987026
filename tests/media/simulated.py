"""A relay core with fake time and simulated peers: real STUN and SRTP, no sockets, no sleeps."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

from aioice import stun
from aiortc.rtp import RtcpPacket, RtpPacket, unwrap_rtx
from pylibsrtp import Policy

from media import codecs
from media._plane import Simulation
from media.srtp import FUNCTIONS, SrtpSessions, make_sessions

PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
KEY_A, KEY_B = bytes(range(28)), bytes(range(28, 56))
VIDEO_SSRC, VIDEO_RTX_SSRC, AUDIO_SSRC = 1111, 2222, 3333
OUT_SSRC, OUT_RTX_SSRC = 7777, 8888
MID_ID, CC_ID, LEVEL_ID, ORIENTATION_ID = 3, 4, 5, 6


def mapped(ip: str) -> bytes:
    address = ipaddress.ip_address(ip)
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else address.packed


def ext_ids(**named: int) -> list[int]:
    uris = {
        "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
        "cc": codecs.EXTENSIONS[codecs.TRANSPORT_CC],
        "ast": codecs.EXTENSIONS[codecs.ABS_SEND_TIME],
        "level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "orientation": "urn:3gpp:video-orientation",
        "dd": codecs.EXTENSIONS[7],
    }
    ids = [0] * len(codecs.EXTENSIONS)
    for name, id in named.items():
        ids[codecs.EXTENSIONS.index(uris[name])] = id
    return ids


@dataclass
class Peer:
    """One end outside: an address, an ICE agent that only asks, and SRTP sessions."""

    world: World
    endpoint: int
    ip: str
    port: int
    sessions: SrtpSessions
    received: list[bytes] = field(default_factory=list)  # datagrams as they came, still protected

    def check(
        self, *, ufrag: str | None = None, password: str | None = None, nominate: bool = True
    ) -> stun.Message | None:
        """Send a connectivity check; the answer, verified, or None."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{ufrag or f'ufrag{self.endpoint}'}:peer"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        if nominate:
            request.attributes["USE-CANDIDATE"] = None
        key = password or f"password{self.endpoint}"
        request.add_message_integrity(key.encode())
        request.add_fingerprint()
        self.send(bytes(request))
        for datagram in self.take():
            if datagram[0] < 4:
                answer = stun.parse_message(datagram)  # checks the fingerprint
                given = answer.attributes.pop("MESSAGE-INTEGRITY")
                del answer.attributes["FINGERPRINT"]
                answer.add_message_integrity(key.encode())
                assert answer.attributes["MESSAGE-INTEGRITY"] == given
                return answer
        return None

    def send(self, datagram: bytes) -> None:
        self.world.core.datagram(mapped(self.ip), self.port, datagram, self.world.now_us)
        self.world.deliver()

    def send_rtp(self, packet: bytes) -> None:
        self.send(self.sessions.send.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        self.send(self.sessions.send.protect_rtcp(packet))

    def take(self) -> list[bytes]:
        self.world.deliver()
        taken, self.received = self.received, []
        return taken

    def take_rtp(self) -> list[bytes]:
        """Plain RTP packets since the last look; RTCP is left."""
        taken = self.take()
        self.received = [d for d in taken if 192 <= d[1] <= 223]
        return [self.sessions.receive.unprotect(d) for d in taken if not 192 <= d[1] <= 223]

    def take_rtcp(self) -> list[object]:
        taken = self.take()
        self.received = [d for d in taken if not 192 <= d[1] <= 223]
        plain = [self.sessions.receive.unprotect_rtcp(d) for d in taken if 192 <= d[1] <= 223]
        return [packet for compound in plain for packet in RtcpPacket.parse(compound)]

    def take_raw_rtcp(self) -> list[bytes]:
        taken = self.take()
        self.received = [d for d in taken if not 192 <= d[1] <= 223]
        return [self.sessions.receive.unprotect_rtcp(d) for d in taken if 192 <= d[1] <= 223]


class World:
    """A core, its clock, and peers by address."""

    def __init__(self) -> None:
        self.core = Simulation(FUNCTIONS)
        self.now_us = 1_000_000
        self.peers: dict[tuple[bytes, int], Peer] = {}
        self.messages: list[tuple[bytes, int, list[bytes]]] = []
        self._ids = 0
        self.relay_sessions: dict[int, SrtpSessions] = {}  # by endpoint

    def deliver(self) -> None:
        for ip, port, packets in self.core.take_sent():
            self.messages.append((ip, port, packets))
            peer = self.peers.get((ip, port))
            if peer is not None:
                peer.received.extend(packets)

    def pass_ms(self, ms: int) -> None:
        for _ in range(max(1, ms // 10)):
            self.now_us += 10_000
            self.core.timer(self.now_us)
            self.deliver()

    def peer(self, ip: str = "10.0.0.1", *, connected: bool = True) -> Peer:
        self._ids += 1
        id = self._ids
        self.core.add_endpoint(id, f"ufrag{id}", f"password{id}")
        peer = Peer(self, id, ip, 5000 + id, make_sessions(PROFILE, KEY_A, KEY_B))
        self.peers[(mapped(ip), peer.port)] = peer
        if connected:
            assert peer.check() is not None
            self.relay_sessions[id] = relay_side = make_sessions(PROFILE, KEY_B, KEY_A)
            self.core.set_srtp(id, *relay_side.pointers)
        return peer

    def publisher(self, *, nack: bool = True, ssrc: int = VIDEO_SSRC, rtx: bool = True) -> Peer:
        """A peer with video track 100 on mid '1'."""
        peer = self.peer()
        self.core.set_receive(
            peer.endpoint,
            ext_ids(mid=MID_ID, cc=CC_ID, level=LEVEL_ID, orientation=ORIENTATION_ID),
            True,
            False,
            True,
        )
        rtx_ssrc = VIDEO_RTX_SSRC if rtx and ssrc else 0
        assert self.core.add_track(
            100, peer.endpoint, True, "VP8", "1", "cname", 90000, 96, 97 if rtx else 255,
            nack, True, True, [("", ssrc, rtx_ssrc)],
        )  # fmt: skip
        return peer

    def subscriber(self, track: int = 100, *, rtx: bool = True, pt: int = 96) -> Peer:
        peer = self.peer()
        self.core.set_send(peer.endpoint, ext_ids(orientation=2, level=1, dd=8), True)
        assert self.core.add_subscription(
            200 + peer.endpoint, track, peer.endpoint, OUT_SSRC, OUT_RTX_SSRC, pt,
            97 if rtx else 255, 0,
        )  # fmt: skip
        return peer


def rtp(
    seq: int,
    timestamp: int = 0,
    payload: bytes = b"x" * 100,
    *,
    ssrc: int = VIDEO_SSRC,
    pt: int = 96,
    marker: bool = False,
    exts: dict[int, bytes] | None = None,
) -> bytes:
    first = 0x90 if exts else 0x80
    head = struct.pack(
        "!BBHII", first, pt | (0x80 if marker else 0), seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    )
    if exts:
        body = b"".join(bytes([id << 4 | len(v) - 1]) + v for id, v in exts.items())
        body += b"\0" * (-len(body) % 4)
        head += struct.pack("!HH", 0xBEDE, len(body) // 4) + body
    return head + payload


def rtx(seq: int, original: bytes, *, ssrc: int = VIDEO_RTX_SSRC, pt: int = 97) -> bytes:
    """A retransmission of a packet without extensions (RFC 4588)."""
    head = bytearray(original[:12])
    head[1] = head[1] & 0x80 | pt
    head[2:4] = struct.pack("!H", seq)
    head[8:12] = struct.pack("!I", ssrc)
    return bytes(head) + original[2:4] + original[12:]


def unrtx(packet: bytes, pt: int = 96, ssrc: int = OUT_SSRC) -> RtpPacket:
    return unwrap_rtx(RtpPacket.parse(packet), payload_type=pt, ssrc=ssrc)


def seq_of(packet: bytes) -> int:
    return int.from_bytes(packet[2:4])
