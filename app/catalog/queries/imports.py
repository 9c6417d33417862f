"""Imports and what they refused, by keyset."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.catalog.models import Import, ImportProblem
from app.catalog.schemas import ImportLine, ImportList, ProblemList
from app.database import rfc3339
from app.errors import NotFoundError
from app.identity import scope
from app.identity.models import Library
from app.lines import Refusal


def listed(session: Session, reach: tuple[str, ...], after: str | None, limit: int) -> ImportList:
    """Imports of the libraries at and below these paths, the newest first.

    ``next`` is the id to go on after.
    """
    wanted = _within(reach).order_by(Import.id.desc()).limit(limit + 1)
    if after is not None:
        wanted = wanted.where(Import.id < after)
    rows = list(session.scalars(wanted))
    end = rows[limit - 1].id if len(rows) > limit else None
    return ImportList([line(row) for row in rows[:limit]], end)


def _within(reach: tuple[str, ...]) -> Select[Import]:
    joined = select(Import).join(Library, Library.id == Import.library_id)
    return joined.where(scope.within(Library.path, reach))


def find(session: Session, reach: tuple[str, ...], import_id: str) -> ImportLine:
    """One import.

    :raises NotFoundError: when there is none, or it is of a library out of reach.
    """
    row = session.scalar(_within(reach).where(Import.id == import_id))
    if row is None:
        raise NotFoundError("import", import_id)
    return line(row)


def problems(
    session: Session, reach: tuple[str, ...], import_id: str, after: int, limit: int
) -> ProblemList:
    """What an import refused, in the order of the file."""
    find(session, reach, import_id)
    wanted = (
        select(ImportProblem)
        .where(ImportProblem.import_id == import_id, ImportProblem.number > after)
        .order_by(ImportProblem.number)
        .limit(limit + 1)
    )
    rows = list(session.scalars(wanted))
    end = str(rows[limit - 1].number) if len(rows) > limit else None
    return ProblemList([Refusal(r.place, r.code, r.message) for r in rows[:limit]], end)


def line(row: Import) -> ImportLine:
    """The import as it is listed."""
    return ImportLine(
        id=row.id,
        name=row.name,
        format=row.format,
        library=row.library_id,
        state=row.state,
        read=row.read,
        added=row.added,
        changed=row.changed,
        unchanged=row.unchanged,
        refused=row.refused,
        started_at=rfc3339(row.started_at),
        finished_at=rfc3339(row.finished_at) if row.finished_at else None,
    )
