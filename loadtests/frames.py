"""From frame records to loss and added latency.

A frame's time at the server is when the kernel passed the publisher's last packet of it to the
loopback device; its time at a subscriber is the kernel's receive timestamp of the last packet of
it to arrive there. Both are CLOCK_REALTIME of one machine. The difference is the relay's, plus
what the machine's scheduler adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECORD = np.dtype(
    [
        ("timestamp", "<u4"),
        ("packets", "<u4"),
        ("octets", "<u4"),
        ("flags", "<u4"),
        ("first_ns", "<i8"),
        ("last_ns", "<i8"),
    ]
)
KEY_FRAME = 2
SEARCH_S = 3  # a server may delay a frame by this much and still be matched
CLEARLY = 10.0  # by so much likelier, in nats

Records = NDArray[np.void]


class AlignmentError(Exception):
    """A subscriber's frames are not the publisher's."""


def read(data: bytes) -> Records:
    return np.frombuffer(data, dtype=RECORD)


@dataclass(frozen=True)
class Window:
    """What became of the frames sent in one measurement, at all subscribers."""

    sent_packets: int  # by the publisher
    due_packets: int  # sent, times subscribers
    lost_packets: int
    lost_before_packets: int  # of these: at every subscriber alike, so before or in the server
    extra_packets: int  # on the same stream beyond what was sent: padding, probes
    frames: int
    first_ms: NDArray[np.float64]  # of complete frames: added latency at the first subscriber
    last_ms: NDArray[np.float64]  # and at the last
    key: NDArray[np.bool_]
    every_ms: NDArray[np.float64]  # of each frame at each subscriber that has it whole
    every_key: NDArray[np.bool_]


def _find(sent: Records, got: Records, offset: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each sent frame its place among `got`, and whether it is there."""
    wanted = sent["timestamp"] + np.uint32(offset)
    order = np.argsort(got["timestamp"], kind="stable")
    place = np.searchsorted(got["timestamp"], wanted, sorter=order)
    place = order[np.minimum(place, len(order) - 1)]
    return place, got["timestamp"][place] == wanted


def _agreement(sent: Records, got: Records, offset: int) -> float:
    place, there = _find(sent, got, offset)
    compared = max(int(there.sum()), len(sent) // 10, 1)
    if sent["packets"].max() > 1:
        return int((there & (got["packets"][place] == sent["packets"])).sum()) / compared
    # Sound: its packets are told by their sizes, which a server changes all alike.
    more = got["octets"][place][there].astype(np.int64) - sent["octets"][there]
    return int(np.unique(more, return_counts=True)[1].max(initial=0)) / compared


def _log_likelihood(sent: Records, got: Records, offset: int) -> float:
    """Of what came, if each packet was lost by the same chance: tells frames that are not whole."""
    place, there = _find(sent, got, offset)
    due = sent["packets"].astype(np.int64)
    came = np.where(there, got["packets"][place], 0).astype(np.int64)
    impossible = int((came > due).sum())
    if impossible > len(sent) // 10:
        return -1e9
    came = np.minimum(came, due)
    chance = min(max(came.sum() / due.sum(), 0.01), 0.99)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, due.max() + 1)))))
    ways = log_factorial[due] - log_factorial[came] - log_factorial[due - came]
    each = ways + came * np.log(chance) + (due - came) * np.log(1 - chance)
    return float(each.sum()) - CLEARLY * impossible


def align(sent: Records, got: Records, likely: int = 0) -> int:
    """The constant by which a server moved this stream's timestamps (Janus starts from its own).

    Frames have their own packet counts, and packets of sound their own sizes, so the right constant
    is the one under which most agree; where too few frames are whole to say so, the likeliest.
    """
    if len(sent) == 0 or len(got) == 0:
        raise AlignmentError("no frames to compare")
    if _agreement(sent, got, likely) > 0.9:
        return likely
    middle = sent[len(sent) // 2]
    near = got[
        (got["last_ns"] >= middle["first_ns"])
        & (got["first_ns"] <= middle["last_ns"] + SEARCH_S * 1_000_000_000)
    ]
    offsets = {int(t) - int(middle["timestamp"]) & 0xFFFFFFFF for t in near["timestamp"]}
    best = max(offsets, key=lambda o: _agreement(sent, got, o), default=None)
    if best is not None and _agreement(sent, got, best) >= 0.3:
        return best
    if sent["packets"].max() > 1:
        chances = sorted((_log_likelihood(sent, got, o), o) for o in offsets)
        if len(chances) > 1 and chances[-1][0] - chances[-2][0] > CLEARLY:
            return chances[-1][1]
    raise AlignmentError("a subscriber's frames do not match what was sent")


def compare(sent: Records, subscribers: list[Records]) -> Window:
    """Account for every sent packet at every subscriber.

    One whose frames cannot be told from others has lost them all; AlignmentError if that is so of
    every subscriber.
    """
    arrivals = np.full((len(subscribers), len(sent)), np.nan)
    lost = extra = unmatched = 0
    least_missing = sent["packets"].astype(np.int64)
    offset = 0
    for row, got in enumerate(subscribers):
        if len(got) == 0:
            lost += int(sent["packets"].sum())
            continue
        try:
            offset = align(sent, got, offset)
        except AlignmentError:
            unmatched += 1
            if unmatched == len(subscribers):
                raise
            lost += int(sent["packets"].sum())
            continue
        place, there = _find(sent, got, offset)
        packets = np.where(there, got["packets"][place], 0).astype(np.int64)
        missing = sent["packets"].astype(np.int64) - packets
        lost += int(missing[missing > 0].sum())
        extra -= int(missing[missing < 0].sum())
        least_missing = np.minimum(least_missing, missing)
        whole = missing <= 0
        arrivals[row, whole] = (got["last_ns"][place] - sent["last_ns"])[whole] / 1e6
    got_whole = ~np.isnan(arrivals)
    is_key = (sent["flags"] & KEY_FRAME) != 0
    every_ms = arrivals[got_whole]
    every_key = np.broadcast_to(is_key, arrivals.shape)[got_whole]
    everywhere = got_whole.all(axis=0)
    arrivals = arrivals[:, everywhere]
    return Window(
        int(sent["packets"].sum()),
        int(sent["packets"].sum()) * len(subscribers),
        lost,
        int(least_missing[least_missing > 0].sum()) * len(subscribers),
        extra,
        len(sent),
        arrivals.min(axis=0) if arrivals.size else np.empty(0),
        arrivals.max(axis=0) if arrivals.size else np.empty(0),
        is_key[everywhere],
        every_ms,
        every_key,
    )
