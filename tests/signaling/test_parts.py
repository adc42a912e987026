"""The small pure parts: rate, text, codecs, speaker, quality, outbox, sections."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.contract import CodecPolicy, SubscriptionStats, TrackStats, TransportStats
from media.rate import TokenBucket
from signaling.codecs import decodes, room_policy
from signaling.outbox import Outbox
from signaling.protocol import Capabilities, ReportQuality, RoomLocked
from signaling.quality import Look, level, quality
from signaling.roles import ROLES, grants_of, has_to_wait
from signaling.sections import sections
from signaling.speaker import SpeakerChoice
from signaling.text import one_line, paragraph

# --- rate ------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 5)), max_size=60))
def test_a_bucket_never_gives_more_than_burst_and_rate(asked):
    bucket, now, spent = TokenBucket(2.0, 10.0, 0.0), 0.0, 0.0
    for wait, cost in asked:
        now += wait
        spent += cost if bucket.spend(cost, now) else 0.0
        assert spent <= 10.0 + 2.0 * now + 1e-6


def test_a_bucket_fills_again():
    bucket = TokenBucket(2.0, 10.0, 0.0)
    assert all(bucket.spend(1, 0.0) for _ in range(10))
    assert not bucket.spend(1, 0.0)
    assert bucket.spend(1, 0.5)


# --- text ------------------------------------------------------------------------------------


def test_names_hold_no_controls_and_cannot_turn_the_line():
    assert one_line("  王\t伟\n\u202eevil\x00 ") == "王 伟 evil"
    assert one_line("\u200f\n") == ""
    assert paragraph("a\r\nb\x00\u202ec ") == "a\nbc"
    assert one_line("👨‍⚕️") == "👨‍⚕️"  # joined by U+200D, which stays


# --- codecs ----------------------------------------------------------------------------------

PREFERRED = CodecPolicy(audio=("opus",), video=("VP8", "H264"))
CODECS = ["VP8", "vp8", "H264", "AV1", "VP9"]


def test_a_room_sends_what_all_decode():
    both = Capabilities()
    only_h264 = Capabilities(video=["h264", "AV1"])
    assert room_policy(PREFERRED, []) == PREFERRED
    assert room_policy(PREFERRED, [both, both]) == PREFERRED
    assert room_policy(PREFERRED, [both, only_h264]).video == ("H264",)
    assert room_policy(PREFERRED, [both, Capabilities(video=[])]) == PREFERRED


def test_when_nothing_suits_all_most_are_served():
    vp8, h264 = Capabilities(video=["VP8"]), Capabilities(video=["H264"])
    assert room_policy(PREFERRED, [vp8, vp8, h264]).video == ("VP8",)


@given(st.lists(st.builds(Capabilities, video=st.lists(st.sampled_from(CODECS)))))
def test_a_policy_is_never_empty_and_suits_all_where_anything_does(members):
    policy = room_policy(PREFERRED, members)
    assert policy.video and set(policy.video) <= set(PREFERRED.video)
    takers = [m for m in members if m.video]
    if any(all(decodes(m, "video", codec) for m in takers) for codec in PREFERRED.video):
        assert all(decodes(m, "video", codec) for m in takers for codec in policy.video)


# --- speaker ---------------------------------------------------------------------------------


def speak(choice, start, seconds, **levels):
    """Levels held for so long, looked at four times a second; when it ends."""
    steps = int(seconds * 4)
    for step in range(steps):
        choice.update(levels, start + step / 4)
    return start + seconds


def test_a_cough_takes_nothing_over():
    choice = SpeakerChoice()
    now = speak(choice, 0.0, 2, ann=-30, ben=-70)
    assert choice.current == "ann"
    now = speak(choice, now, 0.5, ann=-30, ben=-10)
    now = speak(choice, now, 1, ann=-30, ben=-70)
    assert choice.current == "ann"
    speak(choice, now, 1, ann=-30, ben=-10)
    assert choice.current == "ben"


def test_about_as_loud_does_not_flap():
    choice, now = SpeakerChoice(), 0.0
    now = speak(choice, now, 1, ann=-30, ben=-70)
    for louder in (-28, -32, -27, -33) * 5:
        now = speak(choice, now, 1, ann=-30, ben=louder)
        assert choice.current == "ann"


def test_after_a_pause_the_word_is_anybodys():
    choice = SpeakerChoice()
    now = speak(choice, 0.0, 1, ann=-20, ben=-70)
    now = speak(choice, now, 1.5, ann=-70, ben=-70)
    assert choice.current == "ann", "silence takes nobody's place"
    choice.update({"ann": -70, "ben": -45}, now)
    assert choice.current == "ben"


def test_who_leaves_is_the_speaker_no_longer():
    choice = SpeakerChoice()
    speak(choice, 0.0, 1, ann=-20, ben=None)
    assert choice.update({"ben": None}, 2.0)
    assert choice.current is None


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), st.none() | st.floats(-127, 0)), max_size=60)
)
def test_the_speaker_is_always_present_and_changes_are_told(steps):
    choice = SpeakerChoice()
    for step, levels in enumerate(steps):
        before = choice.current
        assert choice.update(levels, step / 4) == (choice.current != before)
        assert choice.current is None or choice.current in levels


# --- quality ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rtt_ms", "loss", "word"),
    [
        (None, None, "good"),
        (30, 0.0, "good"),
        (250, 0.0, "fair"),
        (30, 0.03, "fair"),
        (500, 0.0, "poor"),
        (30, 0.2, "poor"),
    ],
)
def test_the_word_for_figures(rtt_ms, loss, word):
    assert level(rtt_ms, loss) == word


def test_figures_come_from_two_looks():
    def look(at, octets, packets, lost):
        return Look(
            at,
            [TransportStats(0, octets, 0, 2 * octets, None)],
            [TrackStats(packets, 0, lost, 2 * lost, 0, 0, 0.0, None, None, None)],
            [SubscriptionStats(0, 0, 0, 0, 0.5, 0.1), SubscriptionStats(0, 0, 0, 0, None, None)],
        )

    said = ReportQuality(id=1, rtt_ms=7, width=1280, height=720, frames_per_second=25)
    one = quality("ann", look(10, 0, 0, 0), look(12, 500_000, 95, 5), said)
    assert one.bitrate_up_bps == 2_000_000
    assert one.bitrate_down_bps == 4_000_000
    assert one.loss_up == pytest.approx(0.05)
    assert one.loss_down == pytest.approx(0.5)
    assert one.rtt_ms == pytest.approx(100), "measured counts before told"
    assert (one.width, one.height, one.level) == (1280, 720, "poor")
    assert quality("ann", Look(1), Look(3), said).rtt_ms == 7


def test_a_track_that_ended_makes_no_figure_negative():
    before = Look(0, [TransportStats(0, 9999, 0, 9999, None)])
    one = quality("ann", before, Look(2, [TransportStats(0, 0, 0, 0, None)]), None)
    assert (one.bitrate_up_bps, one.bitrate_down_bps, one.loss_up) == (0, 0, None)


# --- outbox ----------------------------------------------------------------------------------


@given(st.lists(st.booleans(), max_size=50), st.integers(1, 10), st.integers(40, 400))
def test_an_outbox_is_bounded_and_has_no_gaps(adds, max_events, max_bytes):
    box = Outbox(max_events, max_bytes)
    for at, add in enumerate(adds):
        if add:
            data = json.loads(box.add(RoomLocked(locked=True), at))
            assert data["seq"] == box.seq
        else:
            box.forget_before(at - 3)
        assert len(box) <= max_events
        for seq in range(-1, box.seq + 3):
            missed = box.after(seq)
            if missed is not None:
                seen = [json.loads(one)["seq"] for one in missed]
                assert seen == list(range(seq + 1, box.seq + 1))
        assert box.after(box.seq) == []
        assert box.after(box.seq + 1) is None


def test_an_outbox_is_bounded_in_bytes():
    size = len(Outbox(9, 999).add(RoomLocked(locked=True), 0.0))
    box = Outbox(1000, 3 * size)
    for _ in range(9):
        box.add(RoomLocked(locked=True), 0.0)
    assert len(box) == 3


def test_an_overflow_ends_the_chance_to_go_on():
    box = Outbox(3, 10_000)
    for _ in range(5):
        box.add(RoomLocked(locked=True), 0.0)
    assert box.after(1) is None
    assert len(box.after(2)) == 3


# --- sections, roles -------------------------------------------------------------------------


def test_sections_know_directions_and_rejections():
    sdp = (
        "v=0\r\na=sendonly\r\nm=audio 9 X 1\r\na=mid:a\r\n"
        "m=video 0 X 1\r\na=mid:b\r\nm=video 0 X 1\r\na=bundle-only\r\na=mid:c\r\n"
        "m=video 9 X 1\r\na=recvonly\r\na=mid:d\r\nm=application 9 X 1\r\na=mid:e\r\n"
    )
    found = {s.mid: (s.kind, s.sends, s.receives) for s in sections(sdp)}
    assert found == {
        "a": ("audio", True, False),
        "b": ("video", False, False),
        "c": ("video", True, False),
        "d": ("video", False, True),
        "e": ("application", False, False),
    }


@given(
    st.text()
    | st.lists(st.sampled_from(["m=", "m=audio 0", "a=mid:", "a=inactive"])).map("\n".join)
)
def test_sections_take_anything(sdp):
    assert all(s.kind == s.kind.strip() for s in sections(sdp))


def test_who_waits():
    waits = {role for role in ROLES if has_to_wait(role, grants_of(role), locked=False)}
    assert waits == {"patient", "interpreter"}
    waits = {role for role in ROLES if has_to_wait(role, grants_of(role), locked=True)}
    assert waits == set(ROLES) - {"host"}
