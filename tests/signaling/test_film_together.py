"""Studies looked at together, over the WebSocket."""

import msgspec
import pytest

from signaling.protocol import FilmMark, FilmView
from tests.signaling.conftest import Refusal
from tests.signaling.test_film import mark, view


def told(thing: FilmView | FilmMark) -> dict[str, object]:
    return msgspec.to_builtins(thing)


async def shows(peer, shown=None, cursor=None, marks=()):
    await peer.ask(
        "film_update",
        view=told(shown) if shown else None,
        cursor=cursor,
        marks=[told(one) for one in marks],
    )


async def test_everybody_sees_what_the_presenter_sees_and_newcomers_too(house):
    leader = await house.enter(name="Leader")
    doctor = await house.enter(name="Doctor")
    await leader.ask("film_lead", on=True)
    assert (await doctor.event("film_changed"))["film"]["presenter"] == leader.me
    await shows(leader, view(frame=9), marks=[mark()])
    moved = await doctor.event("film_moved")
    assert moved["view"]["panes"][0]["frame"] == 9 and moved["marks"][0]["by"] == leader.me
    own = await leader.event("film_moved")
    assert own["view"] is None and own["marks"], "of his own only the marks, for their order"
    late = await house.enter("student", name="Late")
    film = late.joined["state"]["film"]
    assert film["presenter"] == leader.me and film["view"]["panes"][0]["frame"] == 9
    assert [one["mark"]["uid"] for one in film["marks"]] == ["m1"]


async def test_others_draw_but_do_not_lead(house):
    leader = await house.enter(name="Leader")
    doctor = await house.enter(name="Doctor")
    student = await house.enter("student", name="Student")
    await leader.ask("film_lead", on=True)
    for what in ({"on": True}, {"on": False}):
        if what["on"]:
            with pytest.raises(Refusal) as caught:
                await doctor.ask("film_lead", **what)
            assert caught.value.code == "conflict"
        with pytest.raises(Refusal) as caught:
            await student.ask("film_lead", **what)
        assert caught.value.code == "forbidden"
    with pytest.raises(Refusal) as caught:
        await shows(doctor, view())
    assert caught.value.code == "conflict"
    await shows(doctor, marks=[mark("theirs")])
    assert (await leader.event("film_moved"))["marks"][0]["by"] == doctor.me
    with pytest.raises(Refusal) as caught:
        await shows(student, marks=[mark()])
    assert caught.value.code == "forbidden"


async def test_a_moderator_takes_the_lead_and_leaving_ends_it(house):
    leader = await house.enter(name="Leader")
    host = await house.enter("host", name="Host")
    await leader.ask("film_lead", on=True)
    await host.ask("film_lead", on=True)
    await leader.event("film_changed", film={**_nothing(), "presenter": host.me})
    await host.ask("leave")
    await leader.event("film_changed", film=_nothing())


async def test_the_lead_of_one_who_is_away_is_free_to_take(house):
    leader = await house.enter(name="Leader")
    doctor = await house.enter(name="Doctor")
    await leader.ask("film_lead", on=True)
    leader.cut()
    await doctor.event("participant_updated", state="reconnecting")
    await doctor.ask("film_lead", on=True)


async def test_who_comes_back_is_told_all_of_it_once(house):
    leader = await house.enter(name="Leader")
    doctor = await house.enter(name="Doctor")
    await leader.ask("film_lead", on=True)
    await doctor.event("film_changed")
    seq, secret = doctor.seq, doctor.welcome["session"]
    doctor.cut()
    await leader.event("participant_updated", state="reconnecting")
    for frame in range(1, 6):
        await shows(leader, view(frame=frame))
    back = await house.connect()
    await back.hello(resume={"session": secret, "seq": seq, "media": True})
    changed = await back.event("film_changed")
    assert changed["film"]["view"]["panes"][0]["frame"] == 5
    assert not back.seen("film_moved")


async def test_what_is_shown_is_given_to_those_inside_and_to_nobody_else(house):
    leader = await house.enter(name="Leader", institution="county")
    student = await house.enter("student", name="Student")
    claims = {m.name: m.claims for m in house.signaling.stages["demo"].room.members.values()}
    assert house.signaling.given(claims["Student"]) == ()
    await leader.ask("film_lead", on=True)
    await shows(leader, view(study="1.2.77"))
    [given] = house.signaling.given(claims["Student"])
    assert given == ("specialist", "county", "1.2.77")
    await student.ask("leave")
    assert house.signaling.given(claims["Student"]) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"study": "../etc"},
        {"panes": []},
        {"panes": [told(view().panes[0])] * 5},
        {"active": 7},
    ],
)
async def test_a_view_that_makes_no_sense_is_refused(house, wrong):
    leader = await house.enter(name="Leader")
    await leader.ask("film_lead", on=True)
    with pytest.raises(Refusal) as caught:
        await leader.ask("film_update", view={**told(view()), **wrong}, cursor=None, marks=[])
    assert caught.value.code == "malformed"


def _nothing():
    return {"presenter": None, "view": None, "cursor": None, "marks": []}
