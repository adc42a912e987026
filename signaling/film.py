"""The studies that a room looks at together: one presenter, his view, and everybody's marks.

The room gives the order: what is accepted first came first. The presenter's last view is the
room's, and each mark is as the last who changed it left it. A newcomer's `state`, plus every
change after it, is what everybody else sees.
"""

from __future__ import annotations

from typing import NamedTuple

from signaling import protocol as p
from signaling.refusal import Refused
from signaling.tokens import Claims

MARKS_MAX = 300  # 150 KB for a newcomer; the oldest go first
STUDIES_MAX = 200  # shown in one room's life; the oldest go first


class Given(NamedTuple):
    """A study that was shown here, and on whose authority: he gives no more than he may see."""

    role: p.Role
    institution: str
    study: str


class Film:
    """State of the shared viewing. Who may do what is the room's business, but for the lead."""

    def __init__(self) -> None:
        self.presenter: str | None = None
        self._view: p.FilmView | None = None
        self.cursor: p.FilmCursor | None = None
        self._marks: dict[str, p.FilmMarked] = {}
        self._given: dict[Given, None] = {}
        self._revision = 0

    @property
    def given(self) -> tuple[Given, ...]:
        """What the room's members have been given to see, the latest last."""
        return tuple(self._given)

    @property
    def begun(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.presenter or self._view or self._revision)

    def state(self) -> p.FilmState:
        """All of it, for a newcomer."""
        return p.FilmState(
            presenter=self.presenter,
            view=self._view,
            cursor=self.cursor,
            marks=list(self._marks.values()),
        )

    def lead(self, by: str, on: bool, may_take: bool) -> bool:
        """Take or give back the lead; whether that changed anything. Raises Refused."""
        if not on:
            return self.stop(by)
        if self.presenter == by:
            return False
        if self.presenter is not None and not may_take:
            raise Refused("conflict", "another leads")
        self.presenter, self.cursor = by, None
        return True

    def stop(self, by: str) -> bool:
        """He leads no more, if he did; whether he did. The view stays as it is."""
        if self.presenter != by:
            return False
        self.presenter = self.cursor = None
        return True

    def close(self, by: str, moderates: bool) -> bool:
        """Put the pictures away; whether there were any. Raises Refused."""
        if by != self.presenter and not (moderates or self.presenter is None):
            raise Refused("forbidden", "another leads")
        if self.presenter is None and self._view is None:
            return False
        self.presenter = self._view = self.cursor = None
        return True

    def update(self, by: str, claims: Claims, request: p.FilmUpdate) -> list[p.FilmMarked]:
        """Take what somebody shows and draws; the marks in their order. Raises Refused."""
        if by == self.presenter:
            self.cursor = request.cursor
            if request.view is not None:
                self._view = request.view
                if not claims.guest:  # he has nothing to give
                    self.give(Given(claims.role, claims.institution, request.view.study))
        elif request.view is not None or request.cursor is not None:
            raise Refused("conflict", "you do not lead")
        return [self._mark(by, mark) for mark in request.marks]

    def give(self, given: Given) -> None:
        """From now on the room's members may see it."""
        self._given.pop(given, None)
        self._given[given] = None
        while len(self._given) > STUDIES_MAX:
            del self._given[next(iter(self._given))]

    def _mark(self, by: str, mark: p.FilmMark) -> p.FilmMarked:
        self._revision += 1
        marked = p.FilmMarked(mark=mark, revision=self._revision, by=by)
        if mark.removed:
            self._marks.pop(mark.uid, None)
        else:
            self._marks[mark.uid] = marked
            while len(self._marks) > MARKS_MAX:
                del self._marks[next(iter(self._marks))]
        return marked
