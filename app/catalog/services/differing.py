"""Where a source says otherwise than a person mended: kept beside, for the librarian to see."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.catalog.models import SourceDifference
from app.database import now


def note(session: Session, record_id: str, field: str, theirs: Any, import_id: str) -> None:
    """Keeps what the source says of a field now."""
    session.merge(
        SourceDifference(
            record_id=record_id,
            field=field,
            theirs=msgspec.json.encode(theirs),
            import_id=import_id,
            at=now(),
        )
    )


def listed(session: Session, record_id: str) -> dict[str, Any]:
    """What the source says otherwise, by field."""
    wanted = select(SourceDifference).where(SourceDifference.record_id == record_id)
    return {row.field: msgspec.json.decode(row.theirs) for row in session.scalars(wanted)}


def settle(session: Session, record_id: str, fields: set[str]) -> None:
    """These fields are looked at anew."""
    session.execute(
        delete(SourceDifference).where(
            SourceDifference.record_id == record_id, SourceDifference.field.in_(fields)
        )
    )


def forget(session: Session, record_id: str, import_id: str | None) -> None:
    """The import that told of them was undone."""
    session.execute(
        delete(SourceDifference).where(
            SourceDifference.record_id == record_id, SourceDifference.import_id == import_id
        )
    )
