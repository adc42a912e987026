"""A small WebRTC client over a native socket: ICE checks, DTLS, receiver reports.

RTP never comes here: the engine counts it and gives transport-wide feedback. What does come is
STUN, DTLS and RTCP, a few datagrams a second for each peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import struct
import time
from collections import Counter
from collections.abc import Callable

from aioice import stun
from aiortc import rtp
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL
from pylibsrtp import Error as SrtpError
from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

from loadtests._native import Engine, Stream
from loadtests.sdp import CODECS, Local, Remote

PROFILES = {
    "AES-128-GCM": [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80],  # GCM where the server can
    "AES-CM": [SRTP_AES128_CM_SHA1_80],
}
CHECK_INTERVAL_S = 0.1
FLIGHT_TIMEOUT_S = 0.05  # the first, as in BoringSSL under libwebrtc
CONSENT_INTERVAL_S = 5.0  # RFC 7675, with its ±20 %
REPORT_INTERVAL_S = 1.0
FEEDBACK_INTERVAL_MS = 50  # libwebrtc's, once 220 kbit/s and more arrive
REPORTS_MAX = 31  # of one RTCP packet
TICK_S = 0.05
CONNECT_TIMEOUT_S = 20.0
_RTCP: dict[tuple[int, int | None], str] = {  # (packet type, feedback format)
    (200, None): "sender reports",
    (201, None): "receiver reports",
    (205, 1): "NACK",
    (205, 15): "transport-wide",
    (206, 1): "PLI",
    (206, 4): "FIR",
    (206, 15): "REMB",
}
CHECK_PRIORITY = 1853824767  # peer-reflexive, as libwebrtc computes it


class _Path:
    """The ICE transport that aiortc's DTLS transport sees.

    A flight that stays unanswered is sent again as browsers do it, after 50 ms and then twice as
    long each time: OpenSSL's own timer begins at one second.
    """

    role = "controlling"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._to = send
        self._flight: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False

    def take(self, data: bytes) -> None:
        self.answered()
        self._arrived.put_nowait(data)

    def answered(self) -> None:
        """Nothing of what was sent needs to be sent again."""
        self._flight.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """Nothing comes or goes any more."""
        self._ended = True
        self._arrived.put_nowait(b"")

    async def _recv(self) -> bytes:
        data = await self._arrived.get()
        if self._ended:
            raise ConnectionError("the path has ended")
        return data

    async def _send(self, data: bytes) -> None:
        if self._ended:
            raise ConnectionError("the path has ended")
        self._flight.append(data)
        self._to(data)
        if self._timer is None:
            self._wait(FLIGHT_TIMEOUT_S)

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._repeat, seconds)

    def _repeat(self, waited_s: float) -> None:
        for data in self._flight:
            self._to(data)
        self._wait(2 * waited_s)


class _Dtls(RTCDtlsTransport):
    """Exports one more pair of sessions: RTCP here and RTP in native code must not share one."""

    rtp_session: Session
    profile = ""

    def _setup_srtp(self) -> None:
        super()._setup_srtp()
        self.rtp_session = self._tx_srtp
        super()._setup_srtp()
        selected = self._ssl.get_selected_srtp_profile() if self._ssl else b""
        self.profile = {
            b"SRTP_AEAD_AES_128_GCM": "AES-128-GCM",
            b"SRTP_AES128_CM_SHA1_80": "AES-CM",
        }.get(selected, selected.decode())


class _Certificate(RTCCertificate):
    """All clients' certificate; one OpenSSL context serves them all, as in one browser."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
        return self._context


class Network:
    """The engine, its peers, and their clockwork."""

    def __init__(
        self,
        profiles: list[SRTPProtectionProfile],
        coalesce_us: int,
        feedback_ms: int = FEEDBACK_INTERVAL_MS,
    ) -> None:
        self.feedback_ms = feedback_ms
        self.engine = Engine(coalesce_us)
        self.profiles = profiles
        self.certificate = _Certificate.generateCertificate()
        self.peers: dict[int, Peer] = {}
        self._ticker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Network:
        asyncio.get_running_loop().add_reader(self.engine.event_fd, self._read)
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        for peer in list(self.peers.values()):
            await peer.close()
        asyncio.get_running_loop().remove_reader(self.engine.event_fd)

    def _read(self) -> None:
        for number, data in self.engine.drain():
            peer = self.peers.get(number)
            if peer is not None and data:
                peer.take(data)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for peer in self.peers.values():
                peer.tick(now)


class Peer:
    """One 5-tuple. `feedback` counts RTCP from the other side by name."""

    def __init__(self, network: Network, address: str = "127.0.0.1") -> None:
        self.network = network
        self.engine = network.engine
        self.number = self.engine.open(address)
        network.peers[self.number] = self
        self.local = Local(
            secrets.token_hex(4),
            secrets.token_hex(12),
            next(
                f.value for f in network.certificate.getFingerprints() if f.algorithm == "sha-256"
            ),
            address,
            self.engine.port(self.number),
        )
        self.feedback: Counter[str] = Counter()
        self.on_key_frame_request: Callable[[], None] | None = None
        self.on_feedback: Callable[[str, bytes], None] | None = None  # name, RTCP packet
        self.sender_report: Callable[[], bytes] | None = None
        self.gives_feedback = False
        self.consents_missed = 0
        self.closed_by_server = False
        self._path = _Path(lambda data: self.engine.send(self.number, data))
        self._dtls = _Dtls(self._path, [network.certificate])  # type: ignore[arg-type]
        self._dtls._srtp_profiles = network.profiles
        self._checked = asyncio.Event()
        self._nominated = asyncio.Event()
        self._remote: Remote | None = None
        self._to = ("", 0)
        self._controlling = True
        self._tie_breaker = secrets.randbits(64)
        self._consent_at = 0.0
        self._consent_open = False
        self._report_at = 0.0
        self._sender_reports: dict[int, tuple[int, float]] = {}  # by SSRC: NTP's middle, when
        self._reported: dict[int, tuple[int, int]] = {}

    @property
    def profile(self) -> str:
        return self._dtls.profile

    @property
    def rtp_session(self) -> Session:
        """Protects RTP and nothing else; for native code."""
        return self._dtls.rtp_session

    def receive(self, remote: Remote) -> None:
        """Count what the server's description says it sends, and give the feedback it agreed to."""
        kinds = {
            section.payload_type: CODECS["audio" if section.kind == "audio" else "video"][2]
            for section in remote.sections
            if section.active
        }
        self.engine.count(self.number, list(kinds.items()))
        self.gives_feedback = bool(remote.transport_sequence and self.network.feedback_ms)
        if self.gives_feedback:
            self.engine.feedback(self.number, remote.transport_sequence, self.network.feedback_ms)

    def streams(self) -> list[Stream]:
        """What has been counted of each stream."""
        return self.engine.streams(self.number)

    async def connect(self, remote: Remote, *, controlling: bool = True) -> None:
        """ICE, then DTLS. Raises ConnectionError or TimeoutError."""
        self._remote = remote
        self._controlling = controlling or remote.ice_lite
        candidates = [c for c in remote.candidates if c[0] == self.local.address]
        if not candidates:
            raise ConnectionError(f"the server gave no candidate on {self.local.address}")
        self._to = candidates[0]
        self.engine.connect(self.number, *self._to)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            ready = self._checked if self._controlling else self._nominated
            while not ready.is_set():
                self._check(nominate=self._controlling)
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(ready.wait(), CHECK_INTERVAL_S)
            self._dtls._set_role("server" if remote.setup == "active" else "client")
            fingerprints = [RTCDtlsFingerprint(a, v) for a, v in remote.fingerprints]
            try:
                await self._dtls.start(RTCDtlsParameters(fingerprints))
            finally:
                self._path.answered()
        if self._dtls.state != "connected":
            raise ConnectionError(f"DTLS {self._dtls.state}")
        self.engine.secure(
            self.number,
            int(ffi.cast("uintptr_t", self._dtls._tx_srtp._srtp[0])),
            int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect_rtcp"))),
        )
        now = time.monotonic()
        self._consent_at = now + random.uniform(0, CONSENT_INTERVAL_S)
        self._report_at = now + random.uniform(0, REPORT_INTERVAL_S)

    async def close(self) -> None:
        """Leave with a DTLS close, as a client that leaves in order does."""
        if self.network.peers.pop(self.number, None) is None:
            return
        with contextlib.suppress(ConnectionError):
            await self._dtls.stop()
        self._path.answered()
        self.engine.close(self.number)

    def vanish(self) -> None:
        """Be gone without a word."""
        if self.network.peers.pop(self.number, None) is not None:
            self._path.answered()
            self.engine.close(self.number)
            self._path.end()

    def take(self, data: bytes) -> None:
        """One datagram that is not RTP."""
        first = data[0]
        if first < 4:
            with contextlib.suppress(ValueError):
                self._take_stun(stun.parse_message(data))
        elif 20 <= first < 64:
            self._path.take(data)
        elif 128 <= first < 192 and self._dtls._rx_srtp is not None:
            try:
                self._take_rtcp(self._dtls._rx_srtp.unprotect_rtcp(data))
            except (SrtpError, struct.error):
                self.feedback["unreadable"] += 1

    def tick(self, now: float) -> None:
        """Send what is due: a consent check, a report."""
        if self._dtls.state == "closed":
            self.closed_by_server = True
        if self._dtls.state != "connected":
            return
        if now >= self._consent_at:
            self._consent_at = now + CONSENT_INTERVAL_S * random.uniform(0.8, 1.2)
            self.consents_missed += self._consent_open
            self._consent_open = True
            self._check(nominate=False)
        if now >= self._report_at:
            self._report_at = now + REPORT_INTERVAL_S
            report = self.sender_report() if self.sender_report else self._receiver_report(now)
            if report:
                self.engine.send_rtcp(self.number, report)

    def _check(self, *, nominate: bool) -> None:
        assert self._remote is not None
        role = "ICE-CONTROLLING" if self._controlling else "ICE-CONTROLLED"
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self._remote.ufrag}:{self.local.ufrag}"
        message.attributes["PRIORITY"] = CHECK_PRIORITY
        message.attributes[role] = self._tie_breaker
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self._remote.password.encode())
        self.engine.send(self.number, bytes(message))

    def _take_stun(self, message: stun.Message) -> None:
        if message.message_class == stun.Class.RESPONSE:
            if self._remote and message.check_message_integrity(self._remote.password.encode()):
                self._checked.set()
                self._consent_open = False
        elif message.message_class == stun.Class.REQUEST:
            if not message.check_message_integrity(self.local.password.encode()):
                return
            answer = stun.Message(
                stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=message.transaction_id
            )
            answer.attributes["XOR-MAPPED-ADDRESS"] = self._to
            answer.add_message_integrity(self.local.password.encode())
            self.engine.send(self.number, bytes(answer))
            if "USE-CANDIDATE" in message.attributes:
                self._nominated.set()

    def _take_rtcp(self, compound: bytes) -> None:
        """Count each packet of a compound by name, and note what must be answered."""
        at = 0
        while at < len(compound):
            first, kind, words = struct.unpack_from("!BBH", compound, at)
            name = _RTCP.get((kind, first & 31)) or _RTCP.get((kind, None), f"RTCP {kind}")
            self.feedback[name] += 1
            if name == "sender reports":
                ssrc, middle = struct.unpack_from("!I2xI", compound, at + 4)
                self._sender_reports[ssrc] = (middle, time.monotonic())
            elif name in ("PLI", "FIR") and self.on_key_frame_request is not None:
                self.on_key_frame_request()
            if self.on_feedback is not None:
                self.on_feedback(name, compound[at : at + 4 * (words + 1)])
            at += 4 * (words + 1)

    def _receiver_report(self, now: float) -> bytes:
        reports = [self._report(stream, now) for stream in self.streams()[:REPORTS_MAX]]
        return bytes(rtp.RtcpRrPacket(ssrc=1, reports=reports)) if reports else b""

    def _report(self, stream: Stream, now: float) -> rtp.RtcpReceiverInfo:
        expected, received = self._reported.get(stream.ssrc, (0, 0))
        self._reported[stream.ssrc] = (stream.expected, stream.received)
        expected, received = stream.expected - expected, stream.received - received
        lost = max(0, expected - received)
        since, at = self._sender_reports.get(stream.ssrc, (0, 0.0))
        return rtp.RtcpReceiverInfo(
            ssrc=stream.ssrc,
            fraction_lost=min(255, lost * 256 // expected) if expected > 0 else 0,
            packets_lost=max(0, stream.expected - stream.received),
            highest_sequence=stream.highest & 0xFFFFFFFF,
            jitter=int(stream.jitter),
            lsr=since,
            dlsr=int((now - at) * 65536) if since else 0,
        )
