"""What a subscriber gets for what a publisher sends."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from .simulated import (
    AUDIO_SSRC,
    LEVEL_ID,
    MID_ID,
    ORIENTATION_ID,
    OUT_SSRC,
    World,
    ext_ids,
    rtp,
    rtx,
    seq_of,
)


def payload_of(packet: bytes) -> bytes:
    at = 12
    if packet[0] & 0x10:
        at += 4 + 4 * int.from_bytes(packet[14:16])
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[at:end]


def test_a_frame_arrives_whole_with_its_timestamp_and_marker() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber(pt=102)
    for n in range(5):
        publisher.send_rtp(rtp(100 + n, 90_000, bytes([n]) * 200, marker=n == 4))
    packets = subscriber.take_rtp()
    assert [payload_of(p)[0] for p in packets] == [0, 1, 2, 3, 4]
    assert [p[1] for p in packets] == [102, 102, 102, 102, 102 | 0x80]
    assert {struct.unpack("!I", p[4:8])[0] for p in packets} == {90_000}
    assert {struct.unpack("!I", p[8:12])[0] for p in packets} == {OUT_SSRC}
    assert [seq_of(p) - seq_of(packets[0]) for p in packets] == [0, 1, 2, 3, 4]


def test_a_frame_waits_for_its_marker_but_not_longer_than_30_ms() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0))
    assert subscriber.take_rtp() == []
    world.pass_ms(30)
    assert len(subscriber.take_rtp()) == 1


def test_a_frame_whose_marker_was_lost_leaves_with_the_next_one() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0))
    publisher.send_rtp(rtp(3, 3000))
    assert len(subscriber.take_rtp()) == 1


def test_a_frame_leaves_as_one_message_even_when_its_packets_differ_by_a_byte() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    sizes = [1076, 1076, 1077, 1077, 1077, 300]
    for n, size in enumerate(sizes):
        publisher.send_rtp(rtp(n, 0, bytes([n]) * size, marker=n == 5))
    video = [m for m in world.messages if m[1] == subscriber.port and len(m[2]) > 1]
    assert [len(m[2]) for m in video] == [6]
    packets = subscriber.take_rtp()
    assert [payload_of(p) for p in packets] == [bytes([n]) * s for n, s in enumerate(sizes)]


def test_audio_leaves_at_once_with_its_level_and_the_level_is_known() -> None:
    world = World()
    publisher = world.publisher()
    layers = [("", AUDIO_SSRC, 0)]
    world.core.add_track(
        101,
        publisher.endpoint,
        False,
        "opus",
        "0",
        "c",
        48000,
        111,
        255,
        False,
        False,
        False,
        layers,
    )
    subscriber = world.subscriber(101, rtx=False, pt=111)
    publisher.send_rtp(rtp(1, 0, b"opus", ssrc=AUDIO_SSRC, pt=111, exts={LEVEL_ID: b"\x9e"}))
    (packet,) = subscriber.take_rtp()
    assert packet[12:16] == b"\xbe\xde\x00\x01"
    assert packet[16:18] == b"\x10\x9e"  # the subscriber's id 1
    track = next(t for t in world.core.tracks() if t[0] == 101)
    assert track[6] == -0x1E


def test_extensions_are_mapped_to_the_subscribers_ids_and_the_mid_stays_behind() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, marker=True, exts={MID_ID: b"1", ORIENTATION_ID: b"\x01"}))
    (packet,) = subscriber.take_rtp()
    assert packet[12:20] == b"\xbe\xde\x00\x01" + b"\x20\x01\x00\x00"


def test_an_element_with_the_reserved_id_is_none_of_the_extensions_without_an_id() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, marker=True, exts={ORIENTATION_ID: b"\x01", 0: bytes(16)}))
    (packet,) = subscriber.take_rtp()
    assert packet[12:20] == bytes([0xBE, 0xDE, 0, 1, 2 << 4, 1, 0, 0])
    assert packet[20:] == b"x" * 100


def test_an_id_that_an_offer_gave_twice_is_one_extension() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    ids = ext_ids(level=ORIENTATION_ID, orientation=ORIENTATION_ID, dd=ORIENTATION_ID)
    world.core.set_receive(publisher.endpoint, ids, False, False, True)
    publisher.send_rtp(rtp(1, 0, marker=True, exts={ORIENTATION_ID: b"\x01"}))
    (packet,) = subscriber.take_rtp()
    assert packet[12:20] == bytes([0xBE, 0xDE, 0, 1, 1 << 4, 1, 0, 0])
    assert packet[20:] == b"x" * 100


def test_a_late_subscriber_starts_low_and_asks_for_a_key_frame() -> None:
    world = World()
    publisher = world.publisher()
    publisher.send_rtp(rtp(65_000, 0, marker=True))
    subscriber = world.subscriber()
    assert any(getattr(p, "fmt", None) == 1 for p in publisher.take_rtcp())  # PLI
    publisher.send_rtp(rtp(65_001, 3000, marker=True))
    (packet,) = subscriber.take_rtp()
    assert seq_of(packet) < 0x4000


def test_an_unknown_ssrc_is_learned_by_its_mid_and_no_other_way() -> None:
    world = World()
    publisher = world.publisher(ssrc=0)
    subscriber = world.subscriber()
    publisher.send_rtp(rtp(1, 0, marker=True, ssrc=42, exts={MID_ID: b"9"}))
    assert subscriber.take_rtp() == []
    publisher.send_rtp(rtp(2, 0, marker=True, ssrc=43, exts={MID_ID: b"1"}))
    assert len(subscriber.take_rtp()) == 1
    publisher.send_rtp(rtp(3, 0, marker=True, ssrc=44, exts={MID_ID: b"1"}))
    assert subscriber.take_rtp() == []  # the place is taken


def test_a_forged_packet_teaches_nothing() -> None:
    world = World()
    publisher = world.publisher(ssrc=0)
    subscriber = world.subscriber()
    publisher.send(rtp(1, 0, marker=True, ssrc=42, exts={MID_ID: b"1"}) + bytes(16))
    publisher.send_rtp(rtp(2, 0, marker=True, ssrc=43, exts={MID_ID: b"1"}))
    assert len(subscriber.take_rtp()) == 1


def test_a_replayed_packet_is_forwarded_once() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    protected = publisher.sessions.send.protect(rtp(1, 0, marker=True))
    publisher.send(protected)
    publisher.send(protected)
    assert len(subscriber.take_rtp()) == 1


def test_a_retransmission_of_what_came_after_all_is_forwarded_once() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    packet = rtp(1, 0, marker=True)
    publisher.send_rtp(packet)
    publisher.send_rtp(rtx(0, packet))
    assert len(subscriber.take_rtp()) == 1


def test_after_a_pause_numbers_go_on_without_a_gap() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, marker=True))
    first = seq_of(subscriber.take_rtp()[0])
    world.core.pause(200 + subscriber.endpoint, True)
    for n in range(2, 50):
        publisher.send_rtp(rtp(n, n * 3000, marker=True))
    assert subscriber.take_rtp() == []
    world.core.pause(200 + subscriber.endpoint, False)
    publisher.send_rtp(rtp(50, 150_000, marker=True))
    assert seq_of(subscriber.take_rtp()[0]) == first + 1


def test_what_comes_after_a_pause_but_is_from_it_takes_no_number_that_another_packet_has() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, b"before", marker=True))
    world.core.pause(200 + subscriber.endpoint, True)
    publisher.send_rtp(rtp(2, 3000, b"not seen", marker=True))
    publisher.send_rtp(rtp(4, 6000, b"not seen", marker=True))
    world.core.pause(200 + subscriber.endpoint, False)
    for n in range(5, 9):
        publisher.send_rtp(rtp(n, 3000 * n, b"\x10\0\0\0", marker=True))
    publisher.send_rtp(rtp(3, 4500, b"late", marker=True))
    numbers = [seq_of(p) for p in subscriber.take_rtp()]
    assert numbers == list(range(numbers[0], numbers[0] + 5))


def test_a_publisher_that_begins_anew_goes_on_for_the_subscriber() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(100, 0, marker=True))
    first = seq_of(subscriber.take_rtp()[0])
    publisher.send_rtp(rtp(20_100, 0, marker=True))
    assert seq_of(subscriber.take_rtp()[0]) == first + 1


def test_removing_a_track_ends_its_subscriptions() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    world.core.remove_track(100)
    publisher.send_rtp(rtp(1, 0, marker=True))
    assert subscriber.take_rtp() == []
    assert (world.core.tracks(), world.core.subscriptions()) == ([], [])
    world.core.remove_endpoint(publisher.endpoint)
    world.core.remove_endpoint(subscriber.endpoint)
    assert world.core.endpoints() == []


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 65535),
    st.lists(st.integers(1, 12), min_size=1, max_size=20),
    st.data(),
)
def test_each_packet_goes_out_exactly_once_under_its_own_number(
    start: int, frames: list[int], data: st.DataObject
) -> None:
    """Reordering, duplication and retransmission inside a window change the order, nothing else."""
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    sent: list[bytes] = []
    for frame, count in enumerate(frames):
        for n in range(count):
            body = struct.pack("!I", len(sent)) + b"p" * 50
            sent.append(rtp(start + len(sent), frame * 3000, body, marker=n == count - 1))
    order = (
        data.draw(st.permutations(range(len(sent)))) if len(sent) < 8 else list(range(len(sent)))
    )
    if len(sent) >= 8:  # swap neighbours only, so that the first packet stays first
        for i in data.draw(st.sets(st.integers(1, len(sent) - 2))):
            order[i], order[i + 1] = order[i + 1], order[i]
    rtx_seq = 0
    for i in order:
        if i != order[0] and data.draw(st.booleans()):
            publisher.send_rtp(rtx(rtx_seq, sent[i]))
            rtx_seq += 1
        else:
            publisher.send_rtp(sent[i])
    world.pass_ms(50)
    got = {struct.unpack("!I", payload_of(p)[:4])[0]: seq_of(p) for p in subscriber.take_rtp()}
    first = order[0]
    expected = {i for i in range(len(sent)) if i >= first}
    assert expected <= set(got)
    for i, seq in got.items():
        assert (seq - got[first]) & 0xFFFF == (i - first) & 0xFFFF


def test_subscribers_with_other_extension_ids_get_their_own() -> None:
    world = World()
    publisher, one, other = world.publisher(), world.subscriber(), world.subscriber()
    world.core.set_send(other.endpoint, ext_ids(orientation=9), True)
    publisher.send_rtp(rtp(1, 0, marker=True, exts={ORIENTATION_ID: b"\x01"}))
    assert one.take_rtp()[0][16] == 0x20
    assert other.take_rtp()[0][16] == 0x90
