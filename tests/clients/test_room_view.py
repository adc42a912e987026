"""The room as a participant sees it, after events."""

from __future__ import annotations

from clients.room_view import CHAT_LINES_MAX, RoomView
from signaling import protocol as p


def track(name: str, participant: str) -> p.TrackInfo:
    return p.TrackInfo(
        id=name,
        participant=participant,
        kind="video",
        source="camera",
        service_class="talk",
        codec="VP8",
    )


def line(name: str) -> p.ChatLine:
    return p.ChatLine(id=name, participant="a", name="A", role="host", at_ms=1, text=name)


def view() -> RoomView:
    return RoomView(
        p.RoomState(
            room="r",
            title="t",
            locked=False,
            started_at_ms=1,
            codecs=p.CodecPreferences(audio=["opus"], video=["VP8"]),
            participants=[p.Participant(id="a", name="A", role="host", tracks=[track("a1", "a")])],
            chat=[],
            waiting=[],
            film=p.FilmState(presenter=None, view=None, cursor=None, marks=[]),
        )
    )


def test_people_come_with_their_tracks_and_take_them_along() -> None:
    room = view()
    newcomer = p.Participant(id="b", name="B", role="specialist", tracks=[track("b1", "b")])
    room.apply(p.ParticipantJoined(participant=newcomer))
    assert set(room.people) == {"a", "b"}
    assert set(room.tracks) == {"a1", "b1"}
    assert room.named("B") is newcomer
    room.apply(p.ParticipantLeft(participant="b", reason="left"))
    assert set(room.people) == {"a"}
    assert set(room.tracks) == {"a1"}


def test_tracks_are_added_muted_and_removed() -> None:
    room = view()
    room.apply(p.TrackAdded(track=track("a2", "a")))
    muted = track("a2", "a")
    muted.muted = True
    room.apply(p.TrackUpdated(track=muted))
    assert room.tracks["a2"].muted
    room.apply(p.TrackRemoved(track="a2", participant="a"))
    assert set(room.tracks) == {"a1"}


def test_hand_quality_lock_speaker_and_waiting_follow_the_events() -> None:
    room = view()
    room.apply(p.ParticipantUpdated(participant="a", state="reconnecting", hand_raised_at_ms=5))
    room.apply(p.QualityReport(participants=[p.Quality(participant="a", level="fair")]))
    room.apply(p.RoomLocked(locked=True))
    room.apply(p.ActiveSpeaker(participant="a"))
    room.apply(p.PlayersChanged(players=2))
    assert room.players == 2
    somebody = p.WaitingPerson(id="w", name="W", role="patient", since_ms=1)
    room.apply(p.WaitingChanged(waiting=[somebody]))
    person = room.people["a"]
    assert (person.state, person.hand_raised_at_ms) == ("reconnecting", 5)
    assert person.quality is not None and person.quality.level == "fair"
    assert (room.locked, room.active_speaker, room.waiting) == (True, "a", [somebody])


def test_chat_is_kept_to_a_bound() -> None:
    room = view()
    for number in range(CHAT_LINES_MAX + 3):
        room.apply(p.ChatAdded(line=line(str(number))))
    assert len(room.chat) == CHAT_LINES_MAX
    assert room.chat[-1].text == str(CHAT_LINES_MAX + 2)


def test_events_about_strangers_change_nothing() -> None:
    room = view()
    room.apply(p.ParticipantUpdated(participant="x", state="online", hand_raised_at_ms=None))
    room.apply(p.ParticipantLeft(participant="x", reason="lost"))
    room.apply(p.TrackRemoved(track="x", participant="x"))
    assert set(room.people) == {"a"}
