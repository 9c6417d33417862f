"""Adding many new records at once, in as few statements as there are tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import composing, normal
from app.catalog.description import encoder
from app.catalog.formats import Candidate, Refusal
from app.catalog.models import RecordIdentifier, RecordRow, SourceRecord
from app.catalog.services import dirty
from app.database import insert_many, new_id, now


def add_new(
    session: Session, batch_id: str, library_id: str, fresh: list[Candidate]
) -> list[Refusal]:
    """Adds records; answers those whose parent is neither in the catalogue nor before them."""
    at = now()
    parents, orphans = _parents(session, fresh), []
    records, sources, identifiers, marks = [], [], [], []
    for candidate in fresh:
        parent_id = parents.get((candidate.source, candidate.parent))
        if candidate.parent and parent_id is None:
            message = f"There is no record {candidate.parent!r} of this source that it belongs to."
            orphans.append(Refusal(candidate.place, "parent-unknown", message))
            continue
        record = _row(candidate, library_id, batch_id, at, parent_id)
        parents[candidate.source, candidate.source_id] = record["id"]
        records.append(record)
        marks.append((record["id"], 1))
        sources.append(composing.source_row(record["id"], candidate, at))
        for scheme, value in composing.found_by(candidate.description.identifiers):
            identifiers.append({"record_id": record["id"], "scheme": scheme, "value": value})
    insert_many(session, RecordRow, records)
    insert_many(session, SourceRecord, sources)
    insert_many(session, RecordIdentifier, identifiers)
    dirty.mark_new(session, marks, at)
    return orphans


def _parents(session: Session, fresh: list[Candidate]) -> dict[tuple[str, str], str]:
    """The ids of the records of the catalogue that these belong to, by source and source id."""
    named = [c for c in fresh if c.parent]
    found: dict[tuple[str, str], str] = {}
    for source in {candidate.source for candidate in named}:
        wanted = select(RecordRow.source_id, RecordRow.id).where(
            RecordRow.source == source,
            RecordRow.source_id.in_({c.parent for c in named if c.source == source}),
        )
        found |= {(source, row.source_id or ""): row.id for row in session.execute(wanted)}
    return found


def _row(
    candidate: Candidate,
    library_id: str,
    batch_id: str | None,
    at: datetime,
    parent_id: str | None,
) -> dict[str, Any]:
    """The columns of a new record."""
    record_id = new_id()
    description = candidate.description
    work_id = normal.work_id(description, record_id)
    return {
        "id": record_id,
        "kind": candidate.kind,
        "state": "published",
        "version": 1,
        "title": description.title,
        "library_id": library_id,
        "parent_id": parent_id,
        "work_id": work_id,
        "source": candidate.source,
        "source_id": candidate.source_id,
        "audience": "public",
        "policy": "open",
        "description": encoder.encode(description),
        "summary": composing.summary(
            record_id=record_id,
            kind=candidate.kind,
            description=description,
            library_id=library_id,
            work_id=work_id,
            parent_id=parent_id,
            added_at=at,
        ),
        "mended": "",
        "reason": "",
        "import_id": batch_id,
        "added_at": at,
        "changed_at": at,
    }
