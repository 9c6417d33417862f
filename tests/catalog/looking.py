"""What stands in a catalogue, told so that two can be compared."""

from __future__ import annotations

from typing import Any

import msgspec
from house import House
from sqlalchemy import select

from app.catalog.composing import received
from app.catalog.description import Description, decoder
from app.catalog.models import Import, RecordRow, Revision, SourceRecord


def row(house: House, source_id: str) -> RecordRow:
    """The record of this id of its source."""
    with house.database.transaction(writes=False) as session:
        return session.scalars(select(RecordRow).where(RecordRow.source_id == source_id)).one()


def said(house: House, source_id: str) -> Description:
    """What the record says."""
    return decoder.decode(row(house, source_id).description)


def body(house: House, source_id: str) -> bytes:
    """The record as it was received."""
    wanted = select(SourceRecord).join(RecordRow, RecordRow.id == SourceRecord.record_id)
    with house.database.transaction(writes=False) as session:
        kept = session.scalars(wanted.where(RecordRow.source_id == source_id)).one()
        return received(kept.format, kept.body)


def catalogue(house: House) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Everything by source and source id; ids and times are left out."""
    with house.database.transaction(writes=False) as session:
        return {
            (r.source or "", r.source_id or ""): (r.state, r.version, r.description, r.mended)
            for r in session.scalars(select(RecordRow))
        }


def batches(house: House) -> list[str]:
    """The states of the batches there are."""
    with house.database.transaction(writes=False) as session:
        return [str(batch.state) for batch in session.scalars(select(Import).order_by(Import.id))]


def history(house: House, source_id: str) -> list[tuple[int, str]]:
    """The revisions of a record: version and what changed it."""
    record_id = row(house, source_id).id
    wanted = select(Revision).where(Revision.record_id == record_id).order_by(Revision.version)
    with house.database.transaction(writes=False) as session:
        return [(revision.version, revision.change) for revision in session.scalars(wanted)]


def as_json(value: Any) -> Any:
    """Structs as plain JSON values."""
    return msgspec.to_builtins(value)
