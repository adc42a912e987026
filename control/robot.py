"""The robot's brain: everything that decides whether and how the probe moves.

One invariant: `step` is called at least 500 times a second with what the arm senses, and the arm
does what it gives and nothing else. All other calls only change what the next step finds. Time is
the robot's own monotonic clock, always passed in; so the same code runs in virtual time against
simulated physics and in the servo process. Nothing here waits, sends or reads a clock.

Whoever does not follow stands still, and what stands still does not press: after a moment, or at
once when held, it yields until the body is free of force.
"""

from __future__ import annotations

from typing import NamedTuple

from control.errors import ForgedMessage, LeaseRefused, MalformedMessage
from control.events import Event, Events
from control.follow import far, towards
from control.gate import STILL, Held, Motion, Seen, Workspace, judge, unload
from control.governor import NONE, Governor, Rule
from control.jitter import JitterBuffer
from control.keys import KEY_BYTES, NOBODY
from control.lease import Ending, Grant, Lease
from control.messages import (
    CHAIN,
    Cause,
    Command,
    Flag,
    Mode,
    Observation,
    decode,
    encode,
    epoch_of,
)
from control.presets import Preset
from control.rotations import UPRIGHT
from control.sensors import GOOD, Belief, Sensed, Sensors
from control.sight import Sight
from control.vectors import ZERO, Vector, at_most, dot, length, minus, times
from control.watchdog import Step, Watchdog

OBSERVE_US = 10_000
LEAP_US = 100_000  # between two steps; nothing that happened before is true after it
STEP_MAX_S = 0.02  # that one step may gain speed for
WAY_MAX_US = 100_000  # of a command, not counted in the picture's age
UNLOAD_AFTER_US = 200_000  # standing still while pressing
FORCE_PATIENCE_US = 300_000  # above the hard limit, yielding
FORCE_FAR = 1.5  # times the hard limit: at once
WELL_US = 500_000  # sensors in order, after a fault, before control is given again
EDGE_M = 0.003  # of the workspace, reached
TOLD = Held.WORKSPACE | Held.FORCE_WARNING | Held.FORCE_SOFT | Held.FORCE_HARD | Held.TILT
_DEADMAN_CLUTCH = int(Flag.DEADMAN | Flag.CLUTCH)


class State(NamedTuple):
    """For the site's page, the record and the views beside the picture."""

    at_us: int
    mode: Mode
    cause: Cause
    holder: str
    epoch: int
    deadman: bool
    stopped: str  # by whom; empty: not
    fault: str
    round_trip_us: int | None
    picture_age_us: int | None
    silence_us: int | None
    rule: Rule
    held: Held
    position: Vector
    orientation: tuple[float, float, float, float]
    force: Vector
    torque: Vector
    moving: Motion
    refused: dict[str, int]


class Robot:
    """One arm's. `epoch` is the last that this site has used, also before a restart."""

    def __init__(self, preset: Preset, epoch: int = 0) -> None:
        self.preset = preset
        self.lease = Lease(epoch)
        self.watchdog = Watchdog(preset.ladder)
        self.mode, self.cause = Mode.IDLE, Cause.NONE
        self.stopped = ""  # by whom
        self.fault = ""  # the last one, until a fresh grant
        self._failed = Cause.NONE
        self.events = Events()
        self._key = NOBODY
        self._sensors = Sensors()
        self._belief: Belief = GOOD
        self._unwell_us: int | None = None
        self._sensed = Sensed(0, ZERO, UPRIGHT, ZERO, ZERO)
        self._sight = Sight()
        self._fresh_hands()
        self._now_us: int | None = None
        self._moving = STILL
        self._held = Held.NOTHING
        self._still_us: int | None = None  # since
        self._above_us: int | None = None  # the hard limit, since
        self._unfelt_from: Vector | None = None  # where the force was lost
        self.chain = (0.0,) * (3 * CHAIN)  # of the arm, for the views beside the picture
        self._sequence = 0
        self._observe_us = 0
        self._ended = False  # the present end of the lease is in the record

    def _fresh_hands(self) -> None:
        """Nobody has said anything."""
        self._buffer = JitterBuffer()
        self._governor = Governor()
        self._heard: Command | None = None  # the newest
        self._seen_rtp: int | None = None
        self._applied: Command | None = None  # the one that is followed
        self._applied_us = self._heard_us = 0
        self._round_trip_us: int | None = None
        self._rule = self._told = NONE  # the one in force, and in the record
        self._engaged = False
        self._energy_j = 0.0

    # Who has control

    def grant(self, holder: str, key: bytes, now_us: int) -> Grant:
        """The local operator gives control; `key` is this grant's alone.

        Raises LeaseRefused while stopped, while sensors are in doubt, or without holder or key.
        """
        if len(key) != KEY_BYTES or key == NOBODY:
            raise LeaseRefused(f"a grant needs a key of its own, of {KEY_BYTES} bytes")
        if self.stopped:
            raise LeaseRefused(f"stopped by {self.stopped}: clear the stop first")
        if self._unwell_us is not None:
            raise LeaseRefused(f"not while there is a fault: {self.fault}")
        self._see_lease(now_us)
        if self.lease.grant:
            self._end("replaced", now_us)
        grant = self.lease.give(holder, now_us)
        self._key, self._ended, self.fault = key, False, ""
        self.watchdog.granted(now_us)
        self._sight.granted()
        self._fresh_hands()
        self.events.add(now_us, "granted", Cause.NONE, holder, epoch=grant.epoch)
        return grant

    def take_back(self, now_us: int) -> None:
        """The local operator ends it."""
        self._end("taken_back", now_us)

    def release(self, now_us: int) -> None:
        """The holder gives it back."""
        self._end("released", now_us)

    def stop(self, now_us: int, by: str) -> None:
        """At rest until the local operator clears it. `by`: who pressed, for the record."""
        if not self.stopped:
            self.stopped = by
            self.events.add(now_us, "stop", Cause.STOP, by)
        self._trip(Cause.STOP, now_us, "stopped")

    def clear(self, now_us: int) -> None:
        """The local operator has seen to it; control can be given again."""
        if self.stopped:
            self.stopped = ""
            self.events.add(now_us, "cleared", Cause.STOP)

    def arm_fault(self, why: str, now_us: int) -> None:
        """The arm failed, or its driver."""
        self._fail(Cause.ARM, why, now_us)

    # What comes

    def command(self, data: bytes, now_us: int) -> bool:
        """A datagram from whoever claims to have control; False: it is not taken."""
        self._see_lease(now_us)
        grant = self.lease.grant
        if grant is None:
            return self._refuse("nobody has control", now_us)
        try:
            command = decode(data, Command, self._key)
        except ForgedMessage:
            other = epoch_of(data) != grant.epoch
            return self._refuse("of another lease" if other else "forged", now_us)
        except MalformedMessage:
            return self._refuse("malformed", now_us)
        deadman = bool(command.flags & Flag.DEADMAN)
        if not self.lease.hear(command.epoch, command.sequence, deadman, now_us):
            return self._refuse("old or doubled", now_us)
        self._round_trip_us = self._sight.round_trip_us(command.seen_sequence, now_us)
        self._heard, self._heard_us = command, now_us
        self._seen_rtp = command.seen_rtp if command.flags & Flag.SEES else None
        if command.flags & Flag.STOP:
            self.stop(now_us, grant.holder)
            return True
        if not deadman or command.flags & Flag.CLUTCH:
            self._engaged = False
        self._buffer.put(command, now_us)
        return True

    def frame(self, rtp: int, captured_us: int) -> None:
        """An ultrasound frame goes out with this RTP timestamp, captured then."""
        self._sight.frame(rtp, captured_us)

    # What goes

    def step(self, sensed: Sensed, now_us: int, step_s: float) -> Motion:
        """The motion for the next `step_s` seconds."""
        self._look_at_clock(now_us)
        self._look_at_arm(sensed, now_us)
        self._look_at_force(now_us)
        self._look_at_hand(now_us)
        self._be(*self._place(now_us), now_us)
        self._move(now_us, step_s if 0 <= step_s <= STEP_MAX_S else STEP_MAX_S)
        return self._moving

    def observation(self, now_us: int) -> bytes | None:
        """What the console is told, a hundred times a second; None: not yet."""
        if self._now_us is None or now_us < self._observe_us:
            return None
        self._observe_us = max(self._observe_us + OBSERVE_US, now_us)
        if self._observe_us - now_us < OBSERVE_US:  # at a steady pace, but never two at once
            self._observe_us = now_us + OBSERVE_US
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        self._sight.sent(self._sequence, now_us)
        sensed, applied = self._sensed, self._applied
        return encode(
            Observation(
                int(self._held),
                self.lease.epoch,
                self._sequence,
                max(now_us, 0),
                applied.sequence if applied else 0,
                min(max(now_us - self._heard_us, 0), 0xFFFFFFFF) if applied else 0,
                self.mode,
                self.cause,
                sensed.position,
                sensed.orientation,
                at_most(sensed.force, 999.0),
                at_most(sensed.torque, 99.0),
                self._energy_j,
                self.chain,
            ),
            self._key,
        )

    def state(self, now_us: int) -> State:
        """Now."""
        grant, heard, sensed = self.lease.grant, self._heard, self._sensed
        return State(
            now_us,
            self.mode,
            self.cause,
            grant.holder if grant else "",
            self.lease.epoch,
            self.lease.deadman,
            self.stopped,
            self.fault,
            self._round_trip_us if heard else None,
            self._picture_age_us(now_us),
            self.lease.silence_us(now_us) if grant else None,
            self._rule,
            self._held,
            sensed.position,
            sensed.orientation,
            sensed.force,
            sensed.torque,
            self._moving,
            dict(self.events.refused),
        )

    def drain(self) -> list[Event]:
        """The events since the last time, oldest first."""
        return self.events.drain()

    # How a step finds out where it stands

    def _look_at_clock(self, now_us: int) -> None:
        last, self._now_us = self._now_us, now_us
        if last is None:
            self._observe_us = now_us
        elif not 0 <= now_us - last <= LEAP_US:
            self._sight.forget()
            self._sensors = Sensors()
            self._observe_us = self.watchdog.since_us = now_us
            self._still_us = self._above_us = None
            self._fail(Cause.CLOCK, f"the clock leaped by {(now_us - last) / 1e6:.3f} s", now_us)

    def _look_at_arm(self, sensed: Sensed, now_us: int) -> None:
        self._belief = belief = self._sensors.look(sensed, now_us)
        if belief.pose:
            force = sensed if belief.force else self._sensed  # the last one that was believed
            self._sensed = sensed._replace(force=force.force, torque=force.torque)
        if sensed.fault:
            self._unwell_us = now_us
            self._fail(Cause.ARM, sensed.fault, now_us)
        elif belief.why:
            self._unwell_us = now_us
            self._fail(Cause.SENSOR, belief.why, now_us)
        elif self._unwell_us is not None and not 0 <= now_us - self._unwell_us < WELL_US:
            self._unwell_us = None
        if belief.force:
            self._unfelt_from = None

    def _look_at_force(self, now_us: int) -> None:
        force, hard_n = length(self._sensed.force), self.preset.limits.hard_n
        if not self._belief.force or force < hard_n:
            self._above_us = None
            return
        if self._above_us is None:
            self._above_us = now_us
        if force > FORCE_FAR * hard_n or now_us - self._above_us > FORCE_PATIENCE_US:
            self._fail(Cause.FORCE, f"pressed with {force:.1f} N", now_us)

    def _look_at_hand(self, now_us: int) -> None:
        """The lease, the ladder, the delays."""
        self._see_lease(now_us)
        lease, dog = self.lease, self.watchdog
        if lease.grant is None or not lease.heard:
            dog.rest(now_us)
            return
        if due := self._buffer.take(now_us):
            self._applied, self._applied_us = due, now_us
        age_us = self._picture_age_us(now_us)
        rule = self._governor.look(self._round_trip_us, age_us, now_us)
        if rule.moves != self._told.moves or abs(rule.speed - self._told.speed) > 0.1:
            figures = {"speed": rule.speed}
            if self._round_trip_us is not None:
                figures["round_trip_ms"] = self._round_trip_us / 1000
            self.events.add(now_us, "governor", Cause.NONE, "", **figures)
            self._told = rule
        self._rule = rule
        trouble = Cause.NONE
        if age_us is None or age_us > self.preset.ladder.blind_us:
            trouble = Cause.BLIND
        elif not rule.moves:
            trouble = Cause.DELAY
        silence_us = lease.silence_us(now_us)
        step = dog.look(now_us, silence_us, trouble, lease.clings)
        if step is Step.FREEZE and now_us - dog.since_us >= self.preset.ladder.hold_us:
            lease.disarm()

    def _picture_age_us(self, now_us: int) -> int | None:
        """When she acted on it: her command's way here is taken for half the round trip."""
        age_us = self._sight.picture_age_us(self._seen_rtp, now_us)
        if age_us is None or self._round_trip_us is None:
            return age_us
        return max(age_us - min(self._round_trip_us // 2, WAY_MAX_US), 0)

    def _place(self, now_us: int) -> tuple[Mode, Cause]:
        """The mode that follows from all that."""
        dog, lease = self.watchdog, self.lease
        if dog.latched:
            return self._rest(), dog.cause
        if lease.grant is None:
            return Mode.IDLE, Cause.NONE
        if dog.step is Step.FREEZE:
            return Mode.FROZEN, dog.cause
        if not lease.moves(now_us) or self._applied is None:
            return Mode.READY, Cause.RELEASED
        applied = self._applied
        hand = int(applied.flags) & _DEADMAN_CLUTCH
        if hand == _DEADMAN_CLUTCH:
            return Mode.FOLLOWING, Cause.NONE
        if hand != int(Flag.DEADMAN):
            return Mode.READY, Cause.RELEASED
        position, orientation = self._sensed.position, self._sensed.orientation
        self._engaged = not far(applied, position, orientation, self._engaged)
        return (Mode.FOLLOWING, Cause.NONE) if self._engaged else (Mode.READY, Cause.FAR)

    def _rest(self) -> Mode:
        if self.watchdog.step is not Step.REST:
            return Mode.HOLDING
        if not self._belief.force:
            return Mode.LATCHED if self._unfelt_way() is None else Mode.RETREATING
        if self.watchdog.ladder.rest == "retreat" and self._height() < self._space.out_m - EDGE_M:
            return Mode.RETREATING
        return (
            Mode.LATCHED if length(self._sensed.force) <= 2 * self.preset.rest_n else Mode.HOLDING
        )

    def _move(self, now_us: int, step_s: float) -> None:
        """What to ask for, and what the gate leaves of it."""
        if not self._belief.pose:
            self._moving, self._held = STILL, Held.NO_FIGURES
            return
        asked = self._asked(now_us)
        belief, sensed = self._belief, self._sensed
        seen = Seen(
            sensed.position,
            sensed.orientation,
            sensed.force if belief.force else ZERO,
            self._sensors.force_rate_n_s if belief.force else 0.0,
            self._moving.linear,
        )
        before = self._held
        self._moving, self._held = judge(asked, seen, self.preset.limits, step_s)
        if self._held is not before and (new := self._held & ~before & TOLD):
            force_n = length(sensed.force)
            self.events.add(now_us, "limit", self.cause, new.name or "", force_n=force_n)
        if self.lease.grant and belief.force:
            self._energy_j += dot(sensed.force, self._moving.linear) * step_s
            self._energy_j = min(max(self._energy_j, -9e5), 9e5)

    def _asked(self, now_us: int) -> Motion:
        preset = self.preset
        if self.mode is Mode.FOLLOWING:
            self._still_us = None
            if self._engaged and self._applied:
                return self._governed(now_us, self._applied)
            return STILL  # the clutch
        if self._still_us is None:
            self._still_us = now_us
        if not self._belief.force:
            return self._unfelt_way() or STILL
        waits = self.mode in (Mode.READY, Mode.FROZEN, Mode.IDLE)
        if waits and now_us - self._still_us < UNLOAD_AFTER_US:
            return STILL
        away = unload(self._sensed.force, preset.limits, preset.rest_n)
        if self.mode is Mode.RETREATING and dot(away.linear, self._space.outward) < (
            preset.retreat_m_s
        ):
            return Motion(times(self._space.outward, preset.retreat_m_s), ZERO)
        return away

    def _governed(self, now_us: int, command: Command) -> Motion:
        sensed, limits = self._sensed, self.preset.limits
        motion = towards(command, now_us - self._applied_us, sensed.position, sensed.orientation)
        return Motion(
            at_most(motion.linear, limits.speed_m_s * self._rule.speed),
            at_most(motion.turning, limits.turning_rad_s * self._rule.speed),
        )

    def _unfelt_way(self) -> Motion | None:
        """Outward without feeling, as far as the preset allows; None: no farther."""
        here = self._sensed.position
        if self._unfelt_from is None:
            self._unfelt_from = here
        gone = dot(minus(here, self._unfelt_from), self._space.outward)
        if gone >= self.preset.unfelt_retreat_m or self._height() >= self._space.out_m - EDGE_M:
            return None
        return Motion(times(self._space.outward, self.preset.retreat_m_s), ZERO)

    # What changes with a cause

    def _be(self, mode: Mode, cause: Cause, now_us: int) -> None:
        if (mode, cause) != (self.mode, self.cause):
            self.mode, self.cause = mode, cause
            self.events.add(now_us, "mode", cause, mode.name.lower())

    def _see_lease(self, now_us: int) -> None:
        """Silence may have ended it."""
        self.lease.look(now_us)
        if self.lease.ended and not self._ended:
            self._end(self.lease.ended, now_us)

    def _end(self, why: Ending, now_us: int) -> None:
        self.lease.end(why)
        if self.lease.ended and not self._ended:
            self._ended = True
            self._key = NOBODY
            self._engaged = False
            self.events.add(now_us, "ended", self.watchdog.cause, self.lease.ended)

    def _trip(self, cause: Cause, now_us: int, why: Ending) -> None:
        self.watchdog.trip(cause, now_us)
        if self.lease.grant:
            self._end(why, now_us)

    def _fail(self, cause: Cause, text: str, now_us: int) -> None:
        if not self.fault or cause is not self._failed:
            self.fault, self._failed = text, cause
            self.events.add(now_us, "fault", cause, text)
        self._trip(cause, now_us, "fault")

    def _refuse(self, why: str, now_us: int) -> bool:
        self.events.refuse(now_us, why)
        return False

    @property
    def _space(self) -> Workspace:
        return self.preset.limits.workspace

    def _height(self) -> float:
        return dot(minus(self._sensed.position, self._space.centre), self._space.outward)
