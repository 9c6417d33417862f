"""The catalogue as what an index is built from and compared with, and mending what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import func, select

from app.catalog.description import State
from app.catalog.models import DirtyRecord, RecordRow
from app.catalog.services import dirty, indexing, versions
from app.database import Database
from search.comparison import Difference, Standing
from search.documents import Document, Item


class Catalogue:
    """See search.comparison.Source. Each answer is a short transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def documents(self, after: str) -> Iterator[Document]:
        """See Source."""
        return indexing.every_document(self._database, after)

    def walk(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """See Source."""
        wanted = (
            select(RecordRow.id, RecordRow.version)
            .where(RecordRow.id > after, RecordRow.state == State.PUBLISHED)
            .order_by(RecordRow.id)
            .limit(limit)
        )
        with self._database.transaction(writes=False) as session:
            return [(row.id, row.version) for row in session.execute(wanted)]

    def standing(self, ids: Sequence[str]) -> Mapping[str, Standing]:
        """See Source. Records first: what then no longer waits, the index has accepted."""
        records = select(RecordRow.id, RecordRow.version, RecordRow.state)
        marks = select(DirtyRecord.record_id, DirtyRecord.version)
        with self._database.transaction(writes=False) as session:
            rows = session.execute(records.where(RecordRow.id.in_(ids))).all()
            late = session.execute(marks.where(DirtyRecord.record_id.in_(ids))).all()
        found = {i: Standing(version, False, True) for i, version in late}
        for i, version, state in rows:
            found[i] = Standing(version, state == State.PUBLISHED, waiting=i in found)
        return found

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """See Source."""
        return indexing.items_of(self._database, ids)

    def put_off(self, refused: Mapping[str, tuple[int, str]]) -> None:
        """See Source. They stand in the dirty set with the reason, and are tried again later."""
        with self._database.transaction() as session:
            dirty.mark(session, [(i, version) for i, (version, _) in refused.items()])
            dirty.postpone(session, refused)

    def count(self) -> int:
        """How many live documents there are now."""
        with self._database.transaction(writes=False) as session:
            live = select(func.count()).where(RecordRow.state == State.PUBLISHED)
            return session.scalar(live) or 0


def mend(database: Database, differences: Sequence[Difference]) -> None:
    """Marks as dirty what differs, at a version that the index will accept.

    Where the index knows a version that the catalogue has not reached (it was restored from a
    backup), the record is given a newer one than any that was ever answered.
    """
    ids = [one.id for one in differences]
    with database.transaction() as session:
        wanted = select(RecordRow).where(RecordRow.id.in_(ids)).order_by(RecordRow.id)
        rows = {row.id: row for row in session.scalars(wanted.with_for_update())}
        marks = []
        for one in differences:
            row, held = rows.get(one.id), one.held or 0
            if row is None:
                marks.append((one.id, held + 1))
            elif held < row.version:
                marks.append((one.id, row.version))
            else:
                versions.keep(session, row, versions.REINDEXED)
                row.version = held
                versions.raise_version(session, row)
        dirty.mark(session, marks)
