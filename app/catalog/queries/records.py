"""Reading records: what a view needs, in a counted number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    bindparam,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.caching import remembered
from app.catalog.description import Kind, State
from app.catalog.models import (
    HeldPublication,
    RecordIdentifier,
    RecordRow,
    StoredPublication,
)
from app.catalog.queries.seeing import seen_by
from app.catalog.queries.states import state_before
from app.database import read, rfc3339
from app.errors import GoneError, NotFoundError
from app.identity.access import Policies, admits, counted_at, policies_of
from app.identity.models import Library


@dataclass(frozen=True, slots=True)
class Found:
    """A record as the reading addresses need it: one row, no assembly."""

    id: str
    kind: str
    state: str
    version: int
    audience: str
    policy: str
    parent_policy: str | None
    whole_policy: str | None
    library_policy: str | None
    description: bytes
    summary: bytes
    library_id: str
    library: str
    library_path: str
    work_id: str
    parent_id: str | None
    whole_id: str | None
    successor_id: str | None
    reason: str
    source: str | None
    source_id: str | None
    added_at: datetime
    changed_at: datetime

    @property
    def policies(self) -> Policies:
        """Every policy that its use asks for."""
        return policies_of(self.policy, self.parent_policy, self.whole_policy, self.library_policy)

    @property
    def counted(self) -> dict[str, str]:
        """Where its uses are counted."""
        return counted_at(self.id, self.parent_id, self.whole_id, self.library_id)


PARENT, WHOLE = aliased(RecordRow), aliased(RecordRow)
"""What a record belongs to, and what that belongs to: an article, its issue, its journal."""
_COLUMNS = (
    RecordRow.id, RecordRow.kind, RecordRow.state, RecordRow.version, RecordRow.audience,
    RecordRow.policy, PARENT.policy.label("parent_policy"), WHOLE.policy.label("whole_policy"),
    Library.policy.label("library_policy"), RecordRow.description, RecordRow.summary,
    RecordRow.library_id, Library.name.label("library"), Library.path, RecordRow.work_id,
    RecordRow.parent_id, PARENT.parent_id.label("whole_id"), RecordRow.successor_id,
    RecordRow.reason, RecordRow.source, RecordRow.source_id, RecordRow.added_at,
    RecordRow.changed_at,
)  # fmt: skip
_BY_ID = (
    select(*_COLUMNS)
    .join(Library, Library.id == RecordRow.library_id)
    .outerjoin(PARENT, PARENT.id == RecordRow.parent_id)
    .outerjoin(WHOLE, WHOLE.id == PARENT.parent_id)
    .where(RecordRow.id == bindparam("record_id"))
)


def find(session: Session, record_id: str, kind: str | None = None) -> Found:
    """The record of this id, whatever its state, as it stood a moment ago (:mod:`app.caching`).

    :raises NotFoundError: when there is none of this kind.
    """

    def asked() -> Found:
        row = read(session, _BY_ID, record_id=record_id).one_or_none()
        if row is None:
            raise NotFoundError(kind or "record", record_id)
        return Found(*tuple(row))

    stamp = stamp_of(record_id)
    found = remembered(session, stamp, stamp, Found, asked)
    if kind is not None and found.kind != kind:
        raise NotFoundError(kind, record_id)
    return found


def stamp_of(record_id: str) -> str:
    """Under what a record is kept in caches, until it changes."""
    return f"record:{record_id}"


def visible(
    session: Session, record_id: str, audience: tuple[str, ...], kind: str | None = None
) -> Found:
    """The published record of this id, for a caller who may see it.

    :raises NotFoundError: when there is none, or it is not for them; a draft leaves no tombstone.
    :raises GoneError: when it was withdrawn or merged; ``successor`` names what answers instead.
    """
    found = find(session, record_id, kind)
    if found.state == State.DRAFT or not admits(audience, found.audience, found.library_path):
        raise NotFoundError(kind or "record", record_id)
    if found.state != State.PUBLISHED:
        if state_before(session, record_id) != State.PUBLISHED:
            raise NotFoundError(kind or "record", record_id)
        since = rfc3339(found.changed_at)
        raise GoneError(found.kind, record_id, since, found.successor_id, found.reason)
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """Ready-made summaries, and the position after them (``None`` at the end)."""

    summaries: list[bytes]
    next: tuple[int, str] | None


def newest(
    session: Session,
    *,
    audience: tuple[str, ...],
    kind: str | None = None,
    library_id: str | None = None,
    parent_id: str | None = None,
    after: tuple[int, str] | None = None,
    limit: int = 50,
) -> Page:
    """Published records, the newest first, by keyset: the last page costs what the first does.

    Of a kind, a kind of a library's, or the parts of a record: these have an index each.
    """
    filters = {"kind": kind, "library_id": library_id, "parent_id": parent_id}
    given = {name: value for name, value in filters.items() if value is not None}
    wanted = _newest(*given, audience=audience, goes_on=after is not None)
    position = dict(zip(("moment", "record_id"), after or (), strict=False))
    values = {**given, **position, "most": limit + 1}
    rows = read(session, wanted, **values).all()
    page = rows[:limit]
    end = (page[-1].moment, page[-1].id) if len(rows) > limit else None
    return Page([row.summary for row in page], end)


@lru_cache(maxsize=256)
def _newest(*filters: str, audience: tuple[str, ...], goes_on: bool) -> Select[*tuple[Any, ...]]:
    """The statement of a list with these filters, made once."""
    wanted = _list(audience).where(
        *(getattr(RecordRow, name) == bindparam(name) for name in filters)
    )
    if goes_on:
        position = tuple_(bindparam("moment", type_=BigInteger), bindparam("record_id"))
        wanted = wanted.where(tuple_(_MOMENT, RecordRow.id) < position)
    return wanted


_MOMENT = type_coerce(RecordRow.added_at, BigInteger)
"""The time as it is kept: fifty aware times that nobody looks at cost more than the rows."""


def _list(audience: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    wanted = select(RecordRow.summary, _MOMENT.label("moment"), RecordRow.id).where(
        RecordRow.state == State.PUBLISHED, seen_by(audience)
    )
    order = (RecordRow.added_at.desc(), RecordRow.id.desc())
    return wanted.order_by(*order).limit(bindparam("most"))


def arrivals(session: Session, audience: tuple[str, ...], limit: int) -> list[bytes]:
    """The summaries of the newest records of all kinds together, the newest first."""
    return list(read(session, _arrivals(audience), most=limit).scalars())


@lru_cache(maxsize=256)
def _arrivals(audience: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    """The first of each kind's list: there is an index for each of these, and none for all."""
    lists = (_list(audience).where(RecordRow.kind == kind).subquery() for kind in Kind)
    every = union_all(*map(select, lists)).subquery()
    newest = select(every.c.summary).order_by(every.c.moment.desc(), every.c.id.desc())
    return newest.limit(bindparam("most"))


def summaries(session: Session, ids: list[str], audience: tuple[str, ...]) -> dict[str, bytes]:
    """The summaries of those of these records that the caller may see, by id."""
    wanted = select(RecordRow.id, RecordRow.summary).where(
        RecordRow.id.in_(ids),
        RecordRow.state == State.PUBLISHED,
        seen_by(audience),
    )
    return {row.id: row.summary for row in session.execute(wanted)}


def editions(
    session: Session, work_id: str, audience: tuple[str, ...], limit: int = 50
) -> list[bytes]:
    """The summaries of the editions of one work, the newest first."""
    wanted = (
        select(RecordRow.summary)
        .where(
            RecordRow.work_id == work_id,
            RecordRow.state == State.PUBLISHED,
            seen_by(audience),
        )
        .order_by(RecordRow.added_at.desc(), RecordRow.id.desc())
        .limit(limit)
    )
    return list(session.scalars(wanted))


def by_identifier(session: Session, pairs: set[tuple[str, str]]) -> list[str]:
    """The ids of the live records that carry one of these (scheme, value) pairs."""
    if not pairs:
        return []
    matches = [
        and_(RecordIdentifier.value == value, RecordIdentifier.scheme == scheme)
        for scheme, value in sorted(pairs)
    ]
    wanted = (
        select(RecordRow.id)
        .join(RecordIdentifier, RecordIdentifier.record_id == RecordRow.id)
        .where(or_(*matches), RecordRow.state.in_((State.PUBLISHED, State.DRAFT)))
        .order_by(RecordRow.id)
        .distinct()
    )
    return list(session.scalars(wanted))


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A publication that a record holds."""

    sha256: str
    filename: str
    format: str
    media_type: str
    size: int


_HELD = (
    select(
        StoredPublication.sha256, HeldPublication.filename, StoredPublication.format,
        StoredPublication.media_type, StoredPublication.size,
    )
    .join(HeldPublication, HeldPublication.sha256 == StoredPublication.sha256)
    .where(HeldPublication.record_id == bindparam("record_id"))
    .order_by(HeldPublication.held_at.desc(), HeldPublication.sha256)
)  # fmt: skip


def held(session: Session, record_id: str) -> list[HeldFile]:
    """The publications that a record holds, the newest first."""
    return [HeldFile(*tuple(row)) for row in read(session, _HELD, record_id=record_id)]
