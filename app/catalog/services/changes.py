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
from app.catalog.description import FIELDS, LIVE, Description, State, decoder, encoder
from app.catalog.formats import Candidate
from app.catalog.models import RecordRow, Revision, SourceRecord
from app.catalog.queries.states import state_before
from app.catalog.services import differing, dirty, placing, versions
from app.catalog.services.versions import load as load
from app.database import new_id, now
from app.errors import ConflictError, Fault, InvalidError, NotFoundError
from app.identity import tree

UNDONE = "import undone: "


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
        placing.require_parent(session, kind, parent_id)
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
        mended=versions.joined(set(FIELDS)) if account_id else "",
        added_at=at,
        changed_at=at,
    )
    row.summary = versions.summary(row, description, composing.NO_MEDIA)
    session.add(row)
    session.flush()
    versions.identify(session, row.id, description)
    dirty.mark(session, [(row.id, 1)])
    return row


def edit(
    session: Session,
    row: RecordRow,
    fields: dict[str, Any],
    account_id: str | None,
    note: str = "",
    place: placing.Place = placing.STAYS,
) -> RecordRow:
    """Sets these fields of the description, and where the record stands.

    The fields stand over later imports.

    :raises InvalidError: for an unknown field or a value that does not fit.
    :raises NotFoundError: for an unknown library or parent.
    """
    versions.require_live(row)
    if unknown := sorted(set(fields) - set(FIELDS)):
        faults = (Fault(f"body.{name}", "unknown", "no such field") for name in unknown)
        raise InvalidError(*faults)
    before = decoder.decode(row.description)
    description = msgspec.structs.replace(before, **fields)
    mended = versions.split(row.mended) | {n for n in fields if getattr(before, n) != fields[n]}
    if description == before and not placing.moved(row, place):
        return row
    versions.keep(session, row, "edited", account_id=account_id, note=note)
    placing.move(session, row, place)
    versions.write(session, row, description, mended)
    differing.settle(session, row.id, set(fields))
    return row


def from_source(session: Session, record_id: str, candidate: Candidate, import_id: str) -> bool:
    """Takes over what the source says now, except the fields that a person mended.

    Whether that changed the record: the same said in other bytes does not.
    """
    row = load(session, record_id)
    mended = versions.split(row.mended)
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
    versions.keep(session, row, "imported", import_id=import_id)
    if undone:
        row.state, row.reason = state_before(session, row.id), ""
    versions.write(session, row, description, mended)
    return True


def withdraw(session: Session, row: RecordRow, reason: str, account_id: str | None) -> RecordRow:
    """Withdraws a record: it stays as a tombstone that feeds and devices can learn of."""
    if row.state == State.WITHDRAWN:
        return row
    versions.require_live(row)
    versions.keep(session, row, "withdrawn", account_id=account_id, note=reason)
    row.state, row.reason = State.WITHDRAWN, reason
    versions.raise_version(session, row)
    return row


def restore(
    session: Session, row: RecordRow, account_id: str | None, version: int | None = None
) -> RecordRow:
    """Brings a withdrawn record back, or a record back to what it said at ``version``.

    What was a draft is one again. Who may see and use it stays as it is now.
    """
    if version is not None:
        revision = session.get(Revision, (row.id, version))
        if revision is None:
            raise NotFoundError("revision", str(version))
        description = decoder.decode(revision.description)
        versions.keep(session, row, "restored", account_id=account_id, note=f"to version {version}")
        row.state = state_before(session, row.id, version)
        row.reason, row.successor_id = "", None
        versions.write(session, row, description, versions.split(revision.mended))
        return row
    if row.state in LIVE:
        raise ConflictError("This record is not withdrawn.")
    versions.keep(session, row, "restored", account_id=account_id)
    row.state = state_before(session, row.id)
    row.reason, row.successor_id = "", None
    versions.raise_version(session, row)
    return row


def put_back(session: Session, row: RecordRow, to: Revision, account_id: str | None) -> None:
    """Has a record say again what it said before an import, which may well be repeated."""
    versions.keep(session, row, "undone", account_id=account_id, note=f"to version {to.version}")
    if row.state != to.state:
        row.state, row.reason = to.state, UNDONE + str(to.import_id)
    versions.write(session, row, decoder.decode(to.description), versions.split(to.mended))
    # What was received last no longer stands in the record: the next import must look again.
    forget = update(SourceRecord).where(SourceRecord.record_id == row.id).values(digest=b"")
    session.execute(forget)
    # The fields the source differs in were told of by the import that is undone.
    differing.forget(session, row.id, to.import_id)


def set_media(session: Session, row: RecordRow, media: composing.Media) -> None:
    """Says in the summary which publication the record holds now."""
    description = decoder.decode(row.description)
    summary = versions.summary(row, description, media)
    if summary != row.summary:
        row.summary = summary
        versions.raise_version(session, row)
