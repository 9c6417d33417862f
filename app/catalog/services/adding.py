"""Adding many new records at once, in as few statements as there are tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import composing, normal
from app.catalog.description import encoder
from app.catalog.formats import Candidate, Refusal
from app.catalog.models import RecordIdentifier, RecordRow, RecordTitle, SourceRecord
from app.catalog.services import dirty, feed
from app.database import insert_many, new_id, now
from app.identity.models import Library


def add_new(
    session: Session, batch_id: str | None, library_id: str, path: str, fresh: list[Candidate]
) -> list[Refusal]:
    """Adds records to the library at ``path``; answers those that :func:`orphan` refuses."""
    at, change = now(), feed.number(session)
    above, orphans = parents(session, fresh), []
    records, sources, identifiers, titles, marks = [], [], [], [], []
    for candidate in fresh:
        if refusal := orphan(candidate, above, path):
            orphans.append(refusal)
            continue
        parent_id = above.get((candidate.source, candidate.parent), (None, ""))[0]
        record = _row(candidate, library_id, batch_id, at, parent_id) | {"change": change}
        above[candidate.source, candidate.source_id] = record["id"], path
        records.append(record)
        marks.append((record["id"], 1))
        sources.append(composing.source_row(record["id"], candidate, at))
        for scheme, value in composing.found_by(candidate.description.identifiers):
            identifiers.append({"record_id": record["id"], "scheme": scheme, "value": value})
        if key := composing.title_key(candidate.description.title):
            titles.append({"record_id": record["id"], "key": key})
    insert_many(session, RecordRow, records)
    insert_many(session, SourceRecord, sources)
    insert_many(session, RecordIdentifier, identifiers)
    insert_many(session, RecordTitle, titles)
    dirty.mark_new(session, marks, at)
    return orphans


def parents(
    session: Session, candidates: list[Candidate]
) -> dict[tuple[str, str], tuple[str | None, str]]:
    """The records of the catalogue that these belong to: id and library's path of each.

    By source and source id.
    """
    named = [c for c in candidates if c.parent]
    found: dict[tuple[str, str], tuple[str | None, str]] = {}
    for source in {candidate.source for candidate in named}:
        wanted = (
            select(RecordRow.source_id, RecordRow.id, Library.path)
            .join(Library, Library.id == RecordRow.library_id)
            .where(
                RecordRow.source == source,
                RecordRow.source_id.in_({c.parent for c in named if c.source == source}),
            )
        )
        rows = session.execute(wanted)
        found |= {(source, row.source_id or ""): (row.id, row.path) for row in rows}
    return found


def orphan(
    candidate: Candidate, above: dict[tuple[str, str], tuple[str | None, str]], path: str
) -> Refusal | None:
    """Why a record cannot belong to the one that it names as its parent."""
    if not candidate.parent:
        return None
    parent = above.get((candidate.source, candidate.parent))
    if parent is None:
        message = f"There is no record {candidate.parent!r} of this source that it belongs to."
        return Refusal(candidate.place, "parent-unknown", message)
    if not parent[1].startswith(path):
        message = f"The record {candidate.parent!r} that it belongs to is held by another library."
        return Refusal(candidate.place, "other-library", message)
    return None


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
