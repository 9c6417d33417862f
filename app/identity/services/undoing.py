"""Undoing an import of readers: what it added is removed, what it changed goes back.

A card that its reader claimed since stays theirs, and one that a later import changed stays as
that one said; both are counted. Of a card no more than its last change is taken back. Of what
nobody ever used nothing is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from app.database import Database, now
from app.errors import ConflictError, NotFoundError
from app.identity.models import Account, Card, Grant, Handle, ReaderImport
from app.identity.names import name_key
from app.identity.reports import ReadersUndone
from app.identity.services import audit, homes
from app.identity.services.audit import Actor
from app.identity.services.registering import Before

AT_ONCE = 500


def undo(database: Database, actor: Actor, import_id: str) -> ReadersUndone:
    """Undoes an import in short transactions; undoing it again finishes what was interrupted.

    :raises NotFoundError: when there is none. :raises ConflictError: while it is not finished.
    """
    done, after = ReadersUndone(), ""
    while True:
        with database.transaction() as session:
            batch = _batch(session, import_id)
            if batch.state == "undone":
                return done
            held = _hold(session, import_id, after)
            if held:
                _undo(session, _cards(session, import_id, after, held[-1]), done)
            about = (f"library:{batch.library_id}", batch.library_id)
            if len(held) < AT_ONCE:
                batch.state = "undone"
            audit.note(session, actor, "readers.undone", *about, of=import_id, cards=len(held))
        if len(held) < AT_ONCE:
            return done
        after = held[-1]


def _batch(session: Session, import_id: str) -> ReaderImport:
    batch = session.get(ReaderImport, import_id, with_for_update=True)
    if batch is None:
        raise NotFoundError("import", import_id)
    if batch.state == "running":
        raise ConflictError("This import is still running, or was interrupted. Finish it first.")
    return batch


def _hold(session: Session, import_id: str, after: str) -> Sequence[str]:
    """Locks the next cards of the import, and answers which."""
    wanted = (
        select(Card.lookup)
        .join(Handle, Handle.lookup == Card.lookup)
        .where(Handle.kind == "card", Card.import_id == import_id, Card.lookup > after)
        .order_by(Card.lookup)
        .limit(AT_ONCE)
        .with_for_update(of=Handle)
    )
    return session.scalars(wanted).all()


def _cards(
    session: Session, import_id: str, after: str, last: str
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Those cards, which are read once they are locked: somebody may have claimed one before."""
    wanted = (
        select(Card.lookup, Handle.account_id, Card.before, Card.claimed_at)
        .join(Handle, Handle.lookup == Card.lookup)
        .where(Handle.kind == "card", Card.import_id == import_id)
        .where(Card.lookup > after, Card.lookup <= last)
    )
    return session.execute(wanted).all()


def _undo(session: Session, rows: Sequence[Row[*tuple[Any, ...]]], done: ReadersUndone) -> None:
    added = [row.account_id for row in rows if row.before is None and row.claimed_at is None]
    removed = remove_unclaimed(session, added)
    done.removed += removed
    done.kept += sum(row.before is None for row in rows) - removed
    changed = [row for row in rows if row.before is not None]
    _put_back(session, changed)
    done.restored += len(changed)


def remove_unclaimed(session: Session, account_ids: Sequence[str]) -> int:
    """Removes accounts that a library made and nobody has claimed, with their card; how many.

    Those that somebody gave anything else to stay: a role, another handle.
    """
    other = aliased(Handle)
    handles = select(func.count()).where(other.account_id == Account.id).scalar_subquery()
    gone = (
        delete(Account)
        .where(
            Account.id.in_(account_ids),
            ~exists().where(Grant.account_id == Account.id),
            handles == 1,
        )
        .returning(Account.home_id, Account.assurance)
        .execution_options(synchronize_session=False)
    )
    change: dict[str, tuple[int, int]] = {}
    rows = session.execute(gone).all()
    for home_id, assurance in rows:
        if home_id:
            readers, verified = change.get(home_id, (0, 0))
            change[home_id] = (readers - 1, verified - (assurance >= homes.VERIFIED))
    homes.count(session, change)
    return len(rows)


def _put_back(session: Session, rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    """What stood before; what is a claimed card's owner's alone is left to them."""
    cards, names = list[dict[str, Any]](), list[dict[str, Any]]()
    for row in rows:
        was = msgspec.json.decode(row.before, type=Before)
        is_open = row.claimed_at is None
        cards.append({
            "lookup": row.lookup, "state": was.state, "expires_at": was.expires_at,
            "contact_kind": was.contact_kind if is_open else None,
            "contact": was.contact if is_open else None,
            "said": was.said, "import_id": was.import_id, "before": None, "changed_at": now(),
        })  # fmt: skip
        if is_open:
            names.append({"id": row.account_id, "name": was.name, "name_key": name_key(was.name)})
    if cards:
        session.execute(update(Card), cards)
    if names:
        session.execute(update(Account), names)
