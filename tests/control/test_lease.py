"""Control: one holder, as long as she is heard, and never again without a fresh grant."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from control.errors import LeaseRefused
from control.lease import EPOCH_MAX, FIRST_US, RENEW_US, Lease


def armed(lease: Lease, now_us: int = 0) -> int:
    """Give control, and go through the deadman's two positions."""
    epoch = lease.give("ann", now_us).epoch
    assert lease.hear(epoch, 1, False, now_us)
    assert lease.hear(epoch, 2, True, now_us)
    return epoch


def test_nothing_moves_before_a_grant() -> None:
    lease = Lease()
    assert not lease.hear(0, 1, True, 0)
    assert not lease.moves(0)


def test_a_hand_that_clings_to_the_stick_moves_nothing() -> None:
    lease = Lease()
    epoch = lease.give("ann", 0).epoch
    lease.hear(epoch, 1, True, 0)
    assert not lease.moves(0)
    lease.hear(epoch, 2, False, 0)
    assert not lease.moves(0)
    lease.hear(epoch, 3, True, 0)
    assert lease.moves(0)


def test_silence_ends_it_for_good() -> None:
    lease = Lease()
    epoch = armed(lease)
    assert lease.moves(RENEW_US)
    assert not lease.moves(RENEW_US + 1)
    assert lease.ended == "silent"
    assert not lease.hear(epoch, 3, True, RENEW_US + 2)
    assert not lease.moves(RENEW_US + 2)


def test_a_console_has_time_to_hear_of_its_grant() -> None:
    lease = Lease()
    epoch = lease.give("ann", 0).epoch
    assert lease.hear(epoch, 1, False, FIRST_US)
    lease.give("bob", 0)
    assert not lease.hear(lease.epoch, 1, False, FIRST_US + 1)
    assert lease.ended == "silent"


def test_disarmed_it_wants_the_deadman_released_again() -> None:
    lease = Lease()
    epoch = armed(lease)
    lease.disarm()
    lease.hear(epoch, 3, True, 0)
    assert not lease.moves(0)
    lease.hear(epoch, 4, False, 0)
    lease.hear(epoch, 5, True, 0)
    assert lease.moves(0)


def test_an_old_holder_who_wakes_up_is_nobody() -> None:
    lease = Lease()
    old = armed(lease)
    new = lease.give("bob", 1000).epoch
    assert not lease.hear(old, 99, True, 1001)
    assert new > old
    assert lease.grant is not None
    assert lease.grant.holder == "bob"


def test_old_and_doubled_commands_are_not_heard() -> None:
    lease = Lease()
    epoch = armed(lease)
    assert not lease.hear(epoch, 2, True, 10)
    assert not lease.hear(epoch, 1, False, 10)


def test_a_replayed_stream_does_not_keep_it_alive() -> None:
    lease = Lease()
    epoch = armed(lease)
    for now_us in range(0, 2 * RENEW_US, 10_000):
        lease.hear(epoch, 2, True, now_us)
    assert lease.ended == "silent"


def test_epochs_go_on_after_a_restart_and_end() -> None:
    assert Lease(41).give("ann", 0).epoch == 42
    with pytest.raises(LeaseRefused):
        Lease(EPOCH_MAX).give("ann", 0)


class Control(RuleBasedStateMachine):
    """Whatever happens in whatever order."""

    @initialize()
    def begin(self) -> None:
        self.lease, self.now_us = Lease(), 0
        self.used: list[int] = []
        self.sequence = -1
        self.heard_us = 0
        self.released = False

    @rule(us=st.integers(0, 2 * RENEW_US))
    def wait(self, us: int) -> None:
        self.now_us += us

    @rule(who=st.sampled_from(["ann", "bob"]))
    def give(self, who: str) -> None:
        epoch = self.lease.give(who, self.now_us).epoch
        assert epoch not in self.used
        self.used.append(epoch)
        self.released, self.heard_us, self.sequence = False, self.now_us, -1

    @rule()
    def take_back(self) -> None:
        self.lease.end("taken_back")

    @rule(deadman=st.booleans(), back=st.integers(0, 3), step=st.integers(-1, 2))
    def command(self, deadman: bool, back: int, step: int) -> None:
        epoch = self.used[-1] - back if self.used else back
        sequence = self.sequence + step
        heard = self.lease.hear(epoch, sequence, deadman, self.now_us)
        if heard:
            assert back == 0 and step > 0
            self.sequence, self.heard_us = sequence, self.now_us
            self.released |= not deadman

    @invariant()
    def only_a_live_and_released_hand_moves(self) -> None:
        if hasattr(self, "lease") and self.lease.moves(self.now_us):
            assert self.lease.grant is not None
            assert self.lease.grant.epoch == self.used[-1]
            assert self.now_us - self.heard_us <= RENEW_US
            assert self.released


TestControl = Control.TestCase
