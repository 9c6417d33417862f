"""Who may see a record, as a condition of a statement."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from app.catalog.models import RecordRow
from app.identity import scope
from app.identity.access import PUBLIC, STAFF, staff_paths
from app.identity.models import Library


def seen_by(audience: tuple[str, ...]) -> ColumnElement[bool]:
    """That a caller with these tokens sees the record; for the public, a plain comparison."""
    paths = staff_paths(audience)
    if not paths:
        return RecordRow.audience == PUBLIC
    theirs = select(Library.id).where(scope.within(Library.path, paths))
    kept = and_(RecordRow.audience == STAFF, RecordRow.library_id.in_(theirs))
    return or_(RecordRow.audience == PUBLIC, kept)
