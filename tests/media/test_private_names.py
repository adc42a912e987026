"""What we lean on inside aiortc and pylibsrtp: an upgrade that moves it fails here, by name."""

from __future__ import annotations

import inspect

from aiortc import rtcdtlstransport, rtcrtpsender, rtcsctptransport
from pylibsrtp import Policy, Session, _binding

from media.dtls import PROFILES


def test_the_dtls_transport_still_has_what_we_override() -> None:
    dtls = rtcdtlstransport.RTCDtlsTransport
    assert hasattr(rtcdtlstransport.RTCCertificate, "_create_ssl_context")
    for name in ("_setup_srtp", "_set_role", "_set_state", "_recv_next", "_write_ssl"):
        assert hasattr(dtls, name), name
    source = inspect.getsource(dtls)
    for name in ("self._srtp_profiles", "self._ssl", "self._rx_srtp", "self.transport._recv()"):
        assert name in source, name
    assert "self._setup_srtp()" in inspect.getsource(dtls.start)


def test_sctp_asks_no_more_of_dtls_than_it_did() -> None:
    source = inspect.getsource(rtcsctptransport.RTCSctpTransport)
    for name in ("_register_data_receiver", "_unregister_data_receiver", "_send_data", "_role"):
        assert f"ransport.{name}" in source, name


def test_sctp_still_sends_as_we_think() -> None:
    sctp = rtcsctptransport.RTCSctpTransport
    for name in ("_send", "_update_rto", "_receive_sack_chunk", "_t3_expired", "_receive"):
        assert hasattr(sctp, name), name
    assert "self._maybe_abandon(chunk)" in inspect.getsource(sctp._t3_expired)
    transmit = inspect.getsource(sctp._transmit)
    for name in ("while self._outbound_queue and self._flight_size < cwnd", "chunk._sent_time ="):
        assert name in transmit, name
    assert "_data_channel_queue" in inspect.getsource(sctp._data_channel_flush)
    assert "schunk._acked = True" in inspect.getsource(sctp._receive_sack_chunk)
    assert "self._advertised_rwnd -=" in inspect.getsource(sctp._receive_data_chunk)
    init = inspect.getsource(sctp.__init__)
    for name in ("_rto", "_inbound_streams_max", "_sack_misordered", "_sent_queue", "_cwnd"):
        assert f"self.{name}" in init, name


def test_libsrtp_is_where_the_plane_calls_it() -> None:
    names = ("protect", "unprotect", "protect_rtcp", "unprotect_rtcp", "remove_stream")
    for name in (f"srtp_{name}" for name in names):
        assert _binding.ffi.addressof(_binding.lib, name) != _binding.ffi.NULL
    policy = Policy(key=bytes(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND)
    assert Session(policy)._srtp[0] != _binding.ffi.NULL


def test_gcm_comes_first() -> None:
    assert [p.openssl_profile for p in PROFILES] == [
        b"SRTP_AEAD_AES_128_GCM",
        b"SRTP_AES128_CM_SHA1_80",
    ]


def test_a_sender_still_tells_when_its_frames_leave() -> None:
    """clients/robot/picture_track.py learns each frame's RTP timestamp from it."""
    source = inspect.getsource(rtcrtpsender.RTCRtpSender)
    for name in ("__rtp_timestamp = packet.timestamp",):
        assert f"self.{name}" in source, name
    assert "uint32_add(timestamp_origin, enc_frame.timestamp)" in source
