"""The console's side of the way to control, against what a robot's site says."""

from __future__ import annotations

import pytest

from control import orders as o
from control.console import Console, Wish
from control.errors import ControlError, ForgedMessage
from control.keys import Public, Side
from control.messages import Cause, Command, Flag, Mode, Observation, decode, encode
from control.vectors import ZERO

UPRIGHT = (1.0, 0.0, 0.0, 0.0)
WISH = Wish(Flag.DEADMAN, ZERO, UPRIGHT, ZERO, ZERO, 0.0)


class Site:
    """The site's side of an exchange."""

    def __init__(self) -> None:
        self.side = Side()
        self.key = b""
        self.digits = ""

    def meet(self, console: Console) -> None:
        asked = console.ask()
        revealed = console.take(o.Show(point=self.side.public.point, nonce=self.side.public.nonce))
        assert isinstance(revealed, o.Reveal)
        theirs = Public(revealed.point, revealed.nonce)
        self.key, self.digits = self.side.agree(
            self.side.public, theirs, asked.commitment, (console.robot, console.me)
        )

    def grant(self, console: Console, epoch: int = 1) -> None:
        console.take(o.seal(o.Granted(epoch=epoch, number=0), self.key))


def granted() -> tuple[Console, Site]:
    console, site = Console("p-me", "p-robot"), Site()
    site.meet(console)
    site.grant(console)
    return console, site


def seen(key: bytes, sequence: int, applied: int = 0, age_us: int = 0) -> bytes:
    return encode(
        Observation(
            *(0, 1, sequence, 0, applied, age_us, Mode.FOLLOWING, Cause.NONE),
            *(ZERO, UPRIGHT, ZERO, ZERO, 0.0),
        ),
        key,
    )


def test_both_see_the_same_digits_and_speak_under_one_key() -> None:
    console, site = granted()
    assert console.phase == "granted" and console.digits == site.digits
    data = console.command(WISH, 90, 5)
    assert data is not None
    command = decode(data, Command, site.key)
    assert (command.epoch, command.sequence, command.seen_rtp) == (1, 1, 90)
    assert command.flags == Flag.DEADMAN | Flag.SEES


def test_without_a_picture_she_does_not_claim_to_see() -> None:
    console, site = granted()
    data = console.command(WISH, None, 5)
    assert data is not None and Flag.SEES not in decode(data, Command, site.key).flags


def test_a_grant_that_somebody_made_up_is_refused() -> None:
    console = Console("p-me", "p-robot")
    with pytest.raises(ForgedMessage):
        console.take(o.seal(o.Granted(epoch=1, number=0), bytes(32)))
    Site().meet(console)
    with pytest.raises(ForgedMessage):
        console.take(o.seal(o.Granted(epoch=1, number=0), bytes(range(32))))
    assert console.command(WISH, 1, 1) is None


def test_a_grant_is_good_once() -> None:
    console, site = granted()
    console.lost()
    site.meet(console)
    with pytest.raises(ForgedMessage):
        site.grant(console, epoch=1)


def test_a_lost_link_ends_control_and_its_key() -> None:
    console, site = granted()
    console.lost()
    assert console.phase == "ended"
    assert console.command(WISH, 1, 1) is None
    assert console.observe(seen(site.key, 1), 1) is None
    with pytest.raises(ControlError):
        console.release()


def test_the_round_trip_is_measured_on_her_own_clock() -> None:
    console, site = granted()
    console.command(WISH, 1, 1_000)
    console.observe(seen(site.key, 1, applied=1, age_us=2_000), 43_000)
    assert console.round_trip_us == 40_000


def test_old_observations_are_not_taken() -> None:
    console, site = granted()
    assert console.observe(seen(site.key, 5), 1) is not None
    assert console.observe(seen(site.key, 5), 2) is None
    assert console.observe(seen(site.key, 4), 2) is None


def test_while_nobody_has_control_everybody_can_read() -> None:
    console = Console("p-me", "p-robot")
    assert console.observe(seen(bytes(32), 1), 1) is not None


def test_what_the_holder_says_is_under_her_key_and_counts_up() -> None:
    console, site = granted()
    first = o.open_from_holder(console.hand_over("p-next"), site.key)
    second = o.open_from_holder(console.release(), site.key)
    assert first == o.HandOver(epoch=1, number=0, to="p-next")
    assert second == o.Release(epoch=1, number=1)
