"""RFC 4571's framing, and the queue of what a TCP connection has still to send."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from media._plane import Deframer, SendQueue

MAX = 1500
packets_lists = st.lists(st.binary(min_size=0, max_size=MAX), max_size=12)


def framed(packets: list[bytes]) -> bytes:
    return b"".join(len(p).to_bytes(2) + p for p in packets)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted(c % (len(stream) + 1) for c in cuts)
    return [stream[a:b] for a, b in zip([0, *ends], [*ends, len(stream)], strict=True)]


@given(packets_lists, st.lists(st.integers(0, 20_000), max_size=20))
def test_however_the_stream_is_cut_the_same_packets_come_out(
    packets: list[bytes], cuts: list[int]
) -> None:
    deframer, out = Deframer(), []
    for piece in pieces(framed(packets), cuts):
        found = deframer.push(piece)
        assert found is not None
        out += found
    assert out == [p for p in packets if p]  # the null packet says nothing


@given(packets_lists, st.integers(MAX + 1, 0xFFFF), st.binary(max_size=40), st.integers(0, 10**6))
def test_a_length_that_no_packet_has_ends_the_stream(
    packets: list[bytes], length: int, rest: bytes, cut: int
) -> None:
    deframer, out = Deframer(), []
    for piece in pieces(framed(packets) + length.to_bytes(2) + rest, [cut]):
        found = deframer.push(piece)
        if found is None:
            break
        out += found
    else:
        raise AssertionError("garbage was taken for packets")
    assert len(out) <= len(packets)


@given(st.binary(max_size=4000), st.lists(st.integers(0, 4000), max_size=8))
def test_garbage_is_read_the_same_however_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    def end(parts: list[bytes]) -> bool:
        deframer = Deframer()
        return any(deframer.push(part) is None for part in parts)

    assert end([stream]) == end(pieces(stream, cuts))


Step = tuple[int, bool, int, int]  # size of a packet, media, octets that the network takes, ms


@given(
    st.lists(
        st.tuples(st.integers(1, MAX), st.booleans(), st.integers(0, 6000), st.integers(0, 40)),
        max_size=600,
    )
)
def test_what_was_accepted_comes_out_whole_and_in_order(steps: list[Step]) -> None:
    queue, expected, now_us = SendQueue(), deque[int](), 0
    for number, (size, media, taken, ms) in enumerate(steps):
        now_us += ms * 1000
        packet = bytes([number % 251]) * size
        if queue.push(packet, media, now_us):
            expected.extend(framed([packet]))
        front = queue.front()
        assert len(front) == len(queue) == len(expected)
        n = min(taken, len(front))
        assert front[:n] == bytes(expected.popleft() for _ in range(n))
        queue.pop(n)


def fill(queue: SendQueue, *, media: bool, now_us: int = 0) -> int:
    count = 0
    while queue.push(bytes(1200), media, now_us):
        count += 1
        assert count < 10_000, "the queue has no bound"
    return count


def test_media_are_refused_where_control_still_finds_room() -> None:
    queue = SendQueue()
    fill(queue, media=True)
    assert len(queue) <= 256 * 1024
    assert 10 < fill(queue, media=False) < 50


def test_stale_media_are_not_queued_behind_what_does_not_move() -> None:
    queue = SendQueue()
    assert queue.push(b"first", True, 0)
    assert queue.push(b"in time", True, 500_000)
    assert not queue.push(b"too late", True, 500_001)
    assert queue.push(b"a report", False, 500_001)
    queue.pop(len(queue))
    assert queue.push(b"again", True, 500_002)


def test_a_queue_that_moves_is_not_stale_however_long_it_is_never_empty() -> None:
    queue = SendQueue()
    for ms in range(0, 5000, 10):
        assert queue.push(bytes(1000), True, ms * 1000)
        if ms >= 200:
            queue.pop(1002)
    assert len(queue) > 0
