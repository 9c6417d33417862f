"""What was done, as far as one may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.database import Instant, from_micros, rfc3339, to_micros
from app.identity import scope, tree
from app.identity.models import AuditEvent, Library
from app.identity.trail import AuditLine

Position = tuple[int, str]
"""Microseconds since 1970 and id of the last event of a page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events; what is ``None`` is not asked for."""

    actor: str | None = None
    subject: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def found(
    session: Session,
    reach: Sequence[str],
    asked: Asked,
    after: Position | None,
    limit: int,
) -> tuple[list[AuditLine], Position | None]:
    """Events of the libraries at these paths and below, the newest first; where to go on.

    What belongs to no library is seen from the first root of the tree. One statement.
    """
    wanted = select(*AuditEvent.__table__.c)
    seen = scope.within(Library.path, reach)
    if roots := [path for path in reach if not tree.above(path)]:
        wanted = wanted.outerjoin(Library, Library.id == AuditEvent.library_id)
        seen = or_(seen, and_(AuditEvent.library_id.is_(None), _FIRST_ROOT.in_(roots)))
    else:
        wanted = wanted.join(Library, Library.id == AuditEvent.library_id)
    conditions = [seen, *_conditions(asked)]
    if after is not None:
        place = tuple_(literal(from_micros(after[0]), Instant()), literal(after[1]))
        conditions.append(tuple_(AuditEvent.at, AuditEvent.id) < place)
    order = AuditEvent.at.desc(), AuditEvent.id.desc()
    rows = session.execute(wanted.where(and_(*conditions)).order_by(*order).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return [_line(row) for row in rows[:limit]], (to_micros(last.at), last.id) if last else None


_first = aliased(Library)
_FIRST_ROOT = select(func.min(_first.path)).scalar_subquery()


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    found = []
    if asked.actor is not None:
        found.append(AuditEvent.actor == asked.actor)
    if asked.subject is not None:
        found.append(AuditEvent.subject == asked.subject)
    if asked.action is not None:
        found.append(AuditEvent.action == asked.action)
    if asked.since is not None:
        found.append(AuditEvent.at >= asked.since)
    if asked.until is not None:
        found.append(AuditEvent.at < asked.until)
    return found


def _line(row: Row[Any]) -> AuditLine:
    return AuditLine(
        id=row.id,
        at=rfc3339(row.at),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        library=row.library_id,
        address=row.address,
        request=row.request_id,
        detail=msgspec.json.decode(row.detail),
    )
