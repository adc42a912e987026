"""aiortc's DTLS over the plane's socket, without its ICE and its media path.

`DatagramPipe` stands where aiortc expects an ICE transport; it also mends what OpenSSL leaves
slow or aiortc leaves undone: the last flight is sent again after 200 ms instead of a second, and
a datagram with several application records is split, because one read is made per datagram.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import cast

from aiortc.rtcdtlstransport import SRTP_PROFILES as AIORTC_PROFILES
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from aiortc.rtcicetransport import RTCIceTransport
from OpenSSL import SSL

from .srtp import SrtpSessions, make_sessions

HANDSHAKE_TIMEOUT_S = 30.0  # from the description on: ICE comes first, on whatever network
RESEND_AFTER_S = (0.2, 0.4, 0.8, 1.6, 3.2)
QUEUE_MAX = 256  # datagrams of one peer that wait for the event loop
_APPLICATION_DATA = 23
_RECORD_HEADER = 13  # RFC 6347 section 4.1

# AES-128-GCM first: the cheapest to protect (facts: 0.8 µs against 2.1 for AES-CM with SHA-1).
PROFILES = [
    profile
    for name in (b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80")
    for profile in AIORTC_PROFILES
    if profile.openssl_profile == name
]


class SharedCertificate(RTCCertificate):
    """The relay's certificate; what costs half a millisecond a join is made once."""

    _context: SSL.Context | None = None
    _fingerprints: list[RTCDtlsFingerprint] | None = None

    def getFingerprints(self) -> list[RTCDtlsFingerprint]:
        """Its digests, which never change."""
        if self._fingerprints is None:
            self._fingerprints = super().getFingerprints()
        return self._fingerprints

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # nobody resumes DTLS
        return self._context


def records(datagram: bytes) -> Iterator[bytes]:
    """One piece per DTLS record of application data; any other datagram whole."""
    if datagram[0] != _APPLICATION_DATA:
        yield datagram
        return
    at = 0
    while at + _RECORD_HEADER <= len(datagram):
        end = at + _RECORD_HEADER + int.from_bytes(datagram[at + 11 : at + 13])
        yield datagram[at:end]
        at = end


class DatagramPipe:
    """What RTCDtlsTransport needs of an ICE transport: `_recv`, `_send` and `role`."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._out = send
        self._in: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MAX)
        self._flight: list[bytes] = []  # sent since the peer last spoke
        self._resend: asyncio.TimerHandle | None = None
        self._resends = 0
        self._handshaking = True

    def deliver(self, datagram: bytes) -> None:
        """A datagram from the peer. What does not fit is dropped: DTLS repeats it."""
        if self._handshaking:
            self._flight.clear()
            self._resends = 0
        with contextlib.suppress(asyncio.QueueFull):
            for record in records(datagram):
                self._in.put_nowait(record)

    def established(self) -> None:
        """The handshake is done: the last flight is repeated once more, then nothing is."""
        self._handshaking = False
        self._resends = len(RESEND_AFTER_S) - 1

    def close(self) -> None:
        self._stop_resending()
        self._out = _nowhere  # its owner is free to go
        if self._in.full():
            self._in.get_nowait()
        self._in.put_nowait(None)

    async def _recv(self) -> bytes:
        datagram = await self._in.get()
        if datagram is None:
            raise ConnectionError("closed")
        return datagram

    async def _send(self, data: bytes) -> None:
        self._out(data)
        if self._handshaking:
            self._flight.append(data)
            if self._resend is None:
                self._schedule()

    def _schedule(self) -> None:
        delay = RESEND_AFTER_S[min(self._resends, len(RESEND_AFTER_S) - 1)]
        self._resend = asyncio.get_running_loop().call_later(delay, self._send_again)

    def _send_again(self) -> None:
        self._resend = None
        for datagram in self._flight:
            self._out(datagram)
        self._resends += 1
        if self._flight and self._handshaking and self._resends < len(RESEND_AFTER_S):
            self._schedule()
        elif not self._handshaking:
            self._flight.clear()

    def _stop_resending(self) -> None:
        if self._resend is not None:
            self._resend.cancel()
        self._resend = None
        self._flight.clear()


def _nowhere(_datagram: bytes) -> None:
    """Where a closed pipe leads."""


class DtlsError(Exception):
    """The handshake failed or took too long."""


class PlaneDtls(RTCDtlsTransport):
    """DTLS whose SRTP keys go to the plane instead of to aiortc's media path; server at first."""

    def __init__(self, pipe: DatagramPipe, certificate: RTCCertificate) -> None:
        super().__init__(cast(RTCIceTransport, pipe), [certificate])  # it uses no more of it
        self._srtp_profiles = PROFILES
        self._set_role("server")
        self.client = False
        self.sessions: SrtpSessions | None = None

    def be_client(self) -> None:
        """Speak first, to a peer that waits. Before `handshake`."""
        self.client = True
        self._set_role("client")

    def _setup_srtp(self) -> None:
        """Export the keys (RFC 5764 section 4.2) into sessions for the plane; `_rx_srtp` stays
        unset."""
        if self._ssl is None:
            raise DtlsError("not started")
        chosen = self._ssl.get_selected_srtp_profile()
        profile: SRTPProtectionProfile | None = next(
            (p for p in self._srtp_profiles if p.openssl_profile == chosen), None
        )
        if profile is None:
            self._set_state(State.FAILED)
            return
        size = 2 * (profile.key_length + profile.salt_length)
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        self.sessions = make_sessions(
            profile.libsrtp_profile,
            receive_key=profile.get_key_and_salt(material, 1 if self.client else 0),
            send_key=profile.get_key_and_salt(material, 0 if self.client else 1),
        )

    async def handshake(self, fingerprints: tuple[tuple[str, str], ...]) -> SrtpSessions:
        """Run the handshake to its end. Raises DtlsError."""
        parameters = RTCDtlsParameters(
            [RTCDtlsFingerprint(algorithm=a, value=v) for a, v in fingerprints]
        )
        try:
            await asyncio.wait_for(self.start(parameters), HANDSHAKE_TIMEOUT_S)
        except TimeoutError:
            raise DtlsError(f"no DTLS handshake within {HANDSHAKE_TIMEOUT_S:.0f} s") from None
        except SSL.Error as error:
            raise DtlsError(f"DTLS handshake failed: {error}") from None
        if self.sessions is None:
            raise DtlsError("DTLS handshake failed: certificate or SRTP profile refused")
        return self.sessions
