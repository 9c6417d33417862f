"""Imports of records: streamed, in chunks that are each done for good, repeatable, undoable.

A file is known by its digest. An import that was killed goes on after its last whole chunk; a
file that was imported before changes nothing, since every record is known by source and source
id and compared by the digest of what was received. What a person mended stands, and what the
source says otherwise is listed. What libraries outside the importing one's part of the tree hold
is out of its reach: a record that would change theirs, or belong to it, is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import batches
from app.catalog.formats import Candidate, RecordFormat, Refusal
from app.catalog.formats.chunks import Chunk, chunks
from app.catalog.formats.repeats import Repeats
from app.catalog.models import Import, ImportProblem
from app.catalog.services import adding, changes, recognising
from app.database import Database
from app.errors import ConflictError
from app.identity import tree
from app.identity.models import Library
from app.lines import digest_of

CHUNK = 2_000
SKIPPED = 50_000
KEPT_PROBLEMS = 10_000
Progress = Callable[["Report"], None]


class Report(batches.Report, kw_only=True):
    """What an import did; the result of ``kaijuan import records --json``."""

    id: str | None = None
    repeated: int = 0
    """How many stood before in the same file; they are counted under what became of them too."""


def import_records(
    database: Database,
    source: RecordFormat,
    path: Path,
    *,
    library_id: str,
    account_id: str | None = None,
    dry_run: bool = False,
    progress: Progress = lambda _report: None,
) -> Report:
    """Imports a file; each chunk is one transaction that also notes how far it came.

    ``dry_run`` reads and judges everything and changes nothing.

    :raises ConflictError: while the same file is being imported for this library elsewhere.
    """
    if dry_run:
        return _rehearse(database, source, library_id, progress)
    with batches.holder() as holder, Repeats() as repeats:
        batch_id, report, position = _begun(database, source, path, library_id, account_id, holder)
        records = source.read()
        for chunk in chunks(islice(records, position), SKIPPED):
            repeats.again(chunk.candidates)  # done before: only where they stood is wanted
            with database.transaction() as session:
                batches.renew(session, Import, batch_id, holder)
        for chunk in chunks(records, CHUNK):
            position += chunk.size
            again = repeats.again(chunk.candidates)
            part = _Batch(batch_id, library_id, holder, position)
            report = database.run(partial(_do, batch=part, chunk=chunk, again=again, so_far=report))
            progress(report)
        with database.transaction() as session:
            batches.renew(session, Import, batch_id, holder)
            batches.finish(session.get_one(Import, batch_id), "done")
    database.checkpoint()
    return report


def _begun(
    database: Database,
    source: RecordFormat,
    path: Path,
    library_id: str,
    account_id: str | None,
    holder: str,
) -> tuple[str, Report, int]:
    digest = digest_of(path)

    def begin(session: Session) -> tuple[str, Report, int]:
        tree.get(session, library_id)
        return _begin(session, source, path.name, digest, library_id, account_id, holder)

    try:
        return database.run(begin)
    except IntegrityError as error:  # one of two that began at once was the first
        raise ConflictError(f"{path.name!r} is being imported at this moment.") from error


def _begin(
    session: Session,
    source: RecordFormat,
    name: str,
    digest: str,
    library_id: str,
    account_id: str | None,
    holder: str,
) -> tuple[str, Report, int]:
    """The batch of this file that was interrupted, or a new one."""
    wanted = select(Import).where(
        Import.digest == digest,
        Import.state == "running",
        Import.library_id == library_id,
        Import.format == source.name,
    )
    if batch := session.scalar(wanted.with_for_update()):
        batches.take(batch, holder)
        return batch.id, batches.so_far(session, batch, ImportProblem, Report), batch.position
    about = {"name": name, "digest": digest, "format": source.name}
    whose = {"library_id": library_id, "account_id": account_id}
    batch = batches.begin(session, Import, holder, **about, **whose)
    return batch.id, Report(id=batch.id), 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """An import while it goes on, up to ``position``."""

    id: str
    library_id: str
    holder: str
    position: int


def _do(
    session: Session, batch: _Batch, chunk: Chunk, again: list[Refusal], so_far: Report
) -> Report:
    """Takes one chunk and notes how far the import has come; answers the report up to there."""
    report = msgspec.structs.replace(so_far, problems=[*so_far.problems])
    batches.renew(session, Import, batch.id, batch.holder)
    _take(session, batch.id, batch.library_id, chunk, report)
    _list(session, batch.id, again, report)
    report.repeated += len(again)
    batches.note(session.get_one(Import, batch.id), report, batch.position)
    return report


def _take(session: Session, batch_id: str, library_id: str, chunk: Chunk, report: Report) -> None:
    path = tree.get(session, library_id).path
    known = recognising.known(session, chunk.candidates)
    fresh: list[Candidate] = []
    refused = [*chunk.refusals]
    for candidate in chunk.candidates:
        row = known.get(recognising.identity(candidate))
        if row is None:
            fresh.append(candidate)
        elif not row.path.startswith(path):
            refused.append(recognising.foreign(candidate))
        elif recognising.is_same(row, candidate) or not changes.from_source(
            session, row.id, candidate, batch_id
        ):
            report.unchanged += 1
        else:
            report.changed += 1
    orphans = adding.add_new(session, batch_id, library_id, path, fresh)
    report.added += len(fresh) - len(orphans)
    report.read += chunk.size
    refused += orphans
    _list(session, batch_id, refused, report)
    report.refused += len(refused)


def _list(session: Session, batch_id: str, found: list[Refusal], report: Report) -> None:
    """Keeps what is to be said of records, as far as anybody would read."""
    number = report.refused + report.repeated
    for refusal in found[: max(KEPT_PROBLEMS - number, 0)]:
        number += 1
        line = Refusal(refusal.place, refusal.code, refusal.message[:500])
        report.problems.append(line)
        session.add(
            ImportProblem(
                import_id=batch_id,
                number=number,
                place=line.place,
                code=line.code,
                message=line.message,
            )
        )


def _rehearse(
    database: Database, source: RecordFormat, library_id: str, progress: Progress
) -> Report:
    with Repeats() as repeats:
        return _rehearsed(database, source, library_id, progress, repeats)


def _rehearsed(
    database: Database,
    source: RecordFormat,
    library_id: str,
    progress: Progress,
    repeats: Repeats,
) -> Report:
    report = Report()
    seen: set[tuple[str, str]] = set()
    for chunk in chunks(source.read(), CHUNK):
        again = repeats.again(chunk.candidates)
        with database.transaction(writes=False) as session:
            library = session.get(Library, library_id)  # the first is made by the first import
            path = library.path if library else ""
            known = recognising.known(session, chunk.candidates)
            parents = adding.parents(session, chunk.candidates)
        refused = [*chunk.refusals]
        for candidate in chunk.candidates:
            identity = recognising.identity(candidate)
            row = known.get(identity)
            if row is None and identity not in seen:
                above = (candidate.source, candidate.parent)
                if above not in seen and (orphan := adding.orphan(candidate, parents, path)):
                    refused.append(orphan)
                    continue
                report.added += 1
            elif row is not None and not row.path.startswith(path):
                refused.append(recognising.foreign(candidate))
            elif row is not None and recognising.is_same(row, candidate):
                report.unchanged += 1
            else:
                report.changed += 1
            seen.add(identity)
        report.read += chunk.size
        report.refused += len(refused)
        report.repeated += len(again)
        report.problems = [*report.problems, *refused, *again][:KEPT_PROBLEMS]
        progress(report)
    return report
