"""From records to the search index: the documents, and the drain that keeps the index true.

An engine that is away takes nothing down: what it has not accepted stays in the dirty set.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.description import Description, State, decoder
from app.catalog.models import RecordRow, SearchableText
from app.catalog.normal import isbn13
from app.catalog.services import dirty
from app.database import Database
from app.identity.access import tokens_for
from app.identity.models import Library
from search.ahead import done_in_order, made_ahead
from search.documents import Document, Tombstone
from search.index import Outcome, SearchIndex, Status

BATCH = 2_000
LONGEST = 20.0
"""Seconds after which a drain begins nothing more, so that whoever wants it to stop need not wait.
"""
AT_ONCE = 3
"""So many batches are under way: the index would wait while one alone is put into its words."""
logger = structlog.get_logger("kaijuan")


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the index was told of marked records, and what it said to each.

    ``asked`` is the version of each mark, which may be newer than its record: see reindexing.
    """

    asked: dict[str, int]
    entries: list[Document | Tombstone]
    unreadable: dict[str, str]
    outcomes: Sequence[Outcome]


def drain(database: Database, index: SearchIndex) -> int:
    """Sends what has waited longest to the index; how many records that settled.

    While one batch is read others are put into words and taken by the index, and others settled,
    since these wait for different machines.
    """

    def send(rows: Sequence[Any]) -> _Batch:
        entries, unreadable = _entries(row for row in rows if row.id)
        # A record that is no more (an undone rehearsal, a restored backup) leaves the index too.
        entries += [Tombstone(row.marked, row.asked) for row in rows if not row.id]
        asked = {row.marked: row.asked for row in rows}
        return _Batch(asked, entries, unreadable, index.write(entries))

    waiting = _waiting(database)
    with closing(made_ahead(done_in_order(send, waiting, at_once=AT_ONCE))) as sent:
        return sum(_settle(database, batch) for batch in sent)


def _waiting(database: Database) -> Generator[Sequence[Any], None, None]:
    """What waits, each once; of what was refused before a part that keeps no other waiting."""
    last, until = None, time.monotonic() + LONGEST
    while time.monotonic() < until:
        with database.transaction(writes=False) as session:
            fresh = _rows(session, marked(dirty.oldest(BATCH, last)))
            again = _rows(session, marked(dirty.due_again(BATCH // 10))) if last is None else []
        if rows := [*fresh, *again]:
            yield rows
        if len(fresh) < BATCH:
            return
        last = fresh[-1].since, fresh[-1].marked


def _settle(database: Database, batch: _Batch) -> int:
    told = {one.id: one.reason for one in batch.outcomes if one.status is Status.REFUSED}
    refused = told | batch.unreadable
    asked = batch.asked
    settled = [
        (entry.id, max(entry.version, asked[entry.id]))
        for entry in batch.entries
        if entry.id not in refused
    ]
    with database.transaction() as session:
        dirty.settle(session, settled)
        dirty.postpone(session, {i: (asked[i], reason) for i, reason in refused.items()})
    for record_id, reason in refused.items():
        logger.error("index-refused", record=record_id, reason=reason)
    return len(settled)


def _entries(rows: Iterable[Any]) -> tuple[list[Document | Tombstone], dict[str, str]]:
    """The documents of these records, and why the others cannot be read: they stop none of them."""
    entries, unreadable = [], {}
    for row in rows:
        try:
            entries.append(document_of(row))
        except msgspec.DecodeError as error:
            unreadable[row.id] = f"the record cannot be read: {error}"
    return entries, unreadable


def every_document(database: Database, after: str = "", batch: int = 2_000) -> Iterator[Document]:
    """Every published record's document in order of id, by keyset, for a rebuild.

    One that cannot be read is marked as dirty instead: it waits there, and the drain says why.
    """
    while True:
        wanted = (
            _wanted()
            .where(RecordRow.id > after, RecordRow.state == State.PUBLISHED)
            .order_by(RecordRow.id)
            .limit(batch)
        )
        with database.transaction(writes=False) as session:
            rows = _rows(session, wanted)
        entries, unreadable = _entries(rows)
        if unreadable:
            with database.transaction() as session:
                dirty.mark(session, [(row.id, row.version) for row in rows if row.id in unreadable])
        yield from (entry for entry in entries if isinstance(entry, Document))
        if len(rows) < batch:
            return
        after = rows[-1].id


def items_of(database: Database, ids: Sequence[str]) -> list[Document | Tombstone]:
    """The documents or tombstones of these records as they stand, of those that can be read."""
    with database.transaction(writes=False) as session:
        rows = _rows(session, _wanted().where(RecordRow.id.in_(ids)))
    return _entries(rows)[0]


def _rows(session: Session, wanted: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """The rows, without the mapper's work for each: plain columns need nothing of it."""
    return session.connection().execute(wanted).all()


_COLUMNS = (
    RecordRow.id, RecordRow.version, RecordRow.kind, RecordRow.state,
    RecordRow.audience, RecordRow.description, RecordRow.summary, RecordRow.library_id,
    RecordRow.work_id, RecordRow.source_id, Library.path,
    SearchableText.contents, SearchableText.beginning,
)  # fmt: skip


def _wanted() -> Select[*tuple[Any, ...]]:
    return _complete(select(*_COLUMNS).select_from(RecordRow))


def marked(marks: dirty.Marks) -> Select[*tuple[Any, ...]]:
    """Marks with what they mark, in their order; of what is no more there is no ``id``."""
    of = marks.subquery()
    wanted = select(
        of.c.record_id.label("marked"), of.c.version.label("asked"), of.c.since, *_COLUMNS
    )
    wanted = wanted.select_from(of).outerjoin(RecordRow, RecordRow.id == of.c.record_id)
    return _complete(wanted).order_by(of.c.since, of.c.record_id)


def _complete(wanted: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return wanted.outerjoin(Library, Library.id == RecordRow.library_id).outerjoin(
        SearchableText, SearchableText.record_id == RecordRow.id
    )


def document_of(row: Any) -> Document | Tombstone:
    """What search knows of a record."""
    if row.state != State.PUBLISHED:
        return Tombstone(row.id, row.version)
    description = decoder.decode(row.description)
    summary = summary_decoder.decode(row.summary)
    return Document(
        id=row.id,
        version=row.version,
        kind=row.kind,
        title=description.title,
        other_titles=tuple(title.value for title in description.other_titles),
        agents=tuple(agent.name for agent in description.agents),
        subjects=tuple(s.label or s.code for s in description.subjects),
        subject_codes=subject_codes(description),
        publisher=description.publisher,
        description=description.description,
        contents=description.contents or row.contents or "",
        text=row.beginning or "",
        identifiers=_identifiers(description, row.source_id),
        language=summary.language,
        year=summary.year,
        library=row.library_id,
        library_path=row.path,
        audience=tokens_for(row.audience, row.path),
        available=summary.available,
        work=row.work_id,
        added_at=summary.added_at,
    )


def subject_codes(description: Description) -> tuple[str, ...]:
    """The values by which a record is found under a subject: for classes, those above too."""
    codes: dict[str, None] = {}
    for subject in description.subjects:
        if subject.scheme == "clc" and subject.code:
            for ancestor in clc_lineage(subject.code):
                codes[f"clc:{ancestor}"] = None
        else:
            codes[subject.key] = None
    return tuple(codes)


def clc_lineage(code: str) -> list[str]:
    """A class of the Chinese Library Classification and those above it: ``I242.4`` → I, I2, I24 …

    The notation is hierarchical by length; the point after three digits does not count. Only T
    (industry) has main classes of two letters (中国图书馆分类法, 第五版).
    """
    base = code.split("/")[0].split("-")[0].strip().upper()
    start = 2 if base[:1] == "T" and base[1:2].isalpha() else 1
    lineage = ["T"] if start == 2 else []
    for end in range(start, len(base) + 1):
        part = base[:end]
        if not part.endswith("."):
            lineage.append(part)
    return lineage


def _identifiers(description: Description, source_id: str | None) -> tuple[str, ...]:
    values = {source_id} if source_id else set()
    for identifier in description.identifiers:
        value = identifier.value
        values.add((isbn13(value) or value) if identifier.scheme == "isbn" else value)
    return tuple(sorted(values))
