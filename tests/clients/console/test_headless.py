"""The headless console between its device and its link."""

from __future__ import annotations

import asyncio

import pytest

from clients.console import headless as under_test
from clients.console.device import SimulatedHand
from clients.console.headless import HeadlessConsole
from clients.control_link import ControlLink, Hears
from clients.participant import Participant
from clients.robot.grants import Grants
from control import orders as o
from control.console import Console
from control.messages import Command, Flag, decode
from signaling import protocol as p
from tests.control.test_feel import SEEN


class Link(ControlLink):
    """Keeps what is sent."""

    def __init__(self, participant: Participant, part: p.ControlPart, ears: Hears) -> None:
        super().__init__(participant, part, ears)
        self.sent: list[bytes] = []
        self.came = asyncio.Event()

    async def __aenter__(self) -> Link:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def send_motion(self, to: str, message: bytes) -> bool:
        self.sent.append(message)
        self.came.set()
        return True


def granted() -> tuple[Console, bytes]:
    """A console that has control, and the key of its lease."""
    console, grants = Console("me", "robot"), Grants("robot")
    shown = grants.ask("me", console.ask())
    reveal = console.take(shown)
    assert isinstance(reveal, o.Reveal)
    grants.reveal("me", reveal)
    console.take(grants.granted("me", 1))
    return console, grants.key


async def test_what_the_hand_begins_goes_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "SEND_S", 60.0)
    hand = SimulatedHand(lambda seconds: (0.0, 0.0, 0.0))
    console = HeadlessConsole(Participant("ws://127.0.0.1:9/ws", "token"), hand, link=Link)
    link = console.link
    assert isinstance(link, Link)
    console.console, key = granted()
    console.feel.observe(SEEN, 0)
    async with console:
        hand.deadman = True
        async with asyncio.timeout(20):
            await link.came.wait()
    command = decode(link.sent[0], Command, key)
    assert command.flags & Flag.DEADMAN


def test_a_robot_that_comes_back_under_another_name_is_found() -> None:
    console = HeadlessConsole(
        Participant("ws://127.0.0.1:9/ws", "token"), SimulatedHand(lambda _: (0.0, 0.0, 0.0))
    )
    console._meet("first")
    first = console.console
    console._meet("first")
    assert console.console is first
    console._meet("second")
    assert console.console is not None and console.console.robot == "second"
