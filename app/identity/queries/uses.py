"""Counting who uses what now, and one's own uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.database import Instant, read
from app.identity import tree
from app.identity.conditions import Taken
from app.identity.models import Credential, Library, Turnaway, Use

Position = tuple[datetime, str]
_LIVE = Use.ended_at.is_(None)


_COUNTED = {
    "record": (Use.record_id, Use.parent_id, Use.whole_id),
    "library": (Use.library_id,),
}
"""By which columns a use counts at a place. What a record limits, its parts and theirs take from
as well."""


def counted_at(place: str) -> ColumnElement[bool]:
    """That a use counts at this place."""
    kind, _, key = place.partition(":")
    return or_(*(column == key for column in _COUNTED[kind]))


def _counting(columns: Iterable[InstrumentedAttribute[Any]]) -> Select[*tuple[Any, ...]]:
    """Readers are counted, not what they opened: each is one, and leaves with their last use.

    Each column is looked for by itself, since there is an index for each of them.
    """
    going_on = (_LIVE, Use.until > bindparam("when", type_=Instant()))
    there = union_all(
        *(
            select(Use.account_id, Use.last_at).where(
                column == bindparam("place"), *going_on, Use.account_id != bindparam("besides")
            )
            for column in columns
        )
    ).subquery()
    last_at = func.max(there.c.last_at, type_=Instant()).label("last_at")
    live = select(last_at).group_by(there.c.account_id).cte("live")
    leaving = select(live.c.last_at).order_by(live.c.last_at.desc())
    free = leaving.limit(1).offset(bindparam("places")).scalar_subquery()
    return select(func.count().label("readers"), free.label("free")).select_from(live)


_COUNTING = {kind: _counting(columns) for kind, columns in _COUNTED.items()}


def taken(session: Session, place: str, most: int, besides: str, when: datetime) -> Taken | None:
    """How many readers besides this one use what counts there, and when one of ``most`` is free.

    ``None`` for a place of no kind that is known. One statement, of what is in use alone.
    """
    kind, _, key = place.partition(":")
    if kind not in _COUNTING:
        return None
    values = {"place": key, "besides": besides, "when": when, "places": most - 1}
    row = read(session, _COUNTING[kind], **values).one()
    return Taken(row.readers, row.free)


@dataclass(frozen=True, slots=True)
class UseLine:
    """One use as its reader sees it; ``device`` is where it was opened last, while known."""

    id: str
    record_id: str
    begun_at: datetime
    until: datetime
    last_at: datetime
    ended_at: datetime | None
    device: str


def own(
    session: Session, account_id: str, after: Position | None, limit: int
) -> tuple[list[UseLine], Position | None]:
    """A reader's uses, the newest first; where to go on."""
    wanted: Select[*tuple[Any, ...]] = (
        select(
            Use.id, Use.record_id, Use.begun_at, Use.until, Use.last_at, Use.ended_at,
            func.coalesce(Credential.device, "").label("device"),
        )
        .outerjoin(Credential, Credential.id == Use.session_id)
        .where(Use.account_id == account_id)
        .order_by(Use.begun_at.desc(), Use.id.desc())
        .limit(limit + 1)
    )  # fmt: skip
    if after is not None:
        place = tuple_(bindparam("at", after[0], Instant()), bindparam("id", after[1]))
        wanted = wanted.where(tuple_(Use.begun_at, Use.id) < place)
    rows = session.execute(wanted).all()
    last = rows[limit - 1] if len(rows) > limit else None
    lines = [UseLine(*tuple(row)) for row in rows[:limit]]
    return lines, (last.begun_at, last.id) if last else None


@dataclass(frozen=True, slots=True)
class Numbers:
    """How much is in use now at and below a library, and how often readers were turned away.

    ``records`` are those most asked for in vain: id, readers now, times turned away.
    """

    in_use: int
    turned_away: int
    records: list[tuple[str, int, int]]


def numbers(session: Session, path: str, since: str, when: datetime, limit: int) -> Numbers:
    """What the library at ``path`` and those below it have lent; ``since`` a day. Nobody is named.

    Three statements, however many libraries there are.
    """
    there = tree.below(Library.path, path)
    live = (_LIVE, Use.until > when)
    lent = select(func.count()).select_from(Use).join(Library, Library.id == Use.library_id)
    times = func.coalesce(func.sum(Turnaway.times), 0).label("times")
    away = select(times).join(Library, Library.id == Turnaway.library_id)
    away = away.where(there, Turnaway.day >= since)
    few = (
        away.add_columns(Turnaway.record_id)
        .group_by(Turnaway.record_id)
        .order_by(times.desc(), Turnaway.record_id)
        .limit(limit)
        .subquery()
    )
    now_of = select(func.count()).where(Use.record_id == few.c.record_id, *live).scalar_subquery()
    worst = select(few.c.record_id, now_of, few.c.times)
    rows = session.execute(worst.order_by(few.c.times.desc(), few.c.record_id))
    return Numbers(
        in_use=session.scalar(lent.where(there, *live)) or 0,
        turned_away=session.scalar(away) or 0,
        records=[(record, lent_now, int(n)) for record, lent_now, n in rows],
    )


def running(session: Session, account_id: str, record_id: str, when: datetime) -> UseLine | None:
    """The reader's use of a record, where it goes on now."""
    wanted = select(Use).where(
        Use.record_id == record_id, Use.account_id == account_id, _LIVE, Use.until > when
    )
    row = session.scalar(wanted)
    if row is None:
        return None
    return UseLine(row.id, row.record_id, row.begun_at, row.until, row.last_at, None, "")
