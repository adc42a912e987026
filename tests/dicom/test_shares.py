"""Links and their second factor, with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from dicom import database, factors, schema
from dicom.errors import DicomError, NotFound
from dicom.shares import (
    LOCK_MS,
    SESSION_MS,
    WRONG_EVER,
    WRONG_IN_A_ROW,
    CannotShare,
    FactorWrong,
    LinkEnded,
    LinkUnknown,
    Made,
    Shares,
    SignedOut,
    Who,
    Wish,
)
from tests.dicom.conftest import House
from tests.dicom.samples import ct, part10

BORN = "19610304"
DOCTOR = Who("Dr Wang", "subject", "10.0.0.1", "test")
PHONE = Who(remote="203.0.113.9", user_agent="phone")


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shares(house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shares]:
    monkeypatch.setattr(factors, "COST", 2)  # many guesses; their price is tested by itself
    person = {"SpecificCharacterSet": "ISO_IR 192", "InstitutionName": "清河县医院"}
    house.store(part10(ct(PatientBirthDate=BORN, **person)))
    house.store(part10(ct(study="1.9", series="1.9.1", PatientBirthDate="")))
    made = Shares(house.root, b"key" * 20, clock)
    yield made
    made.close()


def link(shares: Shares, **more: Any) -> Made:
    said = {"institution": "default", "study": "1.2.3", "audience": "patient"}
    said |= {"factor": "birth_date", "ttl_s": 3600}
    return shares.make(Wish(**(said | more)), DOCTOR)


def guess(shares: Shares, made: Made, said: str) -> str:
    """How an attempt ends."""
    try:
        shares.open(made.share.name, made.code, said, PHONE)
    except FactorWrong as error:
        return f"wrong, {error.left} left"
    except LinkEnded as error:
        return error.reason
    except DicomError as error:
        return type(error).__name__
    return "in"


def kinds(shares: Shares, made: Made) -> list[str]:
    return [event["kind"] for event in reversed(shares.events("default", made.share.name))]


def test_who_knows_the_birth_date_is_let_in(shares: Shares, clock: Clock) -> None:
    made = link(shares)
    assert shares.look(made.share.name, made.code, PHONE).sender == "清河县医院"
    assert guess(shares, made, "19610305") == "wrong, 4 left"
    session = shares.open(made.share.name, made.code, "1961-03-04", PHONE)
    share, _ = shares.admitted(made.share.name, session.cookie)
    assert (share.shown_institution, share.shown_study) == ("default", "1.2.3")
    assert kinds(shares, made) == ["made", "looked", "wrong", "opened"]
    first, *_, last = reversed(shares.events("default", made.share.name))
    assert (first["who"], first["remote"]) == ("Dr Wang", "10.0.0.1")
    assert (last["who"], last["remote"], last["user_agent"]) == ("", "203.0.113.9", "phone")
    [listed] = shares.of_study("default", "1.2.3")
    assert (listed.accesses, listed.last_ms) == (1, clock.ms)


def test_wrong_answers_lock_a_link_and_close_it_at_last(shares: Shares, clock: Clock) -> None:
    made = link(shares, ttl_s=30 * 86_400)
    for left in range(WRONG_IN_A_ROW - 1, 0, -1):
        assert guess(shares, made, "20000101") == f"wrong, {left} left"
    assert guess(shares, made, "20000101") == "LinkLocked"
    assert guess(shares, made, BORN) == "LinkLocked", "the right answer does not unlock it"
    clock.ms += LOCK_MS
    assert guess(shares, made, BORN) == "in"
    for _ in range(WRONG_EVER - WRONG_IN_A_ROW - 1):
        clock.ms += LOCK_MS
        assert "wrong" in (said := guess(shares, made, "20000101")) or said == "LinkLocked"
    clock.ms += LOCK_MS
    assert guess(shares, made, "20000101") == "closed"
    clock.ms += 100 * LOCK_MS
    assert guess(shares, link(shares), BORN) == "in"


def test_a_closed_link_lets_nobody_in_any_more(shares: Shares, clock: Clock) -> None:
    made = link(shares, ttl_s=30 * 86_400)
    for _ in range(WRONG_EVER - 1):
        guess(shares, made, "20000101")
        clock.ms += LOCK_MS
    inside = shares.open(made.share.name, made.code, BORN, PHONE)
    assert guess(shares, made, "20000101") == "closed"
    assert guess(shares, made, BORN) == "closed"
    shares.admitted(made.share.name, inside.cookie)


def test_many_guesses_at_once_are_no_more_than_one_after_the_other(shares: Shares) -> None:
    made = link(shares, factor="code")
    wrong = "000000" if made.digits != "000000" else "000001"
    with ThreadPoolExecutor(16) as pool:
        ends = list(pool.map(lambda _: guess(shares, made, wrong), range(40)))
    judged = [event for event in kinds(shares, made) if event in ("wrong", "opened")]
    assert len(judged) == WRONG_IN_A_ROW
    assert ends.count("LinkLocked") >= 40 - WRONG_IN_A_ROW


def test_a_link_ends_by_time_and_by_being_taken_back(shares: Shares, clock: Clock) -> None:
    short, taken = link(shares, ttl_s=60), link(shares, ttl_s=3600)
    inside = shares.open(taken.share.name, taken.code, BORN, PHONE)
    early = shares.open(short.share.name, short.code, BORN, PHONE)
    assert early.until_ms == short.share.expires_ms, "no session outlives its link"
    clock.ms += 60_000
    assert guess(shares, short, BORN) == "expired"
    with pytest.raises(LinkEnded):
        shares.admitted(short.share.name, early.cookie)
    shares.admitted(taken.share.name, inside.cookie)
    shares.revoke("default", taken.share.name, DOCTOR)
    with pytest.raises(LinkEnded, match="revoked"):
        shares.admitted(taken.share.name, inside.cookie)
    with pytest.raises(LinkEnded, match="revoked"):
        shares.look(taken.share.name, taken.code, PHONE)
    assert kinds(shares, taken) == ["made", "opened", "revoked", "refused"]


def test_a_session_ends_and_belongs_to_one_link(shares: Shares, clock: Clock) -> None:
    one, other = link(shares, ttl_s=86_400), link(shares, ttl_s=86_400)
    cookie = shares.open(one.share.name, one.code, BORN, PHONE).cookie
    until, nonce, mac = cookie.split(".")
    for name, forged in (
        (other.share.name, cookie),
        (one.share.name, f"{int(until) + 1}.{nonce}.{mac}"),
        (one.share.name, ""),
        (one.share.name, "🙂.🙂.🙂"),
    ):
        with pytest.raises(SignedOut):
            shares.admitted(name, forged)
    clock.ms += SESSION_MS
    with pytest.raises(SignedOut):
        shares.admitted(one.share.name, cookie)


def test_the_code_is_needed_and_not_kept(shares: Shares, house: House) -> None:
    made = link(shares, factor="code")
    for name, code in ((made.share.name, "x"), ("unknown", made.code)):
        with pytest.raises(LinkUnknown):
            shares.look(name, code, PHONE)
        with pytest.raises(LinkUnknown):
            shares.open(name, code, made.digits, PHONE)
    written = b"".join(path.read_bytes() for path in house.root.glob("index.db*"))
    assert made.share.name.encode() in written
    assert made.code.encode() not in written and made.digits.encode() not in written


def test_only_what_can_be_asked_is_asked(shares: Shares, house: House) -> None:
    assert shares.offers("default", "1.2.3") == ["birth_date", "code"]
    assert shares.offers("default", "1.9") == ["code"], "nobody wrote it down"
    with pytest.raises(CannotShare):
        link(shares, study="1.9")
    for institution, study in (("default", "1.404"), ("another", "1.2.3")):
        with pytest.raises(NotFound):
            link(shares, institution=institution, study=study)
    house.store(part10(ct(7, PatientID="P2")))
    with pytest.raises(CannotShare, match="several patients"):
        link(shares)


def test_a_link_is_its_own_institution_s(shares: Shares) -> None:
    made = link(shares)
    with pytest.raises(LinkUnknown):
        shares.revoke("another", made.share.name, DOCTOR)
    with pytest.raises(LinkUnknown):
        shares.events("another", made.share.name)
    assert shares.of_study("another", "1.2.3") == []


def test_what_happened_is_never_changed(shares: Shares, house: House) -> None:
    link(shares)
    engine = database.writing(database.url_of(house.root))
    table = schema.share_event
    for change in (update(table).values(kind="none"), delete(table)):
        refused = pytest.raises((IntegrityError, OperationalError), match="append-only")
        with refused, engine.begin() as connection:
            connection.execute(change)
    with engine.begin() as connection:
        assert connection.scalars(select(table.c.kind)).all() == ["made"]
    engine.dispose()


def test_a_guess_takes_its_time_and_a_key() -> None:
    kept = factors.hashed("123456", b"s" * 16, b"key")
    assert factors.right("123 456", b"s" * 16, kept, b"key")
    assert not factors.right("123456", b"s" * 16, kept, b"another")
    assert not factors.right("123456", b"t" * 16, kept, b"key")
    assert factors.COST * factors.BLOCK * 128 >= 16 << 20, "bytes of memory for each"


def test_sessions_outlive_a_restart(shares: Shares, house: House, clock: Clock) -> None:
    made = link(shares)
    cookie = shares.open(made.share.name, made.code, BORN, PHONE).cookie
    again = Shares(house.root, b"key" * 20, clock)
    assert again.admitted(made.share.name, cookie)[0].study == "1.2.3"
    again.close()
