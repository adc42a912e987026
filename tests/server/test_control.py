"""Control through the real server: who may say what to whom, and what happens when a part dies."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from clients.control_link import ControlLink
from clients.participant import Participant
from clients.protocol_client import RequestError
from control import orders as o
from control.envelope import EVERYBODY, Stamp
from loadtests.control_delay import command, observation, state
from loadtests.ports import free_udp_port
from signaling import protocol as p
from tests.server_process import DistalServer


class Ears:
    """Keeps what a link has heard."""

    def __init__(self) -> None:
        self.opened_times = 0
        self.lost_times = 0
        self.orders: list[tuple[str, o.Order]] = []
        self.motions: list[tuple[str, bytes, Stamp]] = []

    def opened(self) -> None:
        self.opened_times += 1

    def lost(self) -> None:
        self.lost_times += 1

    def motion(self, sender: str, message: bytes, stamp: Stamp) -> None:
        self.motions.append((sender, message, stamp))

    def order(self, sender: str, order: o.Order) -> None:
        if not isinstance(order, o.Beat):
            self.orders.append((sender, order))


class Someone:
    """A participant with a control link."""

    def __init__(self, participant: Participant, link: ControlLink, ears: Ears) -> None:
        self.participant, self.link, self.ears = participant, link, ears

    @property
    def id(self) -> str:
        assert self.participant.id is not None
        return self.participant.id

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.participant.until(condition)

    async def heard(self, kind: type[o.Order]) -> o.Order:
        await self.until(lambda: any(isinstance(one, kind) for _, one in self.ears.orders))
        return next(one for _, one in reversed(self.ears.orders) if isinstance(one, kind))


@contextlib.asynccontextmanager
async def someone(
    server: DistalServer, role: str, name: str, part: p.ControlPart
) -> AsyncIterator[Someone]:
    ears = Ears()
    participant = Participant(server.ws_url, server.token("theatre", role, name))
    async with participant, ControlLink(participant, part, ears) as link:
        found = Someone(participant, link, ears)
        await found.until(lambda: link.open and ears.opened_times > 0)
        yield found


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DistalServer]:
    port = str(free_udp_port())
    async with DistalServer(tmp_path / "data", "--control-port", port) as server:
        yield server


async def test_motion_passes_from_the_holder_alone_and_is_stamped(server: DistalServer) -> None:
    async with (
        someone(server, "device", "Robot", "robot") as robot,
        someone(server, "specialist", "Holder", "console") as holder,
        someone(server, "specialist", "Other", "console") as other,
    ):
        robot.link.send_order(EVERYBODY, state(""))
        await holder.heard(o.State)
        holder.link.send_motion(robot.id, command(1))  # nobody has control yet
        robot.link.send_order(EVERYBODY, state(holder.id))
        await holder.until(lambda: (holder.id, 1) in _holders(holder))
        other.link.send_motion(robot.id, command(2))
        holder.link.send_motion(robot.id, command(3, epoch=0))  # of an epoch before
        holder.link.send_order(robot.id, o.Ask(commitment=bytes(32)))  # in order behind nothing
        await robot.heard(o.Ask)
        assert robot.ears.motions == []

        good = command(4)
        holder.link.send_motion(robot.id, good)
        await robot.until(lambda: bool(robot.ears.motions))
        [(sender, message, stamp)] = robot.ears.motions
        assert (sender, message) == (holder.id, good)
        assert 0 <= stamp.kept_us < 1_000_000

        seen = observation(1)
        robot.link.send_motion(EVERYBODY, seen)
        await other.until(lambda: bool(other.ears.motions))
        assert other.ears.motions[0][:2] == (robot.id, seen)
        view = other.participant.view
        assert view is not None
        await other.until(lambda: [r.holder for r in view.robots.values()] == [holder.id])


def _holders(one: Someone) -> list[tuple[str, int]]:
    return [(s.holder, s.epoch) for _, s in one.ears.orders if isinstance(s, o.State)]


async def test_who_may_not_command_may_still_stop(server: DistalServer) -> None:
    async with (
        someone(server, "device", "Robot", "robot") as robot,
        someone(server, "county_doctor", "Watcher", "console") as watcher,
    ):
        robot.link.send_order(EVERYBODY, state(""))
        await watcher.heard(o.State)
        watcher.link.send_order(robot.id, o.Ask(commitment=bytes(32)))
        watcher.link.send_order(EVERYBODY, o.Stop())
        await robot.heard(o.Stop)
        assert [type(order) for _, order in robot.ears.orders] == [o.Stop]
        assert robot.ears.orders[0][0] == watcher.id


async def test_a_robot_needs_a_token_for_it(server: DistalServer) -> None:
    token = server.token("theatre", "student", "Student")
    async with Participant(server.ws_url, token) as student:
        with pytest.raises(RequestError, match="forbidden"):
            await student.request(p.ControlOpen(id=0, part="robot", sdp="v=0"), p.ControlOpened)
        with pytest.raises(RequestError, match="bad_sdp"):
            await student.request(p.ControlOpen(id=0, part="console", sdp="v=0"), p.ControlOpened)


async def test_who_leaves_is_told_of(server: DistalServer) -> None:
    async with someone(server, "specialist", "Doctor", "console") as doctor:
        async with someone(server, "device", "Robot", "robot") as robot:
            robot.link.send_order(EVERYBODY, state(""))
            await doctor.heard(o.State)
            name = robot.id
        gone = await doctor.heard(o.Gone)
        assert gone == o.Gone(name=name)
        await doctor.until(lambda: not (doctor.participant.view and doctor.participant.view.robots))


async def test_a_control_process_that_dies_is_replaced_and_links_come_back(
    server: DistalServer,
) -> None:
    async with (
        someone(server, "device", "Robot", "robot") as robot,
        someone(server, "specialist", "Doctor", "console") as doctor,
    ):
        robot.link.send_order(EVERYBODY, state(""))
        await doctor.heard(o.State)
        assert server.process is not None
        children = psutil.Process(server.process.pid).children()
        [process] = [one for one in children if "server.control_process" in one.cmdline()]
        process.kill()
        await robot.until(lambda: robot.ears.opened_times == 2)
        await doctor.until(lambda: doctor.ears.opened_times == 2)
        assert robot.ears.lost_times == doctor.ears.lost_times == 1
        doctor.ears.orders.clear()
        robot.link.send_order(EVERYBODY, state(""))
        await doctor.heard(o.State)


async def test_a_server_that_stops_tells_the_robots(server: DistalServer) -> None:
    async with someone(server, "device", "Robot", "robot") as robot:
        assert server.process is not None
        server.process.kill()  # not even a farewell from the main process
        await robot.heard(o.Closing)
