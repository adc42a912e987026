"""One 5-tuple with one DTLS association: what publishing, receiving and probing have in common."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from aiortc.rtcsctptransport import RTCSctpCapabilities

from .contract import SdpError, TransportState, TransportStats
from .dtls import DatagramPipe, DtlsError, PlaneDtls
from .rate import TokenBucket
from .sctp import BoundedSctp
from .sdp import Description, Section, Security, parse, render
from .srtp import SrtpSessions

if TYPE_CHECKING:
    from .lane import Lane

CONNECT_TIMEOUT_S = 30.0  # a person may sit on the browser's permission prompt meanwhile
DATAGRAMS_PER_S = 2000.0  # of DTLS, each 0.1 ms of everybody's event loop; more are lost packets
# A peer whose network is gone comes back by an ICE restart, with the keys that it had. Signaling
# gives its sessions up before; this ends what nobody looks after.
SILENCE_MAX_S = 300.0

log = structlog.get_logger("distal.media")


def ice_chars(count: int) -> str:
    """Random letters for ICE (RFC 8839 section 5.4, whose alphabet is base64's); 4 are 3 bytes."""
    return base64.b64encode(secrets.token_bytes(count // 4 * 3)).decode()


class BaseTransport:
    """Implements `contract.Transport`; subclasses negotiate what flows."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.group = lane.group
        self.id = lane.next_id()
        self.state: TransportState = "new"
        self.on_state: Callable[[TransportState], None] | None = None
        self.on_closed: Callable[[BaseTransport], None] | None = None  # the relay's bookkeeping
        self._ufrag, self._password = ice_chars(8), ice_chars(24)
        self._pipe = DatagramPipe(self._send)
        self._dtls = PlaneDtls(self._pipe, lane.certificate)
        self._sctp: BoundedSctp | None = None
        self._sctp_port: int | None = None
        self._sessions: SrtpSessions | None = None
        self._security: Security | None = None
        self._task: asyncio.Task[None] | None = None
        self._opened_s = time.monotonic()
        self._datagrams = TokenBucket(DATAGRAMS_PER_S, DATAGRAMS_PER_S, self._opened_s)
        self._session_id, self._session_version = secrets.randbits(62), 0
        lane.plane.add_endpoint(self.id, self._ufrag, self._password)
        lane.transports[self.id] = self

    # --- DTLS ----------------------------------------------------------------------------------

    def deliver(self, datagram: bytes) -> None:
        """A DTLS datagram that the plane took from this transport's peer."""
        if self._datagrams.spend(1, time.monotonic()):
            self._pipe.deliver(datagram)

    def _send(self, datagram: bytes) -> None:
        if self.state != "closed":
            self._lane.plane.send(self.id, datagram)

    def restart_ice(self) -> None:
        """Take new credentials: the next description that names them revives the path.

        The old ones are good until the peer nominates a pair under the new (RFC 8445 section 9).
        """
        self._ufrag, self._password = ice_chars(8), ice_chars(24)
        self._lane.plane.set_credentials(self.id, self._ufrag, self._password)

    def _secure(self, security: Security, *, offered: bool = False) -> None:
        """Begin the handshake with the peer that this description speaks of. Raises SdpError.

        An offer with other ICE credentials than before is a restart (RFC 8839 section 4.4.1.1.1).
        """
        known, self._security = self._security, security
        if known is not None:
            if known.fingerprints != security.fingerprints:
                self._security = known
                raise SdpError("the certificate changed: open a new transport instead")
            if offered and (known.ufrag, known.password) != (security.ufrag, security.password):
                self.restart_ice()
            return
        if security.setup == "passive":  # FFmpeg's WHIP client offers nothing else
            self._dtls.be_client()
        self._task = asyncio.create_task(self._connect(security))

    async def _connect(self, security: Security) -> None:
        try:
            self._sessions = await self._dtls.handshake(security.fingerprints)
        except DtlsError as error:
            log.info("dtls_failed", transport=self.id, reason=str(error))
            self._set_state("failed")
            return
        if self.state == "closed":
            return
        self._pipe.established()
        self._lane.plane.set_srtp(self.id, *self._sessions.pointers)
        self._dtls.on("statechange", self._dtls_changed)
        await self._start_data()
        self._set_state("connected")

    async def _start_data(self) -> None:
        """Once there is both an association and a data section; does nothing the second time."""
        if self._sctp is not None and self._sctp_port is not None:
            await self._sctp.start(RTCSctpCapabilities(maxMessageSize=65536), self._sctp_port)

    @property
    def _answered_setup(self) -> str:
        """Our side of RFC 5763's roles in an answer: the relay waits, unless the peer does."""
        return "active" if self._dtls.client else "passive"

    def _dtls_changed(self) -> None:
        if self._dtls.state == "closed" and self.state != "closed":
            self._set_state("failed")  # the peer said goodbye, or its data broke the association

    def _accept_data(self, section: Section) -> BoundedSctp:
        """SCTP over this association (RFC 8841); one per transport."""
        port = section.attribute("sctp-port") or "5000"
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise SdpError("a=sctp-port is not a port")
        self._sctp_port = int(port)
        if self._sctp is None:
            self._sctp = BoundedSctp(self._dtls)
        return self._sctp

    def _answer_data(
        self, offer: str, join: Callable[[BoundedSctp], object], message_max: int
    ) -> str:
        """Answer an offer of data channels alone; `join` gets their SCTP. Raises SdpError."""
        description = parse(offer)
        check_bundle(description)
        sections = []
        for m in description.media:
            if not data_section(m):
                raise SdpError("this takes data channels and no media")
            join(self._accept_data(m))
            sections.append(data_answer(m, message_max))
        self._secure(description.security(), offered=True)
        return render(self._describe(sections, self._answered_setup))

    # --- state ---------------------------------------------------------------------------------

    def _set_state(self, state: TransportState) -> None:
        if state == self.state or self.state == "closed":
            return
        self.state = state
        if self.on_state is not None:
            self.on_state(state)

    def check_alive(self, now_s: float) -> None:
        """Called every second: a peer that never came, or fell silent, has failed."""
        heard = self.stats().last_heard_s
        never_came = self.state == "new" and now_s - self._opened_s > CONNECT_TIMEOUT_S
        silent = self.state == "connected" and heard is not None and now_s - heard > SILENCE_MAX_S
        if never_came or silent:
            self._set_state("failed")

    def stats(self) -> TransportStats:
        return self._lane.stats.transport(self.id)

    async def close(self) -> None:
        """Free everything. Further calls do nothing."""
        if self.state == "closed":
            return
        if self._sctp is not None:
            await self._sctp.stop()
        await self._dtls.stop()
        self._set_state("closed")
        self._lane.transports.pop(self.id, None)
        self._lane.plane.remove_endpoint(self.id)  # before the SRTP sessions that it uses
        self._sessions = None
        self._pipe.close()
        self._dtls.remove_all_listeners()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        if self.on_closed is not None:
            self.on_closed(self)

    # --- description ---------------------------------------------------------------------------

    def _session_lines(self, mids: list[str]) -> Section:
        self._session_version += 1
        return Section(
            "session",
            lines=[
                "v=0",
                f"o=- {self._session_id} {self._session_version} IN IP4 127.0.0.1",
                "s=-",
                "t=0 0",
                *([f"a=group:BUNDLE {' '.join(mids)}"] if mids else []),
                "a=ice-lite",
                "a=extmap-allow-mixed",
                "a=msid-semantic: WMS *",
            ],
        )

    def _transport_lines(self, setup: str) -> list[str]:
        lines = [f"a=ice-ufrag:{self._ufrag}", f"a=ice-pwd:{self._password}"]
        for f in self._lane.certificate.getFingerprints():
            if f.algorithm == "sha-256":
                lines.append(f"a=fingerprint:{f.algorithm} {f.value}")
        lines.append(f"a=setup:{setup}")
        return [*lines, *self._lane.candidate_lines(), "a=end-of-candidates"]

    def _describe(self, sections: list[Section], setup: str) -> Description:
        """The whole description; the transport's lines go with every section that lives."""
        mids = [s.mid for s in sections if s.port != 0 and s.mid]
        lines = self._transport_lines(setup)
        for s in sections:
            if s.port != 0:
                s.lines.extend(lines)
        return Description(self._session_lines(mids), sections)


def check_bundle(description: Description) -> None:
    """All live sections must share one transport (RFC 9143). Raises SdpError."""
    live = [m.mid for m in description.media if not m.rejected]
    if not live:
        raise SdpError("no media section to answer")
    if len(live) == 1:
        return
    for group in description.session.attributes("group"):
        kind, *mids = group.split()
        if kind == "BUNDLE" and set(live) <= set(mids):
            return
    raise SdpError("a=group:BUNDLE must name every media section: the relay has one port")


def data_section(section: Section) -> bool:
    return section.kind == "application" and "webrtc-datachannel" in section.formats


def data_answer(section: Section, message_max: int) -> Section:
    """The answer to a data section (RFC 8841)."""
    lines = ["c=IN IP4 0.0.0.0", f"a=mid:{section.mid}", "a=sctp-port:5000"]
    lines.append(f"a=max-message-size:{message_max}")
    return Section("application", 9, section.protocol, ["webrtc-datachannel"], lines)
