"""The site agent: what runs beside the robot at the county hospital.

It joins the room as a device, publishes the ultrasound machine's pictures and the room, and stands
between the control link and the servo process: who may be given control is decided here by the
operator, whether anything moves is decided there. Whatever dies, the network, the server or this
process, the servo brings the arm to rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

from clients.control_link import ControlLink
from clients.participant import Participant, Publication
from clients.robot.grants import Grants
from clients.robot.operator import Asker
from clients.robot.recorder import Record
from clients.robot.servo_link import ServoGone, ServoLink
from clients.robot.servo_messages import Happened, Status
from clients.robot.site import Site, Video, public_state
from clients.robot.source import Source
from clients.robot.videos import Videos
from control import orders as o
from control.envelope import EVERYBODY, RELAY, Stamp
from control.errors import LeaseRefused
from control.events import Event
from control.messages import Cause
from signaling import protocol as p

log = logging.getLogger(__name__)

EVENTS_MAX = 500
STATE_EVERY_S = 1.0
AGAIN_S = 1.0


class SiteAgent:
    """`async with SiteAgent(...) as agent: await agent.run()`"""

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str],
        site: Site,
        source: Source,
        record: Record | None = None,
    ) -> None:
        self.site = site
        self.participant = Participant(url, token, name=site.label, publish=self._publications)
        self.link = ControlLink(self.participant, "robot", self)
        self.servo: ServoLink | None = None
        self._videos = Videos(source, site.scene, self._sent)
        self._record = record or Record()
        self._grants = Grants("")
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._since_ms = 0
        self._said: o.State | None = None
        self._video: Video = "lost"
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> SiteAgent:
        await self._start_servo()
        self._videos.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks):
            task.cancel()
        self._videos.close()
        if self.servo is not None:
            await self.servo.close()

    async def run(self) -> None:
        """Until dismissed. Raises Dismissed, RequestError."""
        self._spawn(self._keep_saying())
        try:
            async with self.link:
                await self.participant.run()
        finally:
            await self.participant.close()

    # --- for the operator ----------------------------------------------------------------------

    @property
    def label(self) -> str:
        return self.site.label

    @property
    def simulated(self) -> bool:
        return self.site.simulated

    @property
    def grants(self) -> Literal["operator", "at_once"]:
        return self.site.grants

    @property
    def connected(self) -> bool:
        return self.link.open

    def asking(self) -> list[Asker]:
        return [self._asker(name) for name in self._grants.asking]

    def holder(self) -> Asker | None:
        return self._asker(self._grants.holder) if self._grants.holder else None

    def state(self) -> Status | None:
        return self.servo.status if self.servo else None

    def events(self) -> list[Event]:
        return list(self._events)

    def name(self, id: str) -> str:
        return self._asker(id).name

    async def grant(self, id: str) -> None:
        """Control for somebody who has asked. Raises LeaseRefused."""
        key = self._grants.key_of(id)
        if self.servo is None:
            raise LeaseRefused("the arm is being started anew")
        epoch = await self.servo.grant(id, key)
        self._since_ms = time.time_ns() // 1_000_000
        granted = self._grants.granted(id, epoch)
        self._say()  # the relay lets her commands through from here on
        self.link.send_order(id, granted)

    def deny(self, id: str) -> None:
        self._grants.forget(id)
        self.link.send_order(id, o.Denied(reason="operator"))
        self._say()

    def take_back(self) -> None:
        self._to_servo(lambda servo: servo.take_back())

    def stop(self, by: str) -> None:
        self._to_servo(lambda servo: servo.stop(by))

    def clear(self) -> None:
        self._to_servo(lambda servo: servo.clear())

    # --- the control link ----------------------------------------------------------------------

    def opened(self) -> None:
        self._grants.me = self.participant.id or ""
        self._said = None
        self._say()

    def lost(self) -> None:
        """Whoever had control has it no more: her console has thrown the key away too."""
        self._grants.forget_all()
        self.take_back()

    def motion(self, sender: str, message: bytes, stamp: Stamp) -> None:
        if sender == self._grants.holder and self.servo is not None:
            with contextlib.suppress(ServoGone):
                self.servo.command(message)
            self._record.command(message, self._grants.key, _now_us())

    def order(self, sender: str, order: o.Order) -> None:
        match order:
            case o.Ask():
                self.link.send_order(sender, self._grants.ask(sender, order))
            case o.Reveal():
                if denied := self._grants.reveal(sender, order):
                    self.link.send_order(sender, denied)
                else:
                    self._asked(sender)
            case o.Sealed():
                self._holder_said(self._grants.said(sender, order))
            case o.Stop():
                self.stop(sender)  # no name: it goes into the record
            case o.Gone() if sender == RELAY:
                self._grants.forget(order.name)
                if order.name == self._grants.holder:
                    self._to_servo(lambda servo: servo.release())
                self._say()
            case o.Closing() if sender == RELAY:
                self.take_back()

    def _asked(self, name: str) -> None:
        self._say()
        if self.site.grants == "at_once" and self._grants.holder in ("", name):
            self.clear()  # nobody is beside a demonstration's robot who could
            self._spawn(self._grant_at_once(name))

    async def _grant_at_once(self, name: str) -> None:
        try:
            await self.grant(name)
        except LeaseRefused as refused:
            log.info("no control: %s", refused)
            self._grants.forget(name)
            self.link.send_order(name, o.Denied(reason="stopped"))

    def _holder_said(self, order: o.FromHolder | None) -> None:
        match order:
            case o.Release():
                self._to_servo(lambda servo: servo.release())
            case o.HandOver(to=name) if name in self._grants.asking:
                self._grants.successor = name
                self._say()
                if self.site.grants == "at_once":
                    self._spawn(self._grant_at_once(name))
            case o.Adjust(imaging=imaging):
                self._videos.source.adjust(imaging)
                self._say()

    # --- the servo -----------------------------------------------------------------------------

    async def _start_servo(self) -> None:
        servo = await ServoLink.start(self.site.servo)
        servo.on_seen, servo.on_status = self._seen, self._status
        servo.on_event, servo.on_gone = self._happened, self._servo_gone
        self.servo = servo

    def _servo_gone(self) -> None:
        """The arm is at rest. Another process, which begins after the epochs that were used."""
        if self.servo is not None and self.servo.status is not None:
            self.site.servo.epoch = max(self.site.servo.epoch, self.servo.status.epoch)
        self.servo = None
        self._grants.ended()
        self._spawn(self._restart_servo())

    async def _restart_servo(self) -> None:
        while self.servo is None:
            await asyncio.sleep(AGAIN_S)
            with contextlib.suppress(ServoGone, TimeoutError):
                await self._start_servo()

    def _to_servo(self, say: Callable[[ServoLink], None]) -> None:
        if self.servo is not None:
            with contextlib.suppress(ServoGone):
                say(self.servo)

    def _seen(self, data: bytes) -> None:
        self.link.send_motion(EVERYBODY, data)
        self._record.observed(data)

    def _status(self, status: Status) -> None:
        self._record.status(status)
        for trouble in self._record.troubles():
            self._tell(Event(status.at_us, "record", Cause.NONE, trouble, {}))
        grants = self._grants
        has = (status.holder, status.epoch) == (grants.holder, grants.epoch)
        if grants.holder and not has and status.epoch >= grants.epoch:  # none from before the grant
            grants.ended()
        self._videos.follow(status)
        self._look_at_picture(status.at_us)
        self._say(only_changed=True)

    def _happened(self, event: Happened) -> None:
        self._tell(Event(event.at_us, event.kind, Cause(event.cause), event.text, event.figures))

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        self._record.event(event)
        log.info("%s: %s %s", event.kind, event.cause.name.lower(), event.text)

    # --- pictures ------------------------------------------------------------------------------

    async def _publications(self, codecs: p.CodecPreferences) -> Sequence[Publication]:
        return self._videos.publications(self.participant)

    def _sent(self, rtp: int, captured_us: int) -> None:
        self._to_servo(lambda servo: servo.frame(rtp, captured_us))
        self._record.frame(rtp, captured_us)

    def _look_at_picture(self, now_us: int) -> None:
        video: Video = "lost" if self._videos.lost else "live"
        if video != self._video:
            self._video = video
            self._tell(Event(now_us, "video", Cause.NONE, video, {}))

    # --- what everybody is told ----------------------------------------------------------------

    async def _keep_saying(self) -> None:
        while True:
            await asyncio.sleep(STATE_EVERY_S)
            self._say()

    def _say(self, *, only_changed: bool = False) -> None:
        status = self.servo.status if self.servo else None
        if status is None:
            return
        imaging = self._videos.source.imaging
        told = public_state(self.site, self._grants, status, self._since_ms, imaging, self._video)
        if only_changed and told == self._said:
            return
        self._said = told
        self.link.send_order(EVERYBODY, told)

    def _asker(self, id: str) -> Asker:
        view = self.participant.view
        person = view.people.get(id) if view else None
        digits = self._grants.digits(id)
        if person is None:
            return Asker(id, "", "", "", digits)
        return Asker(id, person.name, person.role, person.institution, digits)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now_us() -> int:
    return time.monotonic_ns() // 1000
