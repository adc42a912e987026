"""What signaling is told at its start, and every bound it keeps, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from media.contract import CodecPolicy
from signaling.turn import TurnSettings


@dataclass(frozen=True, kw_only=True)
class SignalingSettings:
    """Times are in seconds, sizes in bytes."""

    titles: Mapping[str, str] = field(default_factory=dict)  # by room; else a room's own name
    allow_origins: tuple[str, ...] = ()  # other web origins whose pages may connect
    behind_proxy: bool = False  # believe X-Forwarded-Host when comparing origins
    codecs: CodecPolicy = field(default_factory=CodecPolicy)
    turn: TurnSettings | None = None

    rooms: int = 500
    room_people: int = 200  # WebSocket participants and those who wait
    room_whip: int = 1000  # a device's token may open that many
    room_whep: int = 4000
    sessions: int = 5000
    subject_sessions: int = 64  # one token's devices, tabs and bots in one room
    tracks: int = 16  # published by one participant
    last_n: int = 16  # cameras sent to one whose page has not said what it shows
    chat_lines: int = 200  # kept for newcomers

    hello_s: float = 5.0
    hello_bytes: int = 16 * 1024
    strangers: int = 256  # sockets that have not said hello yet
    message_bytes: int = 256 * 1024
    requests_per_s: float = 30.0
    requests_burst: float = 120.0

    outbox_events: int = 1000  # kept to be sent again
    outbox_bytes: int = 2 * 1024 * 1024
    outbox_s: float = 30.0  # older ones have arrived: pings are answered within 6 s
    queue_messages: int = 2000  # waiting for a slow socket
    queue_bytes: int = 4 * 1024 * 1024

    # Vanished peers: 4 s to the next ping and 2 s for its answer, then all see him reconnecting.
    heartbeat_s: float = 4.0
    # Of silence after the socket dropped and on every transport: an ambulance in a tunnel comes
    # back to the place that it had. Who closed his page, or loads it again, has said so.
    lost_after_s: float = 150.0
    left_after_s: float = 7.0
    # WHIP and WHEP have no socket, only media: all see an encoder reconnecting, then it is let go.
    # Without consent for so long the peer itself gives up (RFC 7675); an encoder that was let go
    # sooner would have to be started by hand.
    http_silent_after_s: float = 12.0
    http_lost_after_s: float = 30.0
    resume_s: float = 180.0  # identity outlives the socket
    room_empty_s: float = 60.0  # lock and chat outlive the last participant
    answer_s: float = 5.0  # an unanswered subscribe offer is made anew

    speaker_every_s: float = 0.25
    shortage_every_s: float = 0.5
    quality_every_s: float = 2.0
    probe_s: float = 60.0  # the longest network check
