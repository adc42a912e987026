"""What waits for a receiver of data: the newest, in turns, and not for long."""

from __future__ import annotations

from media.data_queue import (
    NEWEST_MAX,
    RELIABLE_MAX,
    RELIABLE_MAX_OCTETS,
    STALE_S,
    DataCounters,
    DataQueue,
    Message,
)


def message(text: str, sender: str = "a", label: str = "x", at_s: float = 0.0) -> Message:
    return Message(sender, label, False, 51, text.encode(), at_s)


def reliable(data: bytes, label: str = "x") -> Message:
    return Message("a", label, True, 53, data, 0.0)


def drained(queue: DataQueue, now_s: float = 0.0) -> list[bytes]:
    return [one.data for one in iter(lambda: queue.take(now_s), None)]


def test_a_newer_message_takes_the_place_of_an_older_one() -> None:
    queue = DataQueue(counters := DataCounters())
    for text in ("1", "2", "3"):
        assert queue.put(message(text))
    queue.put(message("other sender", sender="b"))
    queue.put(message("other label", label="y"))
    assert drained(queue) == [b"3", b"other sender", b"other label"]
    assert counters.stale == 2


def test_a_busy_sender_does_not_push_others_back() -> None:
    queue = DataQueue(DataCounters())
    queue.put(message("patient", sender="b"))
    for number in range(10):
        queue.put(message(str(number)))
        queue.put(message("newer", sender="b"))
    assert queue.take(0.0) == message("newer", sender="b")


def test_what_has_waited_too_long_is_never_sent() -> None:
    queue = DataQueue(counters := DataCounters())
    queue.put(message("old", at_s=1.0))
    queue.put(message("fresh", label="y", at_s=1.0 + STALE_S))
    assert drained(queue, 1.0 + STALE_S + 0.01) == [b"fresh"]
    assert counters.stale == 1


def test_reliable_messages_wait_in_order_behind_the_others() -> None:
    queue = DataQueue(DataCounters())
    queue.put(reliable(b"first"))
    queue.put(reliable(b"second"))
    queue.put(message("pointer"))
    assert drained(queue, 99.0) == [b"first", b"second"]
    queue.put(reliable(b"first"))
    queue.put(message("pointer"))
    assert drained(queue) == [b"pointer", b"first"]


def test_everything_has_a_bound() -> None:
    queue = DataQueue(counters := DataCounters())
    for number in range(3 * NEWEST_MAX):
        assert queue.put(message("x", sender=str(number)))
    assert len(queue) == NEWEST_MAX and counters.stale == 2 * NEWEST_MAX

    queue = DataQueue(DataCounters())
    assert queue.put(reliable(bytes(RELIABLE_MAX_OCTETS)))
    assert not queue.put(reliable(b"x"))
    queue.forget("x", True)
    assert all(queue.put(reliable(b"x")) for _ in range(RELIABLE_MAX))
    assert not queue.put(reliable(b"x"))
    queue.take(0.0)
    assert queue.put(reliable(b"x"))
