"""A participant's network in figures and in one word, from two looks at what the relay counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from media.contract import SubscriptionStats, TrackStats, TransportStats
from signaling.protocol import Level, Quality, ReportQuality

# Good: nobody notices. Fair: ITU-T G.114 finds 200 ms each way still usable, and Opus and NACK hide
# 2 % of loss. Poor: talk collides, pictures stand.
FAIR_RTT_MS, POOR_RTT_MS = 200.0, 400.0
FAIR_LOSS, POOR_LOSS = 0.02, 0.08


def level(rtt_ms: float | None, loss: float | None) -> Level:
    """The word for a round trip and a share of lost packets; what is unknown is not held bad."""
    rtt_ms, loss = rtt_ms or 0.0, loss or 0.0
    if rtt_ms > POOR_RTT_MS or loss > POOR_LOSS:
        return "poor"
    if rtt_ms > FAIR_RTT_MS or loss > FAIR_LOSS:
        return "fair"
    return "good"


@dataclass(frozen=True)
class Look:
    """What the relay had counted for one participant at one time."""

    at: float
    transports: Sequence[TransportStats] = ()
    tracks: Sequence[TrackStats] = ()
    subscriptions: Sequence[SubscriptionStats] = ()


def quality(participant: str, before: Look, now: Look, said: ReportQuality | None) -> Quality:
    """The figures between two looks, with what the client said of itself."""
    rtts = [s.rtt_s * 1000 for s in now.subscriptions if s.rtt_s is not None]
    rtt_ms = max(rtts) if rtts else (said.rtt_ms if said else None)
    loss_up, gaps_up = _losses_up(before, now)
    losses = [s.fraction_lost for s in now.subscriptions if s.fraction_lost is not None]
    loss_down = sum(losses) / len(losses) if losses else None
    stills = any(s.shortage == "still" for s in now.subscriptions)
    elapsed = now.at - before.at
    return Quality(
        participant=participant,
        level="poor" if stills else level(rtt_ms, max(loss_up or 0.0, loss_down or 0.0)),
        rtt_ms=rtt_ms,
        loss_up=loss_up,
        gaps_up=gaps_up,
        loss_down=loss_down,
        bitrate_up_bps=_bps(
            sum(t.octets_in for t in before.transports),
            sum(t.octets_in for t in now.transports),
            elapsed,
        ),
        bitrate_down_bps=_bps(
            sum(t.octets_out for t in before.transports),
            sum(t.octets_out for t in now.transports),
            elapsed,
        ),
        estimate_down_bps=_estimate(now.transports),
        width=said.width if said else None,
        height=said.height if said else None,
        frames_per_second=said.frames_per_second if said else None,
    )


def _losses_up(before: Look, now: Look) -> tuple[float | None, float | None]:
    """What never came, and what did not come in its turn, as shares of all."""
    lost = sum(t.lost for t in now.tracks) - sum(t.lost for t in before.tracks)
    gaps = sum(t.gaps for t in now.tracks) - sum(t.gaps for t in before.tracks)
    came = sum(t.packets for t in now.tracks) - sum(t.packets for t in before.tracks)
    lost, gaps, came = max(0, lost), max(0, gaps), max(0, came)  # an ended track's are away
    sent = lost + came
    return (lost / sent, min(1.0, gaps / sent)) if sent else (None, None)


def _estimate(transports: Sequence[TransportStats]) -> int | None:
    """Each transport has found what it can have beside the others: together it is the network."""
    known = [t.estimate_bps for t in transports if t.estimate_bps is not None]
    return sum(known) if known else None


def _bps(before: int, now: int, elapsed: float) -> int:
    return max(0, round((now - before) * 8 / elapsed)) if elapsed > 0 else 0
