"""Files of readers that were imported for a library, and what was to be said of their rows."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.database import rfc3339
from app.errors import NotFoundError
from app.identity import scope
from app.identity.models import Library, ReaderImport, ReaderImportProblem
from app.identity.schemas import ReaderImportItem
from app.lines import Refusal


def listed(
    session: Session, reach: tuple[str, ...], library_id: str | None, after: str | None, limit: int
) -> tuple[list[ReaderImportItem], str | None]:
    """Imports of a library, or of all within reach, the newest first; after which to go on."""
    wanted = _within(reach).order_by(ReaderImport.id.desc()).limit(limit + 1)
    if library_id is not None:
        wanted = wanted.where(ReaderImport.library_id == library_id)
    if after is not None:
        wanted = wanted.where(ReaderImport.id < after)
    rows = session.scalars(wanted).all()
    end = rows[limit - 1].id if len(rows) > limit else None
    return [_item(row) for row in rows[:limit]], end


def find(
    session: Session, reach: tuple[str, ...], library_id: str | None, import_id: str
) -> ReaderImportItem:
    """One import.

    :raises NotFoundError: when there is none, or it is of another library, or out of reach.
    """
    row = session.scalar(_within(reach).where(ReaderImport.id == import_id))
    if row is None or library_id not in (None, row.library_id):
        raise NotFoundError("import", import_id)
    return _item(row)


def is_one(session: Session, import_id: str) -> bool:
    """Whether an import of this id was one of readers."""
    return session.get(ReaderImport, import_id) is not None


def problems(
    session: Session, import_id: str, after: int, limit: int
) -> tuple[list[Refusal], int | None]:
    """What was to be said of an import's rows, in its order; after which number to go on."""
    wanted = (
        select(ReaderImportProblem)
        .where(ReaderImportProblem.import_id == import_id, ReaderImportProblem.number > after)
        .order_by(ReaderImportProblem.number)
        .limit(limit + 1)
    )
    rows = session.scalars(wanted).all()
    end = rows[limit - 1].number if len(rows) > limit else None
    return [Refusal(row.place, row.code, row.message) for row in rows[:limit]], end


def _within(reach: tuple[str, ...]) -> Select[ReaderImport]:
    joined = select(ReaderImport).join(Library, Library.id == ReaderImport.library_id)
    return joined.where(scope.within(Library.path, reach))


def _item(row: ReaderImport) -> ReaderImportItem:
    return ReaderImportItem(
        id=row.id,
        name=row.name,
        format=row.format,
        library=row.library_id,
        state=row.state,
        whole=row.whole,
        read=row.read,
        added=row.added,
        changed=row.changed,
        unchanged=row.unchanged,
        refused=row.refused,
        missing=row.missing,
        suspended=row.suspended,
        started_at=rfc3339(row.started_at),
        finished_at=rfc3339(row.finished_at) if row.finished_at else None,
    )
