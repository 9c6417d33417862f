"""The titles by which records are looked up, made true where a release that knew none wrote.

The release before may serve beside this one, and writes no such keys: what it adds or renames
would not be looked up by its title while the search engine is away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.catalog.composing import title_key
from app.catalog.models import RecordRow, RecordTitle
from app.database import Database

BATCH = 5_000


def mend(database: Database) -> int:
    """Goes through all records by batches; how many had no key, or that of another title."""
    return sum(_mend(database, ids) for ids in _wrong(database))


def _wrong(database: Database) -> Iterator[list[str]]:
    after = ""
    while True:
        with database.transaction(writes=False) as session:
            rows = _read(session, after)
        if wrong := [row.id for row in rows if (row.key or "") != title_key(row.title)]:
            yield wrong
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def _read(session: Session, after: str) -> Sequence[Any]:
    wanted = (
        select(RecordRow.id, RecordRow.title, RecordTitle.key)
        .outerjoin(RecordTitle, RecordTitle.record_id == RecordRow.id)
        .where(RecordRow.id > after)
        .order_by(RecordRow.id)
        .limit(BATCH)
    )
    return session.connection().execute(wanted).all()


def _mend(database: Database, ids: list[str]) -> int:
    """With the records locked, so that nobody gives one another title meanwhile."""
    with database.transaction() as session:
        wanted = select(RecordRow.id, RecordRow.title).where(RecordRow.id.in_(ids))
        rows = session.execute(wanted.with_for_update()).all()
        session.execute(delete(RecordTitle).where(RecordTitle.record_id.in_(ids)))
        keys = ((row.id, title_key(row.title)) for row in rows)
        if found := [{"record_id": record_id, "key": key} for record_id, key in keys if key]:
            session.execute(insert(RecordTitle), found)
    return len(ids)
