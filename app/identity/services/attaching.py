"""Which handles belong to whom. What is kept of one is a hash, a mask, and a sealed copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError, NotFoundError
from app.identity import accounts, tree
from app.identity.handles import Handle, HandleKind
from app.identity.models import Account, Card, Password
from app.identity.models import Handle as HandleRow
from app.identity.queries.minors import require_consent
from app.identity.services import audit
from app.identity.services.audit import Actor
from app.sealing import Sealer

_PURPOSE = "handle"
SHORT = 16
"""Characters of a lookup by which its owner names a handle: it finds nothing elsewhere."""


@dataclass(frozen=True, slots=True)
class HandleLine:
    """A handle as its owner sees it."""

    id: str
    kind: str
    mask: str
    library: str | None
    verified_at: datetime | None


def find(session: Session, sealer: Sealer, handle: Handle) -> str | None:
    """The open account that is signed in to by this handle; by a card only while it is valid."""
    row = _row(session, sealer, handle)
    return row.id if row else None


def find_with_password(
    session: Session, sealer: Sealer, handle: Handle
) -> tuple[str, str | None] | None:
    """As :func:`find`, with the hash of the password where there is one."""
    row = _row(session, sealer, handle)
    return (row.id, row.hash) if row else None


def _row(session: Session, sealer: Sealer, handle: Handle) -> Row[str, str | None] | None:
    """One statement, of the same cost whether there is such an account or not."""
    lookup = handle.lookup(sealer)
    owner = select(HandleRow.account_id).where(
        HandleRow.kind == handle.kind, HandleRow.lookup == lookup
    )
    if handle.kind is HandleKind.CARD:
        over = or_(Card.state != "open", Card.expires_at <= now())
        owner = owner.where(~exists().where(Card.lookup == lookup, over))
    named = Account.id == owner.scalar_subquery()
    if handle.kind is HandleKind.EMAIL:  # as the release before kept it
        named = or_(named, Account.email == handle.value)
    wanted: Select[str, str | None] = (
        select(Account.id, Password.hash)
        .outerjoin(Password, Password.account_id == Account.id)
        .where(named, Account.closed_at.is_(None), Account.kind == "person")
    )
    return session.execute(wanted.limit(1)).first()


def attach(
    session: Session,
    sealer: Sealer,
    actor: Actor,
    account_id: str,
    handle: Handle,
    *,
    verified: bool,
) -> None:
    """Has the account be signed in to by this handle too.

    :raises ConflictError: when it is somebody's already. :raises NotFoundError: for the card of a
        library that there is none of.
    """
    if handle.library_id:
        tree.get(session, handle.library_id)
    lookup = handle.lookup(sealer)
    kept = session.get(HandleRow, (str(handle.kind), lookup))
    if kept is not None or find(session, sealer, handle) is not None:
        raise ConflictError("There is an account with it already. Sign in, or recover it.")
    session.add(
        HandleRow(
            kind=str(handle.kind),
            lookup=lookup,
            account_id=account_id,
            library_id=handle.library_id,
            mask=handle.mask,
            sealed=sealer.seal(_PURPOSE, account_id, handle.value.encode()),
            added_at=now(),
            verified_at=now() if verified else None,
        )
    )
    session.flush()
    accounts.require_open(session, account_id)
    audit.note(session, actor, "handle.added", f"account:{account_id}", kind=str(handle.kind))


def reached(session: Session, sealer: Sealer, handle: Handle) -> bool:
    """Notes that a code came to where it was sent; whether nobody had shown that before."""
    mine = update(HandleRow).where(
        HandleRow.kind == handle.kind,
        HandleRow.lookup == handle.lookup(sealer),
        HandleRow.verified_at.is_(None),
    )
    found = session.scalars(mine.values(verified_at=now()).returning(HandleRow.account_id))
    return found.first() is not None


def listed(session: Session, account_id: str) -> list[HandleLine]:
    """The handles of the account, in the order in which they came."""
    wanted = select(HandleRow).where(HandleRow.account_id == account_id)
    return [
        HandleLine(row.lookup[:SHORT], row.kind, row.mask, row.library_id, row.verified_at)
        for row in session.scalars(wanted.order_by(HandleRow.added_at, HandleRow.lookup))
    ]


def values(session: Session, sealer: Sealer, account_id: str) -> list[str]:
    """The handles themselves: what a password must not be."""
    wanted = select(HandleRow).where(HandleRow.account_id == account_id)
    return [plain(sealer, account_id, row.sealed) for row in session.scalars(wanted)]


def plain(sealer: Sealer, account_id: str, sealed: bytes) -> str:
    """A handle of the account, as it is kept."""
    return sealer.unseal(_PURPOSE, account_id, sealed).decode()


def first(
    session: Session, sealer: Sealer, account_id: str, kind: HandleKind
) -> tuple[str, bool] | None:
    """The handle of this kind that came first, verified ones before others, and whether it is."""
    wanted = (
        select(HandleRow)
        .where(HandleRow.account_id == account_id, HandleRow.kind == kind)
        .order_by(HandleRow.verified_at.is_(None), HandleRow.added_at, HandleRow.lookup)
        .limit(1)
    )
    row = session.scalar(wanted)
    return (plain(sealer, account_id, row.sealed), row.verified_at is not None) if row else None


def detach(session: Session, actor: Actor, account_id: str, handle_id: str) -> None:
    """Takes a handle away; not the last one by which codes can be sent.

    :raises NotFoundError: when the account has none of this id.
    :raises ConflictError: when nothing would be left to recover the account by.
    :raises ForbiddenError: when the account is a child's whose guardian has to consent first.
    """
    require_consent(session, account_id)
    wanted = select(HandleRow).where(HandleRow.account_id == account_id).with_for_update()
    rows = session.scalars(wanted).all()
    gone = next((row for row in rows if row.lookup[:SHORT] == handle_id), None)
    if gone is None:
        raise NotFoundError("handle", handle_id[:SHORT])
    if not any(row.kind != HandleKind.CARD for row in rows if row is not gone):
        raise ConflictError("Add another phone number or e-mail address first.")
    mine = delete(HandleRow).where(HandleRow.kind == gone.kind, HandleRow.lookup == gone.lookup)
    session.execute(mine)
    audit.note(session, actor, "handle.removed", f"account:{account_id}", kind=gone.kind)
