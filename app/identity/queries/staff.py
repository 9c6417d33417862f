"""Who has which role at a library and at those below it, in one statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, exists, select
from sqlalchemy.orm import Session, aliased

from app.database import rfc3339
from app.identity import tree
from app.identity.models import Account, Grant, Library
from app.identity.people import StaffMember
from app.identity.queries.walking import Order, Position, walk
from app.identity.roles import PERMISSIONS
from app.permissions import Permission

_ORDER = Order(Grant.library_id, Grant.account_id, Grant.role, "")
_GIVERS = [role for role, can in PERMISSIONS.items() if Permission.MANAGE_STAFF in can]


def listed(
    session: Session, path: str, after: Position | None, limit: int, *, below: bool
) -> tuple[list[StaffMember], Position | None]:
    """Roles at the library of this path, or also ``below`` it; where to go on."""
    own = select(Grant.account_id, Grant.role, Grant.given_by, Grant.given_at)
    if not below:
        own = own.where(Library.path == path)
    few = walk(session, own, _ORDER, path, after, limit + 1).subquery()
    wanted = (
        select(
            *few.c, Account.name, Account.kind, _gives(few.c.given_by, few.c.path).label("gives")
        )
        .join_from(few, Account, Account.id == few.c.account_id)
        .order_by(few.c.path, few.c.account_id, few.c.role)
    )
    rows = session.execute(wanted).all()
    last = rows[limit - 1] if len(rows) > limit else None
    end = (last.path, last.account_id, last.role) if last else None
    return [_member(row) for row in rows[:limit]], end


def _member(row: Row[*tuple[Any, ...]]) -> StaffMember:
    return StaffMember(
        account=row.account_id,
        name=row.name,
        kind=row.kind,
        role=row.role,
        library=row.library_id,
        given_by=row.given_by,
        given_at=rfc3339(row.given_at) if row.given_at else None,
        orphaned=row.given_by is not None and not row.gives,
    )


def _gives(account_id: ColumnElement[str], path: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an account may give roles at the library of this path now."""
    theirs, at = aliased(Grant), aliased(Library)
    return exists(
        select(theirs.role)
        .join(at, at.id == theirs.library_id)
        .where(
            theirs.account_id == account_id,
            theirs.role.in_(_GIVERS),
            tree.below(path, at.path),
        )
    )
