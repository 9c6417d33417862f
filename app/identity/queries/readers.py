"""The readers of a library and of those below it, each question in one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.database import rfc3339
from app.errors import GoneError, NotFoundError
from app.identity import tree
from app.identity.models import Account, Handle, Library, LibraryCounts
from app.identity.people import HandleMask, ReaderCount, ReaderItem
from app.identity.queries.walking import Order, Position, walk

_LAST = "\U0010ffff"
_COLUMNS = (
    Account.id, Account.name, Account.name_key, Account.assurance, Account.added_at,
    Account.suspended_at, Account.closing_at,
)  # fmt: skip
_NEWEST = Order(
    Account.home_id, Account.added_at, Account.id, datetime(9999, 1, 1, tzinfo=UTC), descending=True
)
_NAMED = Order(Account.home_id, Account.name_key, Account.id, "")

Lookup = tuple[str, str]
"""A handle's kind and the hash that it is found by."""


def newest(
    session: Session, path: str, after: Position | None, limit: int
) -> tuple[list[ReaderItem], Position | None]:
    """Readers by their library's place in the tree, there the newest first; where to go on."""
    page = walk(session, select(*_COLUMNS), _NEWEST, path, after, limit + 1)
    rows = list(_masked(session, page, lambda c: (c.path, c.added_at.desc(), c.id.desc())))
    last = rows[limit - 1][0] if len(rows) > limit else None
    end = (last.path, last.added_at, last.id) if last else None
    return [_item(*row) for row in rows[:limit]], end


def found(
    session: Session,
    path: str,
    beginning: str,
    lookups: Collection[Lookup],
    after: Position | None,
    limit: int,
) -> tuple[list[ReaderItem], Position | None]:
    """Readers whose folded name begins so, by their library's place in the tree, then by name.

    Before them those who have one of these handles: all of them, and on the first page alone.
    """
    page = _matching(session, path, beginning, lookups, after, limit + 1)
    rows = list(_masked(session, page, lambda c: (c.named, c.path, c.name_key, c.id)))
    exact = [row for row in rows if not row[0].named]
    named, room = rows[len(exact) :], max(limit - len(exact), 0)
    shown, end = exact + named[:room], None
    if len(named) > room:
        last = named[room - 1][0] if room else None
        end = (last.path, last.name_key, last.id) if last else (path, "", "")
    return [_item(*row) for row in shown], end


def _matching(
    session: Session,
    path: str,
    beginning: str,
    lookups: Collection[Lookup],
    after: Position | None,
    limit: int,
) -> CompoundSelect[*tuple[Any, ...]]:
    """By name, where there is a beginning to one, and by handle, where the list begins."""
    having = select(Handle.account_id).where(tuple_(Handle.kind, Handle.lookup).in_(lookups))
    place = (literal(0).label("named"), Library.id.label("library_id"), Library.path.label("path"))
    joined = select(*_COLUMNS, *place).join(Library, Library.id == Account.home_id)
    exact = joined.where(Account.id.in_(having), tree.below(Library.path, path))
    named = select(*_COLUMNS, literal(1).label("named")).where(
        Account.name_key >= beginning,
        Account.name_key < beginning + _LAST,
        Account.id.not_in(having),
    )
    pages = [walk(session, named, _NAMED, path, after, limit)] if beginning else []
    if after is None or not pages:
        pages.append(exact)
    return union_all(*(select(page.subquery()) for page in pages))


def one(session: Session, path: str, account_id: str) -> ReaderItem:
    """A reader of the library at ``path``, or of one below it.

    :raises GoneError: for one whose account was merged into another of them.
    :raises NotFoundError: for nobody's, and for a reader of another library.
    """
    place = (Library.id.label("library_id"), Library.path.label("path"))
    wanted = select(*_COLUMNS, *place).join(Library, Library.id == Account.home_id)
    page = wanted.where(Account.id == account_id, tree.below(Library.path, path))
    for first, rest in _masked(session, page, lambda c: (c.id,)):
        return _item(first, rest)
    raise _merged(session, path, account_id) or NotFoundError("reader", account_id)


def _merged(session: Session, path: str, account_id: str) -> GoneError | None:
    """That the account was merged into a reader's of the library at ``path``, or of one below."""
    into = aliased(Account)
    wanted = (
        select(Account.closed_at, into.id)
        .join(into, into.id == Account.merged_into)
        .join(Library, Library.id == into.home_id)
        .where(Account.id == account_id, tree.below(Library.path, path))
    )
    row = session.execute(wanted).first()
    return GoneError("reader", account_id, rfc3339(row.closed_at), row.id) if row else None


def count(session: Session, path: str) -> ReaderCount:
    """How many readers the library at ``path`` has with those below: sums of what is counted."""
    wanted = (
        select(func.sum(LibraryCounts.readers), func.sum(LibraryCounts.verified))
        .join(Library, Library.id == LibraryCounts.library_id)
        .where(tree.below(Library.path, path))
    )
    readers, verified = session.execute(wanted).one()
    return ReaderCount(readers or 0, verified or 0)


def _masked(
    session: Session,
    page: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]],
    order: Callable[[Any], Iterable[ColumnElement[Any]]],
) -> Iterator[tuple[Row[*tuple[Any, ...]], list[HandleMask]]]:
    """The rows of a page, each with what may be shown of its handles: cards of its home alone."""
    few = page.subquery()
    shown = or_(Handle.kind != "card", Handle.library_id == few.c.library_id)
    wanted = (
        select(*few.c, Handle.kind, Handle.mask)
        .join_from(few, Handle, and_(Handle.account_id == few.c.id, shown), isouter=True)
        .order_by(*order(few.c), Handle.kind, Handle.mask)
    )
    for _, group in groupby(session.execute(wanted), key=lambda row: row.id):
        rows = list(group)
        yield rows[0], [HandleMask(row.kind, row.mask) for row in rows if row.kind]


def _item(row: Row[*tuple[Any, ...]], handles: list[HandleMask]) -> ReaderItem:
    state = "suspended" if row.suspended_at else "closing" if row.closing_at else "open"
    return ReaderItem(
        id=row.id,
        name=row.name,
        home=row.library_id,
        assurance=row.assurance,
        since=rfc3339(row.added_at),
        state=state,
        handles=handles,
    )
