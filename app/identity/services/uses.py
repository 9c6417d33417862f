"""Uses: leases to read what is limited in number, begun by opening and gone on with by reading.

A use that nobody reads in ends by itself within half an hour, and each of them some hours after
it began, so that whoever waits can be told when a place comes free at the latest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    Update,
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.database import Database, Instant, now, random_id
from app.errors import NotFoundError
from app.identity import access
from app.identity.access import Protected
from app.identity.models import Use, UseLock
from app.identity.policies import Rules
from app.identity.queries.uses import counted_at
from app.identity.services.circumstances import Now
from app.permissions import Caller

WINDOW = 600
"""Seconds: uses and grants end where such a window of the clock does, so that addresses repeat."""
LIFE = 3
"""Windows that a use holds when it is begun or gone on with: between twenty and thirty minutes."""
RENEWED = timedelta(seconds=2 * WINDOW)
"""Reading goes on with a use that has less left than this: one write in ten minutes."""
MINUTES = 240
"""How long a use goes on at most, where its policy does not say."""
REMEMBERED = timedelta(days=30)
"""How long it is kept whose an ended use was."""
KEPT = timedelta(days=400)
"""How long an ended use is kept that is nobody's any more: a year of reports, and a month."""
AT_ONCE = 500
_LIVE = Use.ended_at.is_(None)


@dataclass(frozen=True, slots=True)
class Running:
    """A use that goes on."""

    id: str
    until: datetime
    is_new: bool = False


def begin(session: Session, caller: Caller, thing: Protected, session_id: str | None) -> Running:
    """The caller's use of what they were just allowed to use: a new one, or theirs that goes on.

    While it is counted nobody else's begins in the same places, so that there are never more than
    the policies allow.

    :raises NotUsableError: when no place is left, and in a transaction that may be rolled back.
    """
    limiting = access.numbers(thing, Now(session, caller))
    account_id, record_id = caller.account_id, _key(thing, "record")
    mine = (Use.record_id == record_id, Use.account_id == account_id)
    _hold(session, limiting)
    at = now()  # once nobody else counts
    where = or_(and_(*mine), *(counted_at(place) for place in limiting))
    session.execute(update(Use).where(where, _LIVE, Use.until <= at).values(ended_at=Use.until))
    going_on = _renewal(at).where(*mine, _LIVE)
    found = session.execute(going_on.values(session_id=session_id).returning(Use.id, Use.until))
    if row := found.one_or_none():
        return Running(row.id, row.until)
    access.require_number(caller, thing, Now(session, caller, at))
    last_at = at + timedelta(minutes=_minutes(limiting.values()))
    use = Use(
        id=random_id(),
        record_id=record_id,
        parent_id=_key(thing, "parent"),
        whole_id=_key(thing, "whole"),
        library_id=_key(thing, "library"),
        account_id=account_id,
        session_id=session_id,
        begun_at=at,
        until=min(_aligned(at), last_at),
        last_at=last_at,
    )
    session.add(use)
    session.flush()
    return Running(use.id, use.until, is_new=True)


def read_on(session: Session, use_id: str) -> None:
    """Goes on with a use because something of it was read."""
    at = now()
    session.execute(_renewal(at).where(Use.id == use_id, _LIVE, Use.until > at))


def give_back(session: Session, account_id: str, use_id: str) -> None:
    """Ends a reader's use before its time; what has ended stays as it is.

    :raises NotFoundError: when they have none of this id.
    """
    mine = (Use.id == use_id, Use.account_id == account_id)
    at = literal(now(), Instant())
    ended = func.coalesce(Use.ended_at, case((Use.until < at, Use.until), else_=at))
    given = update(Use).where(*mine).values(ended_at=ended).returning(Use.id)
    if session.scalar(given) is None:
        raise NotFoundError("use", use_id)


def tend(database: Database) -> None:
    """Ends uses whose time has come, forgets after a month whose they were, then them."""
    at = now()
    due = update(Use).values(ended_at=Use.until)
    owners = update(Use).values(account_id=None, session_id=None)
    for change, where in (
        (due, (_LIVE, Use.until <= at)),
        (owners, (Use.ended_at < at - REMEMBERED, Use.account_id.is_not(None))),
        (delete(Use), (Use.ended_at < at - KEPT,)),
    ):
        changed = AT_ONCE
        while changed == AT_ONCE:
            with database.transaction() as session:
                few = select(Use.id).where(*where).limit(AT_ONCE).with_for_update(skip_locked=True)
                ids = session.scalars(few).all()
                session.execute(change.where(Use.id.in_(ids), *where))
                changed = len(ids)


def _hold(session: Session, places: Iterable[str]) -> None:
    """Locks what is counted at, until the transaction ends; in one order, so that none deadlock."""
    for place in sorted(places):
        session.execute(_locking(session).values(place=place, taken=1))


def _locking(session: Session) -> postgresql.Insert | sqlite.Insert:
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(UseLock) if on_sqlite else postgresql.insert(UseLock)
    again = {"taken": UseLock.taken + 1}
    return insert.on_conflict_do_update(index_elements=["place"], set_=again)


def _renewal(at: datetime) -> Update:
    """Gives as long again as one that is begun now has, but not past the last moment."""
    until = literal(_aligned(at), Instant())
    return update(Use).values(until=case((Use.last_at < until, Use.last_at), else_=until))


def _key(thing: Protected, part: str) -> str | None:
    place = thing.counted.get(part)
    return place.partition(":")[2] if place else None


def _minutes(limiting: Iterable[Rules]) -> int:
    return min(rules.use_minutes or MINUTES for rules in limiting)


def _aligned(at: datetime) -> datetime:
    """When what is given now ends."""
    return datetime.fromtimestamp((int(at.timestamp()) // WINDOW + LIFE) * WINDOW, UTC)
