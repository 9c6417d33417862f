"""Merging two accounts of one person: everything of the one goes to the other, once and for good.

What becomes of which rows is said beside the columns (:mod:`app.personal`). Nobody's power grows:
who has roles is not merged away. What remains is a tombstone that answers where the account went.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from app.database import Base, now
from app.errors import ConflictError
from app.identity import handles
from app.identity.accounts import Known
from app.identity.models import Account
from app.identity.services import attaching, audit, homes, notices, sessions
from app.identity.services.attaching import HandleLine
from app.identity.services.audit import Actor
from app.identity.services.notices import Change
from app.personal import Merging, Owned, owned
from app.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Other:
    """An account that somebody has proven to be theirs too; ``version`` as it was then."""

    account_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What merging would do, named before it is done; ``refusals`` say why it would not.

    Counted by table: what moves, what ends, and of what the account that stays has the same.
    """

    name: str
    handles: list[HandleLine]
    moved: dict[str, int]
    ended: dict[str, int]
    doubled: dict[str, int]
    home: str | None
    """The library that is no longer one's own, where both have one."""
    refusals: list[str]


def plan(session: Session, known: Known, other: Other) -> Plan:
    """What merging the other account into the one that is signed in would do.

    :raises ForbiddenError: as :func:`merge`. :raises ConflictError: when the proof is void.
    """
    sessions.require_fresh(known)
    into, gone = session.get_one(Account, known.account_id), _proven(session, other)
    counts: dict[Merging, dict[str, int]] = {Merging.MOVED: {}, Merging.ENDED: {}}
    doubled: dict[str, int] = {}
    for one in _all():
        if found := _count(session, one, gone.id):
            kind = Merging.MOVED if one.personal.merging is Merging.SOLE else one.personal.merging
            counts.setdefault(kind, {})[one.name] = found
        if one.personal.merging is Merging.MOVED and (same := _doubles(session, one, into, gone)):
            doubled[one.name] = same
    differs = into.home_id is not None and gone.home_id not in (None, into.home_id)
    return Plan(
        name=gone.name,
        handles=attaching.listed(session, gone.id),
        moved=counts[Merging.MOVED],
        ended=counts[Merging.ENDED],
        doubled=doubled,
        home=gone.home_id if differs else None,
        refusals=_refusals(session, into, gone),
    )


def merge(session: Session, sealer: Sealer, actor: Actor, known: Known, other: Other) -> None:
    """Merges the other account into the one that is signed in. It cannot be taken back.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises UnauthenticatedError: when the session has ended meanwhile.
    :raises ConflictError: when the proof is void, or something stands in the way.
    """
    sessions.require_fresh(known)
    into, gone = _locked(session, known.account_id, other.account_id)
    sessions.named(session, known)
    if gone.closed_at is not None or gone.version != other.version:
        raise _void()
    if refusals := _refusals(session, into, gone):
        raise ConflictError(f"These accounts are not merged: {', '.join(refusals)}.")
    for account in (into, gone):
        notices.tell(session, actor, account.id, Change.MERGED)
    _take_address(session, sealer, actor, into, gone)
    everything = list(_all())
    for one in everything:
        if one.personal.merging in (Merging.MOVED, Merging.SOLE):
            _move(session, sealer, one, into.id, gone.id)
    for one in reversed(everything):
        if one.personal.merging is Merging.ENDED:
            session.execute(delete(one.table).where(one.column == gone.id))
    _bury(session, actor, into, gone)


def _bury(session: Session, actor: Actor, into: Account, gone: Account) -> None:
    """The other is closed and names nobody; what it knows better of the person is kept."""
    home, assurance = gone.home_id, max(into.assurance, gone.assurance)
    homes.settle(session, gone, None, 0)
    homes.settle(session, into, into.home_id or home, assurance)
    gone.name, gone.name_key, gone.closing_at = "", "", None
    gone.closed_at, gone.merged_into = now(), into.id
    gone.version += 1
    earlier = update(Account).where(Account.merged_into == gone.id)
    session.execute(earlier.values(merged_into=into.id))
    audit.note(session, actor, "account.merged", f"account:{gone.id}", home, into=into.id)
    audit.note(session, actor, "account.took-over", f"account:{into.id}", into.home_id, of=gone.id)
    session.flush()


def _locked(session: Session, into: str, gone: str) -> tuple[Account, Account]:
    """Both, in the order of their ids, so that two merges of the same two do not block each other.

    Until this commits nothing can be added to either: whatever refers to one waits for it.
    """
    rows = {
        name: session.get_one(Account, name, with_for_update=True, populate_existing=True)
        for name in sorted({into, gone})
    }
    return rows[into], rows[gone]


def _proven(session: Session, other: Other) -> Account:
    account = session.get_one(Account, other.account_id)
    if account.closed_at is not None or account.version != other.version:
        raise _void()
    return account


def _void() -> ConflictError:
    return ConflictError("The other account has changed since you showed that it is yours.")


def _refusals(session: Session, into: Account, gone: Account) -> list[str]:
    """Why these two are not merged: words for what stands in the way; nothing where they are."""
    found = []
    if into.id == gone.id:
        return ["same"]
    if into.suspended_at or gone.suspended_at:
        found.append("suspended")
    if into.kind != "person" or gone.kind != "person" or into.closed_at:
        found.append("kind")
    both_known = min(into.assurance, gone.assurance) >= homes.VERIFIED
    for one in _all():
        rule = one.personal.merging
        barred = {Merging.REFUSED: (gone,), Merging.APART: (into, gone)}.get(rule, ())
        if any(_count(session, one, who.id) for who in barred):
            found.append(one.name)
        if rule is Merging.SOLE:
            both_known |= all(_count(session, one, who.id) for who in (into, gone))
    return [*found, "two-persons"] if both_known else found


def _take_address(
    session: Session, sealer: Sealer, actor: Actor, into: Account, gone: Account
) -> None:
    """The address that an earlier release kept with the account becomes a handle."""
    if address := gone.email:
        gone.email = None
        session.flush()
        handle = handles.normal(address)
        if attaching.find(session, sealer, handle) is None:
            attaching.attach(session, sealer, actor, into.id, handle, verified=False)


def _move(session: Session, sealer: Sealer, one: Owned, into: str, gone: str) -> None:
    """Where both have the same, the one of the account that stays stands."""
    for same in _same(one, into):
        session.execute(delete(one.table).where(one.column == gone, same))
    for name, purpose in one.personal.sealed.items():
        _seal_anew(session, sealer, one, (name, purpose), into, gone)
    session.execute(update(one.table).where(one.column == gone).values({one.column.name: into}))


def _seal_anew(
    session: Session, sealer: Sealer, one: Owned, sealed: tuple[str, str], into: str, gone: str
) -> None:
    """What is sealed for its owner alone is sealed for the next."""
    (name, purpose), key = sealed, list(one.table.primary_key)
    for row in session.execute(select(*key, one.table.c[name]).where(one.column == gone)).all():
        mine = [each == value for each, value in zip(key, row[:-1], strict=True)]
        anew = sealer.seal(purpose, into, sealer.unseal(purpose, gone, row[-1]))
        session.execute(update(one.table).where(*mine).values({name: anew}))


def _doubles(session: Session, one: Owned, into: Account, gone: Account) -> int:
    counted = 0
    for same in _same(one, into.id):
        wanted = select(func.count()).select_from(one.table).where(one.column == gone.id, same)
        counted += session.scalar(wanted) or 0
    return counted


def _same(one: Owned, into: str) -> Iterator[ColumnElement[bool]]:
    """For each key that the account is part of: that ``into`` has a row of the same key."""
    for columns, only in _keys(one.table):
        if one.column in columns:
            theirs = one.table.alias()
            rest = [one.table.c[c.name] == theirs.c[c.name] for c in columns if c is not one.column]
            both = select(1).where(theirs.c[one.column.name] == into, *rest, only)
            yield both.correlate(one.table).exists() & only


def _keys(table: Table) -> Iterator[tuple[list[Column[Any]], ColumnElement[bool]]]:
    """The keys of a table that may not be there twice, each with the rows for which it holds."""
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield list(constraint.columns), true()
    for index in table.indexes:
        if index.unique:
            only = index.dialect_options["sqlite"]["where"]
            yield list(index.columns), true() if only is None else literal_column(str(only))


def _count(session: Session, one: Owned, account_id: str) -> int:
    wanted = select(func.count()).select_from(one.table).where(one.column == account_id)
    return session.scalar(wanted) or 0


def _all() -> Iterator[Owned]:
    return owned(Base.metadata)
