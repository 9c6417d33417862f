"""Changes to records: each keeps what stood before, raises the version and tells the index.

What a person mended stands over a later import, field by field; what the source says otherwise
is kept as a difference, for the librarian to see.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from app.catalog import composing, normal
from app.catalog.description import FIELDS, Description, State, decoder, encoder
from app.catalog.formats import Candidate
from app.catalog.models import (
    RecordIdentifier,
    RecordRow,
    Revision,
    SourceRecord,
)
from app.catalog.services import differing, dirty
from app.database import new_id, now, rfc3339
from app.errors import ConflictError, Fault, GoneError, InvalidError, NotFoundError, StaleError
from app.identity import tree

UNDONE = "import undone: "


def load(session: Session, record_id: str, version: int | None = None) -> RecordRow:
    """The record, whatever its state.

    :raises NotFoundError: when there is none. :raises StaleError: when it is past ``version``.
    """
    row = session.get(RecordRow, record_id)
    if row is None:
        raise NotFoundError("record", record_id)
    if version is not None and row.version != version:
        raise StaleError("record", record_id, row.version)
    return row


def create(
    session: Session,
    description: Description,
    *,
    kind: str,
    library_id: str,
    account_id: str | None,
    parent_id: str | None = None,
    audience: str = "public",
    policy: str = "open",
    state: str = State.PUBLISHED,
) -> RecordRow:
    """A record made by a person, at version 1."""
    tree.get(session, library_id)
    if parent_id is not None:
        load(session, parent_id)
    at, record_id = now(), new_id()
    row = RecordRow(
        id=record_id,
        kind=kind,
        state=state,
        version=1,
        title=description.title,
        library_id=library_id,
        parent_id=parent_id,
        work_id=normal.work_id(description, record_id),
        audience=audience,
        policy=policy,
        description=encoder.encode(description),
        summary=b"",
        mended=_joined(set(FIELDS)) if account_id else "",
        added_at=at,
        changed_at=at,
    )
    row.summary = _summary(row, description, composing.NO_MEDIA)
    session.add(row)
    session.flush()
    _identify(session, row.id, description)
    dirty.mark(session, [(row.id, 1)])
    return row


def edit(
    session: Session, row: RecordRow, fields: dict[str, Any], account_id: str | None, note: str = ""
) -> RecordRow:
    """Sets these fields of the description; they stand over later imports.

    :raises InvalidError: for an unknown field or a value that does not fit.
    """
    _require_live(row)
    if unknown := sorted(set(fields) - set(FIELDS)):
        faults = (Fault(f"body.{name}", "unknown", "no such field") for name in unknown)
        raise InvalidError(*faults)
    before = decoder.decode(row.description)
    description = msgspec.structs.replace(before, **fields)
    mended = _split(row.mended) | {n for n in fields if getattr(before, n) != fields[n]}
    if description == before:
        return row
    _keep(session, row, "edited", account_id=account_id, note=note)
    _write(session, row, description, mended)
    differing.settle(session, row.id, set(fields))
    return row


def from_source(session: Session, record_id: str, candidate: Candidate, import_id: str) -> bool:
    """Takes over what the source says now, except the fields that a person mended.

    Whether that changed the record: the same said in other bytes does not.
    """
    row = load(session, record_id)
    mended = _split(row.mended)
    before = decoder.decode(row.description)
    theirs = candidate.description
    kept = {name: getattr(before, name) for name in mended}
    differing.settle(session, row.id, mended)
    for name in mended:
        if getattr(theirs, name) != kept[name]:
            differing.note(session, row.id, name, getattr(theirs, name), import_id)
    description = msgspec.structs.replace(theirs, **kept)
    session.execute(delete(SourceRecord).where(SourceRecord.record_id == row.id))
    session.execute(insert(SourceRecord), [composing.source_row(row.id, candidate, now())])
    undone = row.state == State.WITHDRAWN and row.reason.startswith(UNDONE)
    if description == before and not undone:
        return False
    _keep(session, row, "imported", import_id=import_id)
    if undone:
        row.state, row.reason = State.PUBLISHED, ""
    _write(session, row, description, mended)
    return True


def withdraw(session: Session, row: RecordRow, reason: str, account_id: str | None) -> RecordRow:
    """Withdraws a record: it stays as a tombstone that feeds and devices can learn of."""
    if row.state == State.WITHDRAWN:
        return row
    _require_live(row)
    _keep(session, row, "withdrawn", account_id=account_id, note=reason)
    row.state, row.reason = State.WITHDRAWN, reason
    _raise(session, row)
    return row


def restore(
    session: Session, row: RecordRow, account_id: str | None, version: int | None = None
) -> RecordRow:
    """Brings a withdrawn record back, or a record back to what it said at ``version``."""
    if version is not None:
        revision = session.get(Revision, (row.id, version))
        if revision is None:
            raise NotFoundError("revision", str(version))
        description = decoder.decode(revision.description)
        _keep(session, row, "restored", account_id=account_id, note=f"to version {version}")
        row.state, row.reason, row.successor_id = State.PUBLISHED, "", None
        _write(session, row, description, _split(revision.mended))
        return row
    if row.state not in (State.WITHDRAWN, State.MERGED):
        raise ConflictError("This record is not withdrawn.")
    _keep(session, row, "restored", account_id=account_id)
    row.state, row.reason, row.successor_id = State.PUBLISHED, "", None
    _raise(session, row)
    return row


def put_back(session: Session, row: RecordRow, to: Revision, account_id: str | None) -> None:
    """Has a record say again what it said before an import, which may well be repeated."""
    _keep(session, row, "undone", account_id=account_id, note=f"to version {to.version}")
    if row.state != to.state:
        row.state, row.reason = to.state, UNDONE + str(to.import_id)
    _write(session, row, decoder.decode(to.description), _split(to.mended))
    # What was received last no longer stands in the record: the next import must look again.
    forget = update(SourceRecord).where(SourceRecord.record_id == row.id).values(digest=b"")
    session.execute(forget)
    # The fields the source differs in were told of by the import that is undone.
    differing.forget(session, row.id, to.import_id)


def merge(session: Session, row: RecordRow, into: RecordRow, account_id: str | None) -> RecordRow:
    """Merges a duplicate into another record, which answers in its place from now on."""
    if row.id == into.id:
        raise ConflictError("A record cannot be merged into itself.")
    _require_live(row)
    _require_live(into)
    if row.kind != into.kind:
        raise ConflictError(f"A {row.kind} cannot be merged into a {into.kind}.")
    _keep(session, row, "merged", account_id=account_id, note=f"into {into.id}")
    row.state, row.successor_id = State.MERGED, into.id
    _raise(session, row)
    return row


def set_media(session: Session, row: RecordRow, media: composing.Media) -> None:
    """Says in the summary which publication the record holds now."""
    description = decoder.decode(row.description)
    summary = _summary(row, description, media)
    if summary != row.summary:
        row.summary = summary
        _raise(session, row)


def _require_live(row: RecordRow) -> None:
    if row.state in (State.WITHDRAWN, State.MERGED):
        raise GoneError("record", row.id, rfc3339(row.changed_at), row.successor_id, row.reason)


def _keep(
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
            description=row.description,
            mended=row.mended,
            change=change,
            account_id=account_id,
            import_id=import_id,
            note=note[:1000],
            at=now(),
        )
    )


def _write(session: Session, row: RecordRow, description: Description, mended: set[str]) -> None:
    media = composing.media_of(row.summary)
    row.title = description.title
    row.work_id = normal.work_id(description, row.id)
    row.description = encoder.encode(description)
    row.mended = _joined(mended)
    row.summary = _summary(row, description, media)
    _identify(session, row.id, description)
    _raise(session, row)


def _raise(session: Session, row: RecordRow) -> None:
    row.version += 1
    row.changed_at = now()
    session.flush()
    dirty.mark(session, [(row.id, row.version)])


def _summary(row: RecordRow, description: Description, media: composing.Media) -> bytes:
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


def _identify(session: Session, record_id: str, description: Description) -> None:
    session.execute(delete(RecordIdentifier).where(RecordIdentifier.record_id == record_id))
    pairs = composing.found_by(description.identifiers)
    rows = [{"record_id": record_id, "scheme": s, "value": v} for s, v in sorted(pairs)]
    if rows:
        session.execute(insert(RecordIdentifier), rows)


def _split(mended: str) -> set[str]:
    return set(filter(None, mended.split(",")))


def _joined(mended: set[str]) -> str:
    return ",".join(sorted(mended))
