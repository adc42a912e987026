"""Looking at studies together: one leads, everybody sees it, newcomers see the present state."""

from __future__ import annotations

import pytest

from signaling import protocol as p
from signaling.film import MARKS_MAX, STUDIES_MAX, Film
from signaling.refusal import Refused
from signaling.tokens import Claims


def pane(instance: str = "1.2.3.4", frame: int = 1) -> p.FilmPane:
    return p.FilmPane(
        series="1.2.3",
        instance=instance,
        frame=frame,
        plane="acquired",
        zoom=1.0,
        centre=[0.5, 0.5],
        rotation=0.0,
        flip_h=False,
        flip_v=False,
        voi=None,
        invert=False,
        focus=None,
        thick=0.0,
    )


def view(study: str = "1.2", frame: int = 1) -> p.FilmView:
    return p.FilmView(study=study, layout="one", panes=[pane(frame=frame)], active=0)


def mark(uid: str = "m1", removed: bool = False, x: float = 0.0) -> p.FilmMark:
    return p.FilmMark(
        uid=uid,
        tool="length",
        study="1.2",
        series="1.2.3",
        instance="1.2.3.4",
        frame=1,
        frame_of_reference="1.9",
        points=[[x, 0.0, 0.0], [1.0, 1.0, 0.0]],
        removed=removed,
    )


def shows(
    shown: p.FilmView | None = None,
    cursor: p.FilmCursor | None = None,
    marks: tuple[p.FilmMark, ...] = (),
) -> p.FilmUpdate:
    return p.FilmUpdate(id=1, view=shown, cursor=cursor, marks=list(marks))


def update(film: Film, by: str, request: p.FilmUpdate) -> list[p.FilmMarked]:
    claims = Claims(subject=by, room="r", role="specialist", expires=0, institution="h")
    return film.update(by, claims, request)


def test_only_the_presenter_moves_the_view() -> None:
    film = Film()
    with pytest.raises(Refused):
        update(film, "a", shows(view()))
    assert film.lead("a", True, may_take=False)
    update(film, "a", shows(view(frame=7)))
    with pytest.raises(Refused):
        update(film, "b", shows(view()))
    shown = film.state().view
    assert shown is not None and shown.panes[0].frame == 7


def test_the_lead_is_taken_only_by_who_may() -> None:
    film = Film()
    film.lead("a", True, may_take=False)
    with pytest.raises(Refused):
        film.lead("b", True, may_take=False)
    assert film.lead("b", True, may_take=True)
    assert film.presenter == "b"
    assert not film.lead("a", False, may_take=False), "it is not his to give back"
    assert film.lead("b", False, may_take=False)
    assert film.presenter is None


def test_the_view_outlives_its_presenter_until_it_is_put_away() -> None:
    film = Film()
    film.lead("a", True, may_take=False)
    update(film, "a", shows(view()))
    assert film.stop("a") and not film.stop("a")
    assert film.state().view is not None
    assert film.close("c", moderates=False), "nobody leads: anybody may tidy up"
    assert film.state().view is None
    film.lead("a", True, may_take=False)
    with pytest.raises(Refused):
        film.close("c", moderates=False)


def test_the_last_to_change_a_mark_wins() -> None:
    film = Film()
    [first] = update(film, "a", shows(marks=(mark(x=1.0),)))
    [second] = update(film, "b", shows(marks=(mark(x=2.0),)))
    assert second.revision > first.revision
    [kept] = film.state().marks
    assert (kept.by, kept.mark.points[0][0]) == ("b", 2.0)
    [gone] = update(film, "a", shows(marks=(mark(removed=True),)))
    assert gone.revision > second.revision
    assert film.state().marks == []


def test_marks_and_studies_are_bounded() -> None:
    film = Film()
    film.lead("a", True, may_take=False)
    for number in range(MARKS_MAX + 5):
        update(film, "a", shows(marks=(mark(f"m{number}"),)))
    assert len(film.state().marks) == MARKS_MAX
    assert film.state().marks[0].mark.uid == "m5"
    for number in range(STUDIES_MAX + 5):
        update(film, "a", shows(view(study=f"1.{number}")))
    assert len(film.given) == STUDIES_MAX
    assert film.given[-1] == ("specialist", "h", f"1.{STUDIES_MAX + 4}")


def test_a_guest_has_nothing_to_give() -> None:
    """He names his institution; what it has is not his to show."""
    film = Film()
    film.lead("ann", True, False)
    own = Claims(subject="ann", room="r", role="specialist", expires=0, institution="h")
    guest = Claims(
        subject="ann", room="r", role="specialist", expires=0, institution="h", guest=True
    )
    film.update("ann", guest, p.FilmUpdate(id=1, view=view(), cursor=None, marks=[]))
    assert film.given == ()
    film.update("ann", own, p.FilmUpdate(id=1, view=view(), cursor=None, marks=[]))
    assert len(film.given) == 1
