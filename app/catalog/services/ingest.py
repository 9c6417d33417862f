"""Ingest: a file becomes a publication in the store, held by a record.

Bytes go to the store first, then one transaction makes them known: a process that dies between
leaves objects that nothing names, never a record without its bytes. A file that is known already,
by its SHA-256, changes nothing, unless the store has lost something of it: that is made again.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import composing
from app.catalog.models import HeldPublication, RecordRow, SearchableText, StoredPublication
from app.catalog.queries import records
from app.catalog.services import changes, storing
from app.catalog.services.describing import describe
from app.database import Database, now
from app.publications.models import Examination, Outcome, Publication
from app.publications.sandbox import Examiner
from app.storage.ports import ObjectStore
from search.analysis.folding import fold

_CONTENTS = 20_000


class Fate(StrEnum):
    """What became of a file."""

    ADDED = "added"
    ATTACHED = "attached"
    KNOWN = "known"
    MENDED = "mended"
    REFUSED = "refused"


class IngestFinding(msgspec.Struct, frozen=True):
    """Something wrong with a file."""

    code: str
    message: str
    place: str
    severity: str


class Ingested(msgspec.Struct, frozen=True):
    """What happened to one file; ``findings`` say what is wrong with it, also when it was taken."""

    path: str
    fate: Fate
    record: str | None = None
    title: str = ""
    findings: tuple[IngestFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class Intake:
    """What ingest works with."""

    database: Database
    store: ObjectStore
    examiner: Examiner
    library_id: str
    account_id: str | None = None
    scratch: Path | None = None
    """Where temporary folders are made: the system's place if nowhere."""


def ingest(intake: Intake, path: Path) -> Ingested:
    """Takes one file in. Never raises for what is in the file.

    :raises StoreUnavailableError: when the store does not answer; nothing is half-done then.
    """
    shown = printable(path)
    try:
        digest = _digest(path)
    except OSError as error:
        finding = IngestFinding(
            "file-unreadable", error.strerror or "it cannot be read", "", "error"
        )
        return Ingested(shown, Fate.REFUSED, findings=(finding,))
    with intake.database.transaction(writes=False) as session:
        known, objects = _known(session, digest), storing.objects_of(session, digest)
    if known and storing.are_there(intake.store, objects):
        return Ingested(shown, Fate.KNOWN, known)
    with tempfile.TemporaryDirectory(prefix="kaijuan-ingest-", dir=intake.scratch) as folder:
        examination = intake.examiner.examine(path, Path(folder), Path(shown).name)
        findings = tuple(
            IngestFinding(f.code, f.message, f.place, str(f.severity)) for f in examination.findings
        )
        publication = examination.publication
        if examination.outcome is Outcome.REFUSED or publication is None:
            return Ingested(shown, Fate.REFUSED, findings=findings)
        stored = storing.store(intake.store, path, Path(folder), examination)
    if known:
        intake.database.run(lambda s: storing.keep(s, examination, publication, stored))
        return Ingested(shown, Fate.MENDED, known, findings=findings)
    fate, record_id, title = intake.database.run(
        lambda session: _hold(session, intake, path, examination, publication, stored)
    )
    return Ingested(shown, fate, record_id, title, findings)


def printable(path: Path) -> str:
    """The path as text. Names that are no UTF-8 come from archives of GB18030 machines."""
    raw = os.fsencode(path)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()


def _known(session: Session, digest: str) -> str | None:
    """The record that holds it, a live one first. What was withdrawn does not come back so."""
    wanted = (
        select(HeldPublication.record_id)
        .join(RecordRow, RecordRow.id == HeldPublication.record_id)
        .where(HeldPublication.sha256 == digest)
        .order_by(RecordRow.state.not_in(("published", "draft")), HeldPublication.record_id)
        .limit(1)
    )
    return session.scalar(wanted)


def _hold(
    session: Session,
    intake: Intake,
    path: Path,
    examination: Examination,
    publication: Publication,
    stored: storing.Stored,
) -> tuple[Fate, str, str]:
    """Makes the stored publication known, and has a record hold it."""
    digest = examination.sha256
    if known := _known(session, digest):  # another process took the same file in meanwhile
        return Fate.KNOWN, known, ""
    if session.get(StoredPublication, digest) is None:
        storing.keep(session, examination, publication, stored)
    name = Path(printable(path))
    description = describe(publication, name.stem)
    row, fate = _match(session, description, name), Fate.ATTACHED
    if row is None:
        fate = Fate.ADDED
        row = changes.create(
            session,
            description,
            kind="book",
            library_id=intake.library_id,
            account_id=None,
        )
        row.source, row.source_id = "file", digest
    held = HeldPublication(record_id=row.id, sha256=digest, filename=name.name, held_at=now())
    session.add(held)
    _say(session, row.id, publication, examination.opening)
    media = composing.Media(str(publication.format), bool(stored.covers))
    changes.set_media(session, row, media)
    return fate, row.id, row.title


def _match(session: Session, description: Any, path: Path) -> RecordRow | None:
    """The one record that this file belongs to: it names the file, or has the same ISBN.

    The titles must agree after folding: catalogues do give one ISBN to several books.
    """
    pairs = {p for p in composing.found_by(description.identifiers) if p[0] in ("isbn", "doi")}
    ids = records.by_identifier(session, pairs | {("file", path.name)})
    rows = [row for i in ids if (row := session.get(RecordRow, i)) is not None]
    title = fold(description.title)
    matches = [row for row in rows if _agree(fold(row.title), title)]
    return changes.load(session, matches[0].id) if len(matches) == 1 else None


def _agree(one: str, other: str) -> bool:
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def _say(session: Session, record_id: str, publication: Publication, opening: str) -> None:
    """Gives search the chapter titles and the beginning of the text."""
    titles: list[str] = []
    entries = list(publication.toc)
    while entries:
        entry = entries.pop(0)
        titles.append(entry.title)
        entries[:0] = entry.children
    contents = " / ".join(titles)[:_CONTENTS]
    session.merge(SearchableText(record_id=record_id, contents=contents, beginning=opening))
