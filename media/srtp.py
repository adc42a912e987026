"""SRTP sessions for the plane: pylibsrtp's sessions in Python's keeping, their pointers in the
plane's.

The sessions must outlive the endpoint in the plane: remove the endpoint first, then drop them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pylibsrtp import Policy, Session, _binding

_ffi, _lib = _binding.ffi, _binding.lib

# In the order of plane/srtp.h.
FUNCTIONS: tuple[int, int, int, int, int] = tuple(
    int(_ffi.cast("uintptr_t", _ffi.addressof(_lib, name)))
    for name in (
        "srtp_protect",
        "srtp_unprotect",
        "srtp_protect_rtcp",
        "srtp_unprotect_rtcp",
        "srtp_remove_stream",
    )
)  # type: ignore[assignment]  # five of them, by construction

RECEIVE_WINDOW = 1024  # publishers' retransmissions under the same SSRC come late
SEND_WINDOW = 128  # libsrtp shifts it for every packet; RTX has numbers of its own


@dataclass(frozen=True)
class SrtpSessions:
    """Both directions of one DTLS association."""

    receive: Session
    send: Session

    @property
    def pointers(self) -> tuple[int, int]:
        """(receive, send) for `Plane.set_srtp`."""
        return _pointer(self.receive), _pointer(self.send)


def _pointer(session: Session) -> int:
    return int(_ffi.cast("uintptr_t", session._srtp[0]))


def make_sessions(profile: int, receive_key: bytes, send_key: bytes) -> SrtpSessions:
    """Sessions for libsrtp's `profile`; keys are master key followed by salt (RFC 3711, RFC
    7714)."""
    return SrtpSessions(
        receive=_session(profile, receive_key, Policy.SSRC_ANY_INBOUND, RECEIVE_WINDOW),
        send=_session(profile, send_key, Policy.SSRC_ANY_OUTBOUND, SEND_WINDOW),
    )


def _session(profile: int, key: bytes, ssrc_type: int, window: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile)
    policy.allow_repeat_tx = True
    policy.window_size = window
    return Session(policy)
