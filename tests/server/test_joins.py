"""Join codes: opaque, expiring, one-time where it matters, bounded, and never kept as they are."""

from __future__ import annotations

import pytest

from server import joins
from server.joins import CodeExpired, CodeSpent, CodeUnknown, JoinCodes, TooManyCodes
from signaling.protocol import Role


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def codes(clock: Clock) -> JoinCodes:
    return JoinCodes(clock)


def test_a_code_gives_what_it_was_made_for(codes: JoinCodes) -> None:
    code = codes.invite("r", "specialist", 60, "Dr Li", "Provincial Hospital")
    found = codes.redeem(code)
    assert (found.room, found.role, found.name) == ("r", "specialist", "Dr Li")
    assert found.institution == "Provincial Hospital"
    assert codes.redeem(code) == found


@pytest.mark.parametrize("role", ["patient", "interpreter"])
def test_who_comes_from_outside_gets_one_entry(codes: JoinCodes, role: Role) -> None:
    code = codes.invite("r", role, 60)
    codes.redeem(code)
    with pytest.raises(CodeSpent):
        codes.redeem(code)


def test_one_time_can_be_said(codes: JoinCodes) -> None:
    often, once = (
        codes.invite("r", "patient", 60, one_time=False),
        codes.invite("r", "host", 60, one_time=True),
    )
    codes.redeem(often)
    codes.redeem(often)
    codes.redeem(once)
    with pytest.raises(CodeSpent):
        codes.redeem(once)


def test_a_code_expires_and_says_so(codes: JoinCodes, clock: Clock) -> None:
    code = codes.invite("r", "host", 60)
    clock.now_s += 59.9
    codes.redeem(code)
    clock.now_s += 0.1
    with pytest.raises(CodeExpired):
        codes.redeem(code)


def test_expired_codes_are_forgotten(codes: JoinCodes, clock: Clock) -> None:
    code = codes.invite("r", "host", 60)
    clock.now_s += 60 + 3601
    codes.invite("r", "host", 60)
    assert len(codes) == 1
    with pytest.raises(CodeUnknown):
        codes.redeem(code)


@pytest.mark.parametrize("code", ["", "x", "\udc80", "A" * 64, "../../etc"])
def test_what_was_never_given_is_unknown(codes: JoinCodes, code: str) -> None:
    with pytest.raises(CodeUnknown):
        codes.redeem(code)


def test_codes_are_long_and_differ(codes: JoinCodes) -> None:
    made = {codes.invite("r", "host", 60) for _ in range(200)}
    assert len(made) == 200
    assert all(len(code) >= 20 for code in made)


def test_codes_are_not_kept(codes: JoinCodes) -> None:
    code = codes.invite("r", "host", 60)
    assert code not in repr(vars(codes))


def test_their_number_is_bounded(
    codes: JoinCodes, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joins, "CODES_MAX", 3)
    for _ in range(3):
        codes.invite("r", "host", 60)
    with pytest.raises(TooManyCodes):
        codes.invite("r", "host", 60)
    clock.now_s += 60 + 3601
    codes.invite("r", "host", 60)
