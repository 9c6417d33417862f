"""Which objects of the store the database names."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import PublicationEntry, StoredPublication
from app.catalog.services.storing import COVERS
from app.jobs.models import Job, State
from app.storage.keys import derived_key, key_of

NAMING = frozenset(
    {"publications.served_key", "publications.text_key", "publication_entries.copy_key"}
)
"""The columns that are keys; a test compares them with the schema, so that none is forgotten."""
_NO_COVERS = b"{}"


def lasting(session: Session) -> Iterator[str]:
    """The keys of what publications are made of, each once: the files themselves come first."""
    row = StoredPublication
    wanted = select(row.sha256, row.format, row.served_key, row.text_key, row.covers != _NO_COVERS)
    for digest, kind, served, text, has_covers in session.execute(wanted):
        original = key_of(digest, kind)
        yield original
        if served != original:
            yield served
        if text:
            yield text
        if has_covers:
            yield derived_key(digest, COVERS)
    copies = select(PublicationEntry.copy_key).where(PublicationEntry.copy_key.is_not(None))
    yield from (str(key) for key in session.scalars(copies.distinct()))


def passing(session: Session) -> list[str]:
    """The keys of files that jobs still need, and delete once they are done."""
    payloads = session.scalars(select(Job.payload).where(Job.state != State.DONE))
    return sorted({str(payload["key"]) for payload in payloads if payload.get("key")})
