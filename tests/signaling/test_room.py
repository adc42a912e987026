"""Whatever happens in a room, who applies the events to the first state sees the present one."""

import contextlib
import copy

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from media.contract import CodecPolicy
from signaling import protocol as p
from signaling.refusal import Refused
from signaling.roles import ROLES
from signaling.room import Member, Room
from signaling.settings import SignalingSettings
from signaling.tokens import Claims


def member(id, role="specialist", subject=None, **more):
    claims = Claims(subject=subject or id, room="demo", role=role, expires=0)
    more = {"capabilities": p.Capabilities(), "since_ms": 1} | more
    return Member(id=id, name=id.title(), claims=claims, **more)


def track(id, participant):
    return p.TrackInfo(
        id=id,
        participant=participant,
        kind="audio",
        source="microphone",
        service_class="talk",
        codec="opus",
    )


class Seen:
    """What a client makes of the state and the events after it: the reference of the protocol."""

    def __init__(self, state: p.RoomState) -> None:
        self.state = copy.deepcopy(state)
        self.people = {one.id: one for one in self.state.participants}

    def take(self, event: p.Event) -> None:
        state, people = self.state, self.people
        event = copy.deepcopy(event)
        match event:
            case p.ParticipantJoined(participant=one):
                people[one.id] = one
            case p.ParticipantLeft(participant=id):
                del people[id]
            case p.ParticipantUpdated(participant=id):
                people[id].state = event.state
                people[id].hand_raised_at_ms = event.hand_raised_at_ms
            case p.TrackAdded(track=one):
                assert one.id not in {t.id for t in people[one.participant].tracks}
                people[one.participant].tracks.append(one)
            case p.TrackUpdated(track=one):
                tracks = people[one.participant].tracks
                tracks[[t.id for t in tracks].index(one.id)] = one
            case p.TrackRemoved():
                tracks = people[event.participant].tracks
                del tracks[[t.id for t in tracks].index(event.track)]
            case p.CodecsChanged(codecs=codecs):
                state.codecs = codecs
            case p.ActiveSpeaker(participant=who):
                state.active_speaker = who
            case p.PlayersChanged(players=players):
                state.players = players
            case p.ChatAdded(line=line):
                state.chat = [*state.chat, line][-5:]
            case p.WaitingChanged(waiting=waiting):
                state.waiting = waiting
            case p.RoomLocked(locked=locked):
                state.locked = locked
            case p.QualityReport(participants=figures):
                for one in figures:
                    people[one.participant].quality = one
            case p.MuteAsked() | p.Removed():
                pass
            case _:
                raise AssertionError(event)

    def shown(self) -> p.RoomState:
        return msgspec.structs.replace(self.state, participants=list(self.people.values()))


IDS = [f"m{n}" for n in range(6)]
ids = st.sampled_from(IDS)


class RoomMachine(RuleBasedStateMachine):
    """Anybody does anything; refusals change nothing."""

    @initialize()
    def open(self):
        config = SignalingSettings(room_people=4, room_whip=2, chat_lines=5)
        self.room = Room("demo", config, 0, self.send)
        self.seen = {}
        self.now = 0.0

    def send(self, to, event):
        if isinstance(event, p.Admitted):
            self.seen[to] = Seen(event.state)
        elif to in self.seen:
            self.seen[to].take(event)

    @rule(players=st.integers(0, 3))
    def watch(self, players):
        self.room.watched_by(players)

    @rule(
        id=ids,
        role=st.sampled_from(ROLES),
        video=st.sampled_from([["VP8"], ["H264"], ["VP8", "H264"], None]),
        admitted=st.booleans(),
    )
    def enter(self, id, role, video, admitted):
        newcomer = member(id, role)
        newcomer.capabilities = p.Capabilities(video=video) if video else None
        try:
            if self.room.enter(newcomer, admitted=admitted):
                self.seen[id] = Seen(self.room.state(id))
        except Refused as refused:
            assert refused.code in ("room_full", "conflict")

    @rule(id=ids, reason=st.sampled_from(["left", "removed", "lost"]))
    def leave(self, id, reason):
        self.room.leave(id, reason)
        self.seen.pop(id, None)

    @rule(id=ids, state=st.sampled_from(["online", "reconnecting"]))
    def reconnect(self, id, state):
        self.room.set_state(id, state)

    @precondition(lambda self: any(m.capabilities for m in self.room.members.values()))
    @rule(data=st.data(), name=st.sampled_from(["Ann", "Ben"]))
    def reenter(self, data, name):
        id = data.draw(st.sampled_from(sorted(self.loading())))
        for held in list(self.room.members[id].tracks):
            self.room.drop_track(id, held)
        self.room.reenter(id, name, p.Capabilities())
        self.seen[id] = Seen(self.room.state(id))

    def loading(self):
        return [m.id for m in self.room.members.values() if m.capabilities]

    @rule(by=ids, id=ids, what=st.sampled_from(["admit", "deny", "remove", "ask_mute"]))
    def moderate(self, by, id, what):
        allowed = by in self.room.members and self.room.members[by].moderates
        try:
            getattr(self.room, what)(by, id)
            assert allowed
        except Refused as refused:
            assert refused.code == (
                "not_found" if allowed or by not in self.room.members else "forbidden"
            )
        if id not in self.room.members:
            self.seen.pop(id, None)

    @rule(by=ids, locked=st.booleans())
    def lock(self, by, locked):
        with contextlib.suppress(Refused):
            self.room.lock(by, locked)

    @rule(by=ids, text=st.text(max_size=5))
    def chat(self, by, text):
        try:
            self.room.chat(by, text, int(self.now))
        except Refused as refused:
            assert refused.code in ("not_found", "forbidden", "malformed")

    @rule(by=ids, up=st.booleans(), at=st.integers(0, 9))
    def hand(self, by, up, at):
        try:
            self.room.raise_hand(by, up, at)
        except Refused as refused:
            assert refused.code == "not_found"

    @rule(by=ids, n=st.integers(0, 2), muted=st.booleans(), label=st.sampled_from(["", "x"]))
    def publish(self, by, n, muted, label):
        if by in self.room.members:
            self.room.put_track(
                msgspec.structs.replace(track(f"{by}-{n}", by), muted=muted, label=label)
            )

    @rule(by=ids, n=st.integers(0, 2), muted=st.none() | st.booleans())
    def mute(self, by, n, muted):
        try:
            self.room.update_track(by, f"{by}-{n}", muted=muted)
        except Refused as refused:
            assert refused.code == "not_found"

    @rule(by=ids, n=st.integers(0, 2))
    def unpublish(self, by, n):
        self.room.drop_track(by, f"{by}-{n}")

    @rule(levels=st.dictionaries(ids, st.integers(-127, 0)), wait=st.floats(0, 2))
    def hear(self, levels, wait):
        self.now += wait
        self.room.hear({i: levels.get(i) for i in self.room.members}, self.now)

    @rule(who=st.lists(ids))
    def report(self, who):
        self.room.report([p.Quality(participant=i, level="fair") for i in who])

    @invariant()
    def everybody_sees_the_same(self):
        for id, seen in self.seen.items():
            state = self.room.state(id)
            assert sorted(seen.shown().participants, key=by_id) == sorted(
                state.participants, key=by_id
            )
            assert msgspec.structs.replace(seen.shown(), participants=[]) == (
                msgspec.structs.replace(state, participants=[])
            )

    @invariant()
    def bounds_hold(self):
        people = [*self.room.members.values(), *self.room.waiting.values()]
        assert len([one for one in people if one.capabilities]) <= 4
        assert len([one for one in people if not one.capabilities]) <= 2
        assert not set(self.room.members) & set(self.room.waiting)


def by_id(one):
    return one.id


TestRoom = RoomMachine.TestCase
TestRoom.settings = settings(
    stateful_step_count=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking this takes minutes
)


@pytest.fixture
def room():
    events = []
    room = Room("demo", SignalingSettings(), 0, lambda to, event: events.append((to, event)))
    room.events = events
    return room


def test_a_patient_waits_until_admitted(room):
    room.enter(member("host", "host"))
    assert not room.enter(member("pat", "patient"))
    room.admit("host", "pat")
    assert "pat" in room.members
    assert next(e for to, e in room.events if to == "pat").state.participants


def test_who_was_removed_waits_when_he_comes_back(room):
    room.enter(member("host", "host"))
    assert room.enter(member("ann", subject="s"))
    room.remove("host", "ann")
    assert not room.enter(member("ann2", subject="s"))
    room.admit("host", "ann2")
    room.leave("ann2", "left")
    assert room.enter(member("ann3", subject="s")), "admitted again means forgiven"


def test_only_moderators_learn_who_waits(room):
    room.enter(member("host", "host"))
    room.enter(member("ann"))
    room.enter(member("pat", "patient"))
    told = {to for to, e in room.events if isinstance(e, p.WaitingChanged)}
    assert told == {"host"}
    assert room.state("host").waiting and not room.state("ann").waiting


def test_codecs_follow_the_weakest_member(room):
    room.enter(member("ann"))
    room.enter(member("old", capabilities=p.Capabilities(video=["H264"])))
    assert room.policy == CodecPolicy(video=("H264",))
    changed = [to for to, e in room.events if isinstance(e, p.CodecsChanged)]
    assert changed == ["ann"], "the newcomer has it in his state"
    room.leave("old", "left")
    assert room.policy == CodecPolicy()


def test_a_raised_hand_keeps_its_place(room):
    room.enter(member("ann"))
    room.raise_hand("ann", True, 5)
    room.raise_hand("ann", True, 9)
    assert room.members["ann"].hand_raised_at_ms == 5
