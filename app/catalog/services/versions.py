"""The versions of a record: what every change does, whatever it changes.

Before a change what stood is kept as a revision; after it the version is raised, what is kept
ready-made is made anew, and the index is told.
"""

from __future__ import annotations

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from app.catalog import composing, normal
from app.catalog.description import LIVE, Description, encoder
from app.catalog.models import RecordIdentifier, RecordRow, RecordTitle, Revision
from app.catalog.services import dirty
from app.database import now, rfc3339, writes
from app.errors import GoneError, NotFoundError, StaleError

LIBRARY_MOVED, REINDEXED = "library-moved", "reindexed"
SAYS_THE_SAME = (LIBRARY_MOVED, REINDEXED)
"""Changes that only have the index take a record anew."""


def load(session: Session, record_id: str, version: int | None = None) -> RecordRow:
    """The record, whatever its state; whoever writes has it locked until the transaction ends.

    :raises NotFoundError: when there is none. :raises StaleError: when it is past ``version``.
    """
    lock = {"key_share": True} if writes(session) else None
    row = session.get(RecordRow, record_id, with_for_update=lock)
    if row is None:
        raise NotFoundError("record", record_id)
    if version is not None and row.version != version:
        raise StaleError("record", record_id, row.version)
    return row


def require_live(row: RecordRow) -> None:
    """:raises GoneError: when the record is a tombstone."""
    if row.state not in LIVE:
        raise GoneError("record", row.id, rfc3339(row.changed_at), row.successor_id, row.reason)


def keep(
    session: Session,
    row: RecordRow,
    change: str,
    *,
    account_id: str | None = None,
    import_id: str | None = None,
    note: str = "",
) -> None:
    """Writes down what stands now, before it is changed."""
    session.add(
        Revision(
            record_id=row.id,
            version=row.version,
            state=row.state,
            audience=row.audience,
            policy=row.policy,
            library_id=row.library_id,
            description=row.description,
            mended=row.mended,
            change=change,
            account_id=account_id,
            import_id=import_id,
            note=note[:1000],
            at=now(),
        )
    )


def write(session: Session, row: RecordRow, description: Description, mended: set[str]) -> None:
    """Has the record say this, at a new version; ``mended`` are the fields a person set."""
    media = composing.media_of(row.summary)
    row.title = description.title
    row.work_id = normal.work_id(description, row.id)
    row.description = encoder.encode(description)
    row.mended = joined(mended)
    row.summary = summary(row, description, media)
    identify(session, row.id, description)
    raise_version(session, row)


def raise_version(session: Session, row: RecordRow) -> None:
    """Gives the record its next version, and tells the index."""
    row.version += 1
    row.changed_at = now()
    session.flush()
    dirty.mark(session, [(row.id, row.version)])


def summary(row: RecordRow, description: Description, media: composing.Media) -> bytes:
    """The record as lists show it, from its row."""
    return composing.summary(
        record_id=row.id,
        kind=row.kind,
        description=description,
        library_id=row.library_id,
        work_id=row.work_id,
        parent_id=row.parent_id,
        added_at=row.added_at,
        media=media,
    )


def identify(session: Session, record_id: str, description: Description) -> None:
    """Has the record be found by what identifies it now, and by its title."""
    session.execute(delete(RecordIdentifier).where(RecordIdentifier.record_id == record_id))
    pairs = composing.found_by(description.identifiers)
    rows = [{"record_id": record_id, "scheme": s, "value": v} for s, v in sorted(pairs)]
    if rows:
        session.execute(insert(RecordIdentifier), rows)
    session.execute(delete(RecordTitle).where(RecordTitle.record_id == record_id))
    if key := composing.title_key(description.title):
        session.execute(insert(RecordTitle), [{"record_id": record_id, "key": key}])


def split(mended: str) -> set[str]:
    """The names of the mended fields, as they are kept."""
    return set(filter(None, mended.split(",")))


def joined(mended: set[str]) -> str:
    """The names of the mended fields, to be kept."""
    return ",".join(sorted(mended))
