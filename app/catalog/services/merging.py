"""Merging a duplicate: what it held goes over to the record that answers in its place."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.catalog import composing
from app.catalog.description import State, decoder
from app.catalog.models import HeldPublication, RecordRow, SearchableText, StoredPublication
from app.catalog.services import versions
from app.errors import ConflictError


def merge(session: Session, row: RecordRow, into: RecordRow, account_id: str | None) -> RecordRow:
    """Merges a duplicate into another record, which answers in its place from now on.

    Its publications, the words search knows of them, and its parts go over to the other.

    :raises ConflictError: when the other would not answer the same readers.
    :raises GoneError: when either was withdrawn or merged.
    """
    _require_alike(row, into)
    versions.keep(session, row, "merged", account_id=account_id, note=f"into {into.id}")
    versions.keep(session, into, "absorbed", account_id=account_id, note=row.id)
    _hand_over_parts(session, row, into, account_id)
    _hand_over_texts(session, row, into)
    _hand_over_publications(session, row, into)
    for one, media in ((row, composing.NO_MEDIA), (into, _media(session, into))):
        one.summary = versions.summary(one, decoder.decode(one.description), media)
    row.state, row.successor_id = State.MERGED, into.id
    versions.raise_version(session, row)
    versions.raise_version(session, into)
    return row


def _require_alike(row: RecordRow, into: RecordRow) -> None:
    if row.id == into.id:
        raise ConflictError("A record cannot be merged into itself.")
    versions.require_live(row)
    versions.require_live(into)
    if row.kind != into.kind:
        raise ConflictError(f"A {row.kind} cannot be merged into a {into.kind}.")
    if row.state == State.PUBLISHED and into.state == State.DRAFT:
        raise ConflictError("What is published cannot be merged into a draft. Publish it first.")
    if (row.audience, row.policy) != (into.audience, into.policy):
        raise ConflictError(
            "The two are not for the same readers: their audience or policy differ."
        )


def _hand_over_parts(
    session: Session, row: RecordRow, into: RecordRow, account_id: str | None
) -> None:
    for part in session.scalars(select(RecordRow).where(RecordRow.parent_id == row.id)):
        versions.keep(session, part, "moved", account_id=account_id, note=f"below {into.id}")
        part.parent_id = into.id
        media = composing.media_of(part.summary)
        part.summary = versions.summary(part, decoder.decode(part.description), media)
        versions.raise_version(session, part)


def _hand_over_texts(session: Session, row: RecordRow, into: RecordRow) -> None:
    theirs = SearchableText.record_id == row.id
    if session.get(SearchableText, into.id) is None:
        session.execute(update(SearchableText).where(theirs).values(record_id=into.id))
    else:
        session.execute(delete(SearchableText).where(theirs))


def _hand_over_publications(session: Session, row: RecordRow, into: RecordRow) -> None:
    theirs = HeldPublication.record_id == row.id
    held = select(HeldPublication.sha256).where(HeldPublication.record_id == into.id)
    both = set(session.scalars(held))
    session.execute(delete(HeldPublication).where(theirs, HeldPublication.sha256.in_(both)))
    session.execute(update(HeldPublication).where(theirs).values(record_id=into.id))


def _media(session: Session, row: RecordRow) -> composing.Media:
    """What the publication that is read of the record, the newest, gives its summary."""
    newest = (
        select(StoredPublication.format, StoredPublication.covers)
        .join(HeldPublication, HeldPublication.sha256 == StoredPublication.sha256)
        .where(HeldPublication.record_id == row.id)
        .order_by(HeldPublication.held_at.desc(), HeldPublication.sha256)
        .limit(1)
    )
    found = session.execute(newest).first()
    return composing.Media(found.format, found.covers != b"{}") if found else composing.NO_MEDIA
