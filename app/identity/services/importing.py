"""Imports of a library's readers: streamed, in chunks that are each done for good, repeatable.

A reader is known by the card's number at this library. An import that was killed goes on after
its last whole chunk; one that is done again changes nothing. A file that says that it holds all
readers of the library has the cards that it lacks be suspended, unless so many are missing that it
may have been cut off. One import at a time is done for a library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import batches
from app.database import Database, insert_many
from app.errors import ConflictError
from app.identity import tree
from app.identity.models import ReaderImport, ReaderImportProblem
from app.identity.models.libraries import LibraryState
from app.identity.reports import ReaderReport
from app.identity.services import audit, missing, parting, registering
from app.identity.services.parting import Order, Part
from app.lines import Refusal, digest_of
from app.sealing import Sealer
from app.seen import Seen

KEPT_PROBLEMS = 10_000
Progress = Callable[[ReaderReport], None]


def import_readers(
    database: Database,
    sealer: Sealer,
    order: Order,
    *,
    dry_run: bool = False,
    progress: Progress = lambda _report: None,
) -> ReaderReport:
    """Imports a file; each chunk is one transaction that also notes how far it came.

    ``dry_run`` reads and judges everything and changes nothing.

    :raises NotFoundError: for an unknown library.
    :raises ConflictError: while readers of this library are being imported elsewhere, and for a
        library that takes none.
    """
    with Seen() as seen:
        if dry_run:
            return _rehearse(database, sealer, order, seen, progress)
        with batches.holder() as holder:
            report, position = _begun(database, order, holder)
            done = _Doing(database, sealer, order, seen, str(report.id), holder, progress)
            return done.go(report, position)


@dataclass(slots=True)
class _Doing:
    database: Database
    sealer: Sealer
    order: Order
    seen: Seen
    id: str
    holder: str
    progress: Progress
    position: int = 0
    unread: int = 0

    def go(self, report: ReaderReport, position: int) -> ReaderReport:
        """Goes on after so many rows, to the end."""
        rows = self.order.roster.read()
        for part in parting.parts(islice(rows, position), self.sealer, self.seen):  # done before
            self.unread += part.unread
            self.database.run(self._renew)
        self.position = position
        for part in parting.parts(rows, self.sealer, self.seen):
            self.position, self.unread = self.position + part.size, self.unread + part.unread
            report = self.database.run(partial(self._take_in, part=part, so_far=report))
            self.progress(report)
        if self.order.whole:
            report = self._suspend_missing(report)
        self.database.run(partial(self._finish, report=report))
        self.database.checkpoint()
        return report

    def _take_in(self, session: Session, part: Part, so_far: ReaderReport) -> ReaderReport:
        """Takes one chunk; answers the report up to there."""
        self._renew(session)
        report = msgspec.structs.replace(so_far, problems=[*so_far.problems])
        library_id = self.order.library_id
        judged = registering.take(session, self.sealer, library_id, self.id, part.rows)
        changed = len(judged.changed) + len(judged.loose)
        parting.count(report, part, len(judged.fresh), changed, judged.unchanged)
        self._list(session, report, [*part.refused, *part.notes])
        self._note(session, report)
        if judged.fresh or changed:
            self._audit(session, "readers.imported", added=len(judged.fresh), changed=changed)
        return report

    def _suspend_missing(self, report: ReaderReport) -> ReaderReport:
        found, refusal = parting.absent(
            self.database, self.order, self.seen, report, self.unread, report.suspended
        )
        report = msgspec.structs.replace(report, missing=found + report.suspended)
        if refusal:
            return self.database.run(partial(self._hold_back, so_far=report, refusal=refusal))
        for gone in missing.pages(self.database, self.order.library_id, self.seen):
            report = self.database.run(partial(self._suspend, so_far=report, gone=gone))
            self.progress(report)
        return report

    def _suspend(self, session: Session, so_far: ReaderReport, gone: Sequence[str]) -> ReaderReport:
        self._renew(session)
        report = msgspec.structs.replace(so_far, problems=[*so_far.problems])
        accounts = missing.suspend(session, self.id, gone)
        report.suspended += len(accounts)
        message = "The card is not in the file: it is suspended."
        said = [Refusal(f"account {account}", "missing", message) for account in accounts]
        self._list(session, report, said)
        self._note(session, report)
        self._audit(session, "cards.missing", suspended=len(accounts))
        return report

    def _hold_back(self, session: Session, so_far: ReaderReport, refusal: Refusal) -> ReaderReport:
        self._renew(session)
        report = msgspec.structs.replace(so_far, problems=[*so_far.problems])
        self._list(session, report, [refusal])
        self._note(session, report)
        return report

    def _renew(self, session: Session) -> None:
        batches.renew(session, ReaderImport, self.id, self.holder)

    def _list(self, session: Session, report: ReaderReport, found: Sequence[Refusal]) -> None:
        """Keeps what is to be said, as far as anybody would read."""
        known = len(report.problems)
        fresh = found[: KEPT_PROBLEMS - known]
        report.problems += fresh
        insert_many(session, ReaderImportProblem, [
            {"import_id": self.id, "number": number, "place": one.place, "code": one.code,
             "message": one.message}
            for number, one in enumerate(fresh, known + 1)
        ])  # fmt: skip

    def _note(self, session: Session, report: ReaderReport) -> None:
        batches.note(session.get_one(ReaderImport, self.id), report, self.position)

    def _audit(self, session: Session, action: str, **counts: int) -> None:
        library_id = self.order.library_id
        subject, actor = f"library:{library_id}", self.order.actor
        audit.note(session, actor, action, subject, library_id, of=self.id, **counts)

    def _finish(self, session: Session, report: ReaderReport) -> None:
        self._renew(session)
        self._note(session, report)
        batches.finish(session.get_one(ReaderImport, self.id), "done")


def _begun(database: Database, order: Order, holder: str) -> tuple[ReaderReport, int]:
    digest = digest_of(order.roster.path)
    try:
        return database.run(partial(_begin, order=order, digest=digest, holder=holder))
    except IntegrityError as error:  # one of two that began at once was the first
        message = "Readers of this library are being imported at this moment."
        raise ConflictError(message) from error


def _begin(session: Session, order: Order, digest: str, holder: str) -> tuple[ReaderReport, int]:
    """The import of this file that was interrupted, or a new one; another's is given up."""
    _require_open(session, order.library_id)
    wanted = select(ReaderImport).where(
        ReaderImport.library_id == order.library_id, ReaderImport.state == "running"
    )
    if batch := session.scalar(wanted.with_for_update()):
        batches.take(batch, holder)
        said = (order.roster.name, digest, order.whole)
        if said == (batch.format, batch.digest, batch.whole):
            report = batches.so_far(session, batch, ReaderImportProblem, ReaderReport)
            return report, batch.position
        batches.finish(batch, "stopped")
        session.flush()
    about = {"name": order.name, "digest": digest, "format": order.roster.name}
    whose = {"library_id": order.library_id, "account_id": order.actor.account_id}
    batch = batches.begin(session, ReaderImport, holder, **about, **whose, whole=order.whole)
    subject, actor = f"library:{order.library_id}", order.actor
    audit.note(session, actor, "readers.import-begun", subject, order.library_id, of=batch.id)
    return ReaderReport(id=batch.id), 0


def _require_open(session: Session, library_id: str) -> None:
    library = tree.get(session, library_id)
    if library.state not in (LibraryState.JOINED, LibraryState.SETTING_UP):
        raise ConflictError(f"{library.name} takes no readers at the moment.")


def _rehearse(
    database: Database, sealer: Sealer, order: Order, seen: Seen, progress: Progress
) -> ReaderReport:
    with database.transaction(writes=False) as session:
        _require_open(session, order.library_id)
    report, unread = ReaderReport(), 0
    for part in parting.parts(order.roster.read(), sealer, seen):
        with database.transaction(writes=False) as session:
            judged = registering.judge(session, part.rows)
        changed = len(judged.changed) + len(judged.loose)
        parting.count(report, part, len(judged.fresh), changed, judged.unchanged)
        unread += part.unread
        report.problems = [*report.problems, *part.refused, *part.notes][:KEPT_PROBLEMS]
        progress(report)
    if order.whole:
        report.missing, refusal = parting.absent(database, order, seen, report, unread, 0)
        if refusal:
            report.problems.append(refusal)
    return report
