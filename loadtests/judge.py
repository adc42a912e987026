"""What a call through a bad network was like, from what the browser noted. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from loadtests.call import Call
from loadtests.viewer import Sample

STEADY_S = 1.0  # a state counts from when it lasts so long


def longest_gap_s(call: Call, start_s: float, end_s: float) -> float:
    """The longest time without a new frame on the screen; one that began before counts from
    `start_s`."""
    within = [at_s for at_s, _, _ in call.frames if start_s < at_s < end_s]
    return max(b - a for a, b in pairwise([start_s, *within, end_s]))


def width_from_s(call: Call, width: int, start_s: float) -> float | None:
    """How long after `start_s` the pictures are at least so wide, for a second on end."""
    since: float | None = None
    for at_s, shown, _ in call.frames:
        if at_s < start_s:
            continue
        if shown < width:
            since = None
        elif since is None:
            since = at_s
        elif at_s - since >= STEADY_S:
            return since - start_s
    return None


def queue_under_s(call: Call, limit_ms: float, start_s: float, end_s: float) -> float | None:
    """How long after `start_s` the queue is under the limit for good, until `end_s`."""
    over = [at_s for at_s, ms in call.queue_ms if start_s <= at_s < end_s and ms >= limit_ms]
    last_s = over[-1] - start_s if over else 0.0
    return last_s if last_s < end_s - start_s - STEADY_S else None


def queue_max_ms(call: Call, start_s: float, end_s: float) -> float:
    """The queue's longest delay in a span of time."""
    return max((ms for at_s, ms in call.queue_ms if start_s <= at_s < end_s), default=0.0)


def freeze_share(call: Call) -> float:
    """The browser's own freezes, as a share of the time."""
    first, last = _ends(call, "video")
    duration = last.total_freezes_duration - first.total_freezes_duration
    return duration / (last.at_s - first.at_s)


def concealed_share(call: Call) -> float:
    """Of the sound that was played, what the browser made up."""
    first, last = _ends(call, "audio")
    made_up = last.concealed_samples - first.concealed_samples
    return made_up / max(1, last.total_samples_received - first.total_samples_received)


def seconds(call: Call) -> list[dict[str, Any]]:
    """What happened, second by second, for people and plots."""
    rows = []
    for second in range(int(call.seconds)):
        shown = [width for at_s, width, _ in call.frames if second <= at_s < second + 1]
        queue = [ms for at_s, ms in call.queue_ms if second <= at_s < second + 1]
        row: dict[str, Any] = {
            "second": second,
            "frames": len(shown),
            "width": shown[-1] if shown else None,
            "longest_gap_ms": round(1000 * longest_gap_s(call, second, second + 1)),
            "queue_ms": round(max(queue, default=0.0)),
        }
        for kind in ("video", "audio"):
            near = [s for s in _of(call, kind) if second - 0.3 <= s.at_s < second + 1]
            if len(near) > 1:
                row[kind] = _difference(near[0], near[-1])
        rows.append(row)
    return rows


def _difference(a: Sample, b: Sample) -> dict[str, float]:
    took_s = b.at_s - a.at_s
    emitted = max(1, b.jitter_buffer_emitted_count - a.jitter_buffer_emitted_count)
    return {
        "kbps": round((b.bytes_received - a.bytes_received) * 8e-3 / took_s),
        "lost": b.packets_lost - a.packets_lost,
        "nacks": b.nack_count - a.nack_count,
        "key_frame_requests": b.pli_count - a.pli_count,
        "decoded": b.frames_decoded - a.frames_decoded,
        "concealed": b.concealed_samples - a.concealed_samples,
        "jitter_buffer_ms": round(1000 * (b.jitter_buffer_delay - a.jitter_buffer_delay) / emitted),
    }


def _of(call: Call, kind: str) -> Sequence[Sample]:
    return [sample for sample in call.samples if sample.kind == kind]


def _ends(call: Call, kind: str) -> tuple[Sample, Sample]:
    found = _of(call, kind)
    if len(found) < 2:
        raise ValueError(f"the browser told nothing of {kind}")
    return found[0], found[-1]
