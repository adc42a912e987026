"""Links that open one study for a patient or an outside doctor, and what happened to them.

A link is a name, which stands in an address, and a code that is kept as a hash. It opens only with
a second factor (`dicom.factors`), until it expires or is taken back. Invariant: an attempt is
counted, durably, before it is judged, so that many at once or a crash give nobody more of them;
and nobody is let in before that is written down.

Methods wait for the disk: an event loop calls them by `asyncio.to_thread`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from dicom import database, factors, made_for, schema
from dicom.errors import DicomError, NotFound
from dicom.factors import Factor

Audience = Literal["patient", "doctor"]
Reason = Literal["expired", "revoked", "closed", "failed"]
DERIVED = "share:"  # institutions of what was made for one link alone begin with it
CODE_BYTES = 15  # 120 bits: nobody guesses one
WRONG_IN_A_ROW = 5
WRONG_EVER = 15  # of a million codes; after them the link is closed for good
LOCK_MS = 15 * 60_000
SESSION_MS = 2 * 3_600_000
PER_STUDY_MAX = 50  # links that can be opened
EVENTS_MAX = 5000  # of one link, of what anybody who has it can repeat as he likes
TEXT_MAX = 200
REMEMBERED = 4096


class LinkUnknown(NotFound):
    """No such link, or not with this code."""


class LinkEnded(DicomError):
    """It was one."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"this link is {reason}")
        self.reason = reason


class LinkLocked(DicomError):
    """Too many wrong answers; another may be given from then on (ms since 1970)."""

    def __init__(self, until_ms: int) -> None:
        super().__init__("too many wrong answers; wait")
        self.until_ms = until_ms


class LinkNotReady(DicomError):
    """What it shows is still being made."""


class FactorWrong(DicomError):
    """So many more answers may be given before it is locked."""

    def __init__(self, left: int) -> None:
        super().__init__("that is not right")
        self.left = left


class SignedOut(DicomError):
    """No session, or one that has ended."""


class CannotShare(DicomError):
    """The doctor's wish cannot be met; the message says why."""


@dataclass(frozen=True)
class Who:
    """Who does something: a doctor by name, anybody else by where he comes from."""

    name: str = ""
    subject: str = ""
    remote: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class Wish:
    """A link as a doctor wants it."""

    institution: str
    study: str
    audience: Audience
    factor: Factor
    ttl_s: int
    deidentified: bool = False


@dataclass(frozen=True)
class Share:
    """A link as it is kept."""

    id: int
    name: str
    code_hash: bytes
    institution: str
    study: str
    shown_institution: str
    shown_study: str
    sender: str
    audience: Audience
    factor: Factor
    factor_salt: bytes
    factor_hash: bytes
    deidentified: bool
    state: str  # ready, preparing, failed; removed: what was made for it is gone
    made_by: str
    made_by_subject: str
    made_ms: int
    expires_ms: int
    revoked_ms: int | None
    wrong_in_row: int
    wrong_ever: int
    locked_until_ms: int
    shown_count: int
    withheld_count: int

    def ended(self, now_ms: int) -> Reason | None:
        """Why it opens nothing any more."""
        if self.revoked_ms is not None:
            return "revoked"
        if now_ms >= self.expires_ms:
            return "expired"
        if self.state in ("failed", "removed"):
            return "failed"
        return None

    def closed(self, now_ms: int) -> Reason | None:
        """Why nobody more is let in; who is inside may stay."""
        return self.ended(now_ms) or ("closed" if self.wrong_ever >= WRONG_EVER else None)


@dataclass(frozen=True)
class Made:
    """A new link with its secrets, never told again. `digits`: empty with a birth date."""

    share: Share
    code: str
    digits: str


@dataclass(frozen=True)
class Session:
    """Somebody who was let in. `cookie` proves it."""

    share: Share
    cookie: str
    until_ms: int


@dataclass(frozen=True)
class Listed:
    """A link as its doctor sees it."""

    share: Share
    accesses: int
    last_ms: int | None


class Shares:
    """All links of a data directory. One object for a server: it remembers what it has written."""

    def __init__(
        self, root: Path, key: bytes, now_ms: Callable[[], int] = lambda: round(time.time() * 1000)
    ) -> None:
        self._engine = database.writing(database.url_of(root))
        self._reading = database.reading(database.url_of(root))
        self._key = key
        self._now = now_ms
        self._known: OrderedDict[str, Share] = OrderedDict()
        self._lock = threading.Lock()  # over what is remembered

    def close(self) -> None:
        """Let go of the data base."""
        self._engine.dispose()
        self._reading.dispose()

    # --- for doctors ---------------------------------------------------------------------------

    def offers(self, institution: str, study: str) -> list[Factor]:
        """Second factors that a link to this study could have. Raises NotFound."""
        with self._reading.connect() as connection:
            row = _study(connection, institution, study)
        known = factors.birth_date(row["patient_birth_date"]) is not None
        return ["birth_date", "code"] if known else ["code"]

    def make(self, wish: Wish, by: Who) -> Made:
        """A new link. Raises NotFound, CannotShare."""
        now = self._now()
        name, code, digits = secrets.token_urlsafe(6), secrets.token_urlsafe(CODE_BYTES), ""
        salt = secrets.token_bytes(factors.SALT_BYTES)
        with self._reading.connect() as connection:
            study = _study(connection, wish.institution, wish.study)
            sender = "" if wish.deidentified else _sender(connection, study["id"], wish.institution)
        if study["patients_differ"]:
            raise CannotShare("its objects name several patients; somebody has to look at it first")
        if wish.factor == "birth_date":
            answer = factors.birth_date(study["patient_birth_date"]) or ""
            if not answer or wish.deidentified:
                raise CannotShare("the birth date cannot be asked for; take a code")
        else:
            answer = digits = factors.new_code()
        row: dict[str, Any] = {
            "name": name,
            "code_hash": _hashed(code),
            "institution": wish.institution,
            "study": wish.study,
            "shown_institution": DERIVED + name if wish.deidentified else wish.institution,
            "shown_study": "" if wish.deidentified else wish.study,
            "sender": sender,
            "audience": wish.audience,
            "factor": wish.factor,
            "factor_salt": salt,
            "factor_hash": factors.hashed(answer, salt, self._key),
            "deidentified": wish.deidentified,
            "state": "preparing" if wish.deidentified else "ready",
            "made_by": _short(by.name),
            "made_by_subject": _short(by.subject),
            "made_ms": now,
            "expires_ms": now + wish.ttl_s * 1000,
        }
        with self._engine.begin() as connection:
            if len(_open_links(connection, wish, now)) >= PER_STUDY_MAX:
                raise CannotShare("this study has many links already; take some back first")
            connection.execute(insert(schema.share).values(**row))
            share = _found(connection, name)
            _note(connection, share, "made", by, now)
        return Made(share, code, digits)

    def of_study(self, institution: str, study: str) -> list[Listed]:
        """Its links, the newest first."""
        table, event = schema.share, schema.share_event.c
        query = (
            select(table)
            .where(table.c.institution == institution, table.c.study == study)
            .order_by(table.c.id.desc())
            .limit(4 * PER_STUDY_MAX)
        )
        opened = func.count().filter(event.kind == "opened")
        last = func.max(event.at_ms).filter(event.kind.in_(("opened", "viewed", "downloaded")))
        with self._reading.connect() as connection:
            found = [_share(row) for row in connection.execute(query).mappings()]
            counts = {
                row[0]: (row[1], row[2])
                for row in connection.execute(
                    select(event.share_ref, opened, last)
                    .where(event.share_ref.in_([one.id for one in found]))
                    .group_by(event.share_ref)
                )
            }
        return [Listed(one, *counts.get(one.id, (0, None))) for one in found]

    def events(self, institution: str, name: str) -> list[Mapping[str, Any]]:
        """What happened to a link of that institution, the newest first. Raises LinkUnknown."""
        table = schema.share_event
        with self._reading.connect() as connection:
            share = _owned(connection, institution, name)
            query = select(table).where(table.c.share_ref == share.id).order_by(table.c.id.desc())
            return [dict(row) for row in connection.execute(query.limit(EVENTS_MAX)).mappings()]

    def revoke(self, institution: str, name: str, by: Who) -> Share:
        """Take it back: it opens nothing from now on. Raises LinkUnknown."""
        now = self._now()
        with self._engine.begin() as connection:
            share = _owned(connection, institution, name)
            if share.revoked_ms is None:
                _change(connection, share, revoked_ms=now)
                _note(connection, share, "revoked", by, now)
            share = _found(connection, name)
        self._remember(share)
        return share

    # --- for what is made for a link -----------------------------------------------------------

    def uid_key(self, share: Share) -> bytes:
        """By which UIDs are replaced in what is made for it."""
        return hmac.digest(self._key, f"uids\n{share.name}".encode(), "sha256")

    def over(self, share: Share) -> bool:
        """Whether it has ended meanwhile."""
        return self._read(share.name).ended(self._now()) is not None

    def prepared(self, share: Share, study: str, shown: int, withheld: int) -> None:
        """It may be opened now, and shows that study."""
        counts = {"shown_count": shown, "withheld_count": withheld}
        self._turn(share, "prepared", state="ready", shown_study=study, **counts)

    def failed(self, share: Share) -> None:
        """There will be nothing to show."""
        self._turn(share, "failed", state="failed")

    def preparing(self) -> list[Share]:
        """Those that nothing can be seen by yet."""
        return self._some(schema.share.c.state == "preparing")

    def left_over(self) -> list[Share]:
        """Those that have ended, with objects that were made for them alone."""
        table = schema.share.c
        ended = or_(
            table.revoked_ms.is_not(None),
            table.expires_ms <= self._now(),
            table.state == "failed",
        )
        return self._some(table.deidentified, table.state != "removed", ended)

    def remove(self, share: Share, remove: Callable[[str], None]) -> None:
        """Take away what was made for it: the files by `remove`, then what the index says."""
        if not share.shown_institution.startswith(DERIVED):
            raise ValueError("an original is never removed")
        with self._reading.connect() as connection:
            keys = made_for.keys(connection, share.shown_institution)
        for key in keys:
            remove(key)
        with self._engine.begin() as connection:
            made_for.forget(connection, share.shown_institution)
            _change(connection, share, state="removed")
            share = _found(connection, share.name)
        self._remember(share)

    def _turn(self, share: Share, kind: str, **values: Any) -> None:
        now = self._now()
        with self._engine.begin() as connection:
            _change(connection, share, **values)
            _note(connection, share, kind, Who(), now)
            share = _found(connection, share.name)
        self._remember(share)

    def _some(self, *conditions: Any) -> list[Share]:
        with self._reading.connect() as connection:
            rows = connection.execute(select(schema.share).where(*conditions)).mappings()
            return [_share(row) for row in rows]

    # --- for who comes by a link ---------------------------------------------------------------

    def look(self, name: str, code: str, who: Who) -> Share:
        """What may be told before the second factor. Raises LinkUnknown, LinkEnded."""
        now = self._now()
        with self._engine.begin() as connection:
            share = _opened_by(connection, name, code)
            reason = share.closed(now)
            self._note_some(connection, share, "refused" if reason else "looked", who, now)
        if reason:
            raise LinkEnded(reason)
        return share

    def open(self, name: str, code: str, said: str, who: Who) -> Session:
        """Let somebody in. Raises LinkUnknown, LinkEnded, LinkLocked, LinkNotReady, FactorWrong."""
        share = self._attempt(name, code, who)
        good = factors.right(said, share.factor_salt, share.factor_hash, self._key)
        now = self._now()
        with self._engine.begin() as connection:
            _note(connection, share, "opened" if good else "wrong", who, now)
            if good:
                ever = schema.share.c.wrong_ever - 1  # it was none
                _change(connection, share, wrong_in_row=0, wrong_ever=ever, locked_until_ms=0)
            share = _found(connection, name)
            if not good and share.locked_until_ms > now:
                _note(connection, share, "locked", who, now)
        self._remember(share)
        if good:
            return self._session(share, now)
        if share.wrong_ever >= WRONG_EVER:
            raise LinkEnded("closed")
        if share.locked_until_ms > now:
            raise LinkLocked(share.locked_until_ms)
        raise FactorWrong(WRONG_IN_A_ROW - share.wrong_in_row)

    def admitted(self, name: str, cookie: str) -> tuple[Share, str]:
        """Whose session a cookie is, and its own name. Raises SignedOut, LinkEnded.

        Quick: it is asked for every picture.
        """
        until, _, rest = cookie.partition(".")
        nonce, _, mac = rest.partition(".")
        if not hmac.compare_digest(self._mac(name, until, nonce), mac.encode("utf-8", "replace")):
            raise SignedOut("open the link again")
        now = self._now()
        share = self._known.get(name) or self._read(name)
        if reason := share.ended(now):
            raise LinkEnded(reason)
        if now >= int(until):
            raise SignedOut("the visit is over; open the link again")
        return share, nonce

    def note(self, share: Share, kind: str, who: Who) -> None:
        """Write down what somebody does who was let in."""
        now = self._now()
        with self._engine.begin() as connection:
            self._note_some(connection, share, kind, who, now)

    # --- below ---------------------------------------------------------------------------------

    def _attempt(self, name: str, code: str, who: Who) -> Share:
        """Count it, as if it were wrong."""
        now = self._now()
        refused: DicomError | None = None
        with self._engine.begin() as connection:
            share = _opened_by(connection, name, code)
            if reason := share.closed(now):
                self._note_some(connection, share, "refused", who, now)
                refused = LinkEnded(reason)
            elif share.locked_until_ms > now:
                self._note_some(connection, share, "refused", who, now)
                refused = LinkLocked(share.locked_until_ms)
            elif share.state != "ready":
                refused = LinkNotReady("the images are still being prepared")
            else:
                last = share.wrong_in_row + 1 >= WRONG_IN_A_ROW
                _change(
                    connection,
                    share,
                    wrong_in_row=0 if last else schema.share.c.wrong_in_row + 1,
                    wrong_ever=schema.share.c.wrong_ever + 1,
                    locked_until_ms=now + LOCK_MS if last else 0,
                )
        if refused:
            raise refused
        return share

    def _session(self, share: Share, now: int) -> Session:
        until = min(now + SESSION_MS, share.expires_ms)
        nonce = secrets.token_urlsafe(9)
        mac = self._mac(share.name, str(until), nonce).decode()
        return Session(share, f"{until}.{nonce}.{mac}", until)

    def _mac(self, name: str, until: str, nonce: str) -> bytes:
        said = f"session\n{name}\n{until}\n{nonce}".encode("utf-8", "replace")
        return base64.urlsafe_b64encode(hmac.digest(self._key, said, "sha256"))

    def _read(self, name: str) -> Share:
        with self._reading.connect() as connection:
            share = _found(connection, name)
        self._remember(share)
        return share

    def _remember(self, share: Share) -> None:
        with self._lock:
            known = self._known.pop(share.name, None)
            # Two threads may come in the other order than they wrote.
            self._known[share.name] = known if known and known.revoked_ms is not None else share
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def _note_some(
        self, connection: Connection, share: Share, kind: str, who: Who, now: int
    ) -> None:
        table = schema.share_event.c
        count = select(func.count()).where(table.share_ref == share.id)
        if (connection.scalar(count) or 0) < EVENTS_MAX:
            _note(connection, share, kind, who, now)


def _study(connection: Connection, institution: str, study: str) -> RowMapping:
    table = schema.study
    query = (
        select(table.c.id, table.c.patient_birth_date, table.c.patients_differ)
        .join(schema.institution, table.c.institution_id == schema.institution.c.id)
        .where(schema.institution.c.name == institution, table.c.uid == study)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("no such study")
    return row


def _sender(connection: Connection, study: int, institution: str) -> str:
    """The hospital as its own objects call it."""
    table = schema.series.c
    query = select(table.institution_name).where(table.study_ref == study)
    named = connection.scalar(query.where(table.institution_name != "").limit(1))
    return _short(named or ("" if institution == "default" else institution))


def _open_links(connection: Connection, wish: Wish, now: int) -> list[int]:
    table = schema.share.c
    query = select(table.id).where(
        table.institution == wish.institution,
        table.study == wish.study,
        table.revoked_ms.is_(None),
        table.expires_ms > now,
    )
    return list(connection.scalars(query))


def _found(connection: Connection, name: str) -> Share:
    query = select(schema.share).where(schema.share.c.name == name)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise LinkUnknown("no such link")
    return _share(row)


def _owned(connection: Connection, institution: str, name: str) -> Share:
    share = _found(connection, name)
    if share.institution != institution:
        raise LinkUnknown("no such link")
    return share


def _opened_by(connection: Connection, name: str, code: str) -> Share:
    share = _found(connection, name)
    if not hmac.compare_digest(share.code_hash, _hashed(code)):
        raise LinkUnknown("no such link")
    return share


def _share(row: RowMapping) -> Share:
    return Share(**row)


def _change(connection: Connection, share: Share, **values: Any) -> None:
    table = schema.share
    connection.execute(update(table).where(table.c.id == share.id).values(**values))


def _note(connection: Connection, share: Share, kind: str, who: Who, now: int) -> None:
    connection.execute(
        insert(schema.share_event).values(
            share_ref=share.id,
            at_ms=now,
            kind=kind,
            who=_short(who.name),
            remote=_short(who.remote),
            user_agent=_short(who.user_agent),
        )
    )


def _short(text: str) -> str:
    """Bounded, and nothing that a terminal would act on."""
    return "".join(char for char in text[:TEXT_MAX] if char.isprintable())


def _hashed(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
