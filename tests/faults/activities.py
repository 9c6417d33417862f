"""What a library is doing when a fault befalls it, and what must be true of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Event
from types import TracebackType
from urllib.parse import quote
from uuid import uuid4

from archives import epub
from sqlalchemy import func, select

from app.catalog.models import HeldPublication, Import, RecordRow
from app.jobs.models import Job
from app.storage.keys import key_of
from faults.installation import Answered, Installation, until

RECORDS = 6_000
BOOKS = 16

LEASED = 240.0
"""Seconds: what cannot be given back, since the ledger is away, waits for its lease's end."""


def record_file(folder: Path, count: int = RECORDS) -> Path:
    """A file of made-up records that no other file has."""
    name = uuid4().hex[:8]
    lines = (
        json.dumps({"src": name, "id": f"r{n}", "title": f"{name}县志第{n}卷", "lang": "zh"})
        for n in range(count)
    )
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(lines))
    return path


def book_folder(folder: Path, count: int = BOOKS) -> list[Path]:
    """EPUBs that no other folder has."""
    name = uuid4().hex[:8]
    (folder / name).mkdir()
    return [
        epub(folder / name / f"{n}.epub", title=f"{name}第{n}书", identifier=f"urn:x:{name}:{n}")
        for n in range(count)
    ]


def is_imported_once(library: Installation, job: str, path: Path, count: int = RECORDS) -> None:
    """Waits for the import that was accepted: each record is there once, in one batch."""

    def state() -> str | None:
        with library.adapters.database.transaction(writes=False) as session:
            return session.scalar(select(Job.state).where(Job.id == job))

    until(lambda: state() in ("done", "failed"), "the import's end", LEASED)
    assert state() == "done"
    mine = RecordRow.source == path.stem
    with library.adapters.database.transaction(writes=False) as session:
        rows = select(func.count(), func.count(func.distinct(RecordRow.source_id))).where(mine)
        assert session.execute(rows).one() == (count, count)
        batch = session.scalars(select(Import).where(Import.name == path.name)).one()
        assert (batch.state, batch.read, batch.added) == ("done", count, count)


def are_held_once(library: Installation, books: list[Path]) -> None:
    """Each book is held by one record, and lies in the store as it is."""
    wanted = {sha256(path.read_bytes()).hexdigest(): path for path in books}
    with library.adapters.database.transaction(writes=False) as session:
        held = select(HeldPublication.sha256).where(HeldPublication.sha256.in_(wanted))
        assert sorted(session.scalars(held)) == sorted(wanted)
    for digest, path in wanted.items():
        assert library.adapters.store.read(key_of(digest, "epub")) == path.read_bytes()


def until_done(library: Installation, *command: str) -> None:
    """Runs a command again that a fault may have ended, as its operator does."""
    until(lambda: library.begin(*command).wait() == 0, " ".join(command))


class Readers:
    """Readers who go on reading one record and one chapter, and searching, whatever happens."""

    def __init__(self, library: Installation, book: Path) -> None:
        self._library, self._over = library, Event()
        self.addresses = _addresses(library, book)
        self.right = {kind: library.ask("GET", at).body for kind, at in self.addresses.items()}
        self.answers: dict[str, list[Answered]] = {kind: [] for kind in self.addresses}

    def __enter__(self) -> Readers:
        self._pool = ThreadPoolExecutor(len(self.addresses))
        self._reading: list[Future[None]] = [
            self._pool.submit(self._read, kind, at) for kind, at in self.addresses.items()
        ]
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._pool.shutdown()

    def _read(self, kind: str, address: str) -> None:
        while not self._over.wait(0.02):
            self.answers[kind].append(self._library.ask("GET", address))

    def were_never_told_wrong(self) -> None:
        """What was answered with success was right; all else said that it was no success."""
        for kind, answers in self.answers.items():
            assert answers
            for answer in answers:
                is_right = answer.status == 200 and answer.body == self.right[kind]
                is_marked = answer.status == 200 and b'"degraded":true' in answer.body
                assert is_right or is_marked or answer.status in (0, 429, 500, 503), (kind, answer)

    def were_served(self, *kinds: str) -> None:
        """An engine that these do not need took nothing from them."""
        for kind in kinds:
            wrong = [a.status for a in self.answers[kind] if a.status != 200]
            assert not wrong, (kind, wrong)

    def are_refused(self, *kinds: str, patience: float) -> None:
        """Each of these is told within so many seconds to come again later."""

        def told(kind: str) -> bool:
            return any(answer.status == 503 for answer in self.answers[kind])

        until(lambda: all(map(told, kinds)), "refusing readers", patience)

    def are_served_again(self) -> None:
        """Everything is answered as it was before."""
        ask: Callable[[str], Answered] = lambda at: self._library.ask("GET", at)  # noqa: E731
        for kind, address in self.addresses.items():
            until(lambda at=address, k=kind: ask(at).body == self.right[k], f"reading: {kind}")


def _addresses(library: Installation, book: Path) -> dict[str, str]:
    with library.adapters.database.transaction(writes=False) as session:
        digest = sha256(book.read_bytes()).hexdigest()
        held = select(HeldPublication.record_id).where(HeldPublication.sha256 == digest)
        record = session.scalars(held).one()
    inside = quote("OEBPS/第1章.xhtml")
    return {
        "record": f"/api/v1/books/{record}",
        "search": f"/api/v1/search?q={quote(book.parent.name)}",
        "chapter": f"/content/open/{record}-{digest[:16]}/{inside}",
    }
