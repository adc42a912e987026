"""Keys at a site: with whom they are agreed, and whose sealed word counts."""

from __future__ import annotations

import pytest

from clients.robot.grants import ASKING_MAX, Grants
from control import orders as o
from control.console import Console
from control.errors import LeaseRefused


def met(grants: Grants, name: str = "p-doctor") -> Console:
    """A console that has shown its key."""
    console = Console(name, grants.me)
    shown = grants.ask(name, console.ask())
    revealed = console.take(shown)
    assert isinstance(revealed, o.Reveal)
    assert grants.reveal(name, revealed) is None
    return console


def holding() -> tuple[Grants, Console]:
    grants = Grants("p-robot")
    console = met(grants)
    console.take(grants.granted("p-doctor", 1))
    return grants, console


def test_who_asks_is_known_by_the_same_digits_on_both_sides() -> None:
    grants = Grants("p-robot")
    console = met(grants)
    assert list(grants.asking) == ["p-doctor"]
    assert grants.digits("p-doctor") == console.digits != ""


def test_who_has_not_shown_her_key_cannot_be_given_control() -> None:
    grants = Grants("p-robot")
    grants.ask("p-doctor", Console("p-doctor", "p-robot").ask())
    assert list(grants.asking) == []
    with pytest.raises(LeaseRefused):
        grants.key_of("p-doctor")


def test_another_key_than_the_one_committed_to_ends_the_exchange() -> None:
    grants = Grants("p-robot")
    grants.ask("p-doctor", Console("p-doctor", "p-robot").ask())
    other = Console("p-doctor", "p-robot")
    revealed = other.take(Grants("p-robot").ask("p-doctor", other.ask()))
    assert isinstance(revealed, o.Reveal)
    assert grants.reveal("p-doctor", revealed) == o.Denied(reason="exchange")
    with pytest.raises(LeaseRefused):
        grants.key_of("p-doctor")


def test_only_so_many_ask_at_once() -> None:
    grants = Grants("p-robot")
    for number in range(ASKING_MAX):
        met(grants, f"p-{number}")
    assert grants.ask("p-more", Console("p-more", "p-robot").ask()) == o.Denied(reason="busy")


def test_the_holders_word_counts_once_and_nobody_elses() -> None:
    grants, console = holding()
    released = console.release()
    assert grants.said("p-other", released) is None
    assert isinstance(grants.said("p-doctor", released), o.Release)
    assert grants.said("p-doctor", released) is None
    adjusted = console.adjust(o.Imaging(depth_mm=90, gain_db=3, frozen=False))
    changed = o.Sealed(body=adjusted.body.replace("90", "80"), code=adjusted.code)
    assert grants.said("p-doctor", changed) is None
    assert isinstance(grants.said("p-doctor", adjusted), o.Adjust)


def test_after_the_end_of_a_lease_its_holder_says_nothing_more() -> None:
    grants, console = holding()
    released = console.release()
    grants.ended()
    assert grants.said("p-doctor", released) is None
