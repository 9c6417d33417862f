"""What an import knows already: records of the same source and source id, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import composing
from app.catalog.description import State
from app.catalog.formats import Candidate, Refusal
from app.catalog.models import RecordRow, SourceRecord
from app.catalog.services import changes
from app.identity.models import Library


def identity(candidate: Candidate) -> tuple[str, str]:
    """What a record is known by."""
    return candidate.source, candidate.source_id


def known(session: Session, candidates: Iterable[Candidate]) -> dict[tuple[str, str], Any]:
    """The records that stand already, by source and source id, each with its library's path."""
    by_source: dict[str, list[str]] = {}
    for candidate in candidates:
        by_source.setdefault(candidate.source, []).append(candidate.source_id)
    found: dict[tuple[str, str], Any] = {}
    for source, ids in by_source.items():
        wanted = (
            select(
                RecordRow.id, RecordRow.source, RecordRow.source_id, RecordRow.state,
                RecordRow.reason, SourceRecord.digest, Library.path,
            )
            .join(Library, Library.id == RecordRow.library_id)
            .outerjoin(SourceRecord, SourceRecord.record_id == RecordRow.id)
            .where(RecordRow.source == source, RecordRow.source_id.in_(ids))
        )  # fmt: skip
        found |= {(row.source, row.source_id): row for row in session.execute(wanted)}
    return found


def is_same(row: Any, candidate: Candidate) -> bool:
    """Whether the record was received just so, and no undoing has withdrawn it since."""
    undone = row.state == State.WITHDRAWN and row.reason.startswith(changes.UNDONE)
    return not undone and bool(row.digest == composing.digest(candidate.body))


def foreign(candidate: Candidate) -> Refusal:
    """That the record is held by a library out of the importing one's reach."""
    message = (
        f"The record {candidate.source_id!r} of the source {candidate.source!r} is held by "
        "another library, which alone may change it."
    )
    return Refusal(candidate.place, "other-library", message)
