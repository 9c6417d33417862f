"""The port on one SQLite file: one writer at a time, any number of readers beside it."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from search.backends.sqlite.codes import Codes
from search.backends.sqlite.filters import where
from search.backends.sqlite.schema import ENGINE, check, connect, create
from search.backends.sqlite.searching import answer
from search.backends.sqlite.suggestions import suggestions
from search.backends.sqlite.writing import Batch
from search.documents import Item
from search.index import Hits, IndexUnavailableError, Outcome, Query, Suggestion


class SqliteIndex:
    """One generation in the file ``path``, which is made when it is missing.

    Each thread reads over a connection of its own; writes of all threads and processes take turns
    (WAL, ``BEGIN IMMEDIATE``). An object must not be carried over a fork.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._codes = Codes()
        with _translated():
            create(path)
            check(self._reader())

    @property
    def generation(self) -> str:
        """The name of the file."""
        return self._path.stem

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """See SearchIndex: one durable transaction for the whole batch."""
        items = list(batch)
        if not items:
            return []
        with self._lock, _translated():
            writer = self._writer = self._writer or connect(self._path, writes=True)
            writer.execute("BEGIN IMMEDIATE")
            try:
                outcomes = Batch(writer, self._codes).write(items)
                writer.execute("COMMIT")
            except BaseException:
                self._codes = Codes()
                writer.execute("ROLLBACK")
                raise
        return outcomes

    def search(self, query: Query) -> Hits:
        """See SearchIndex: one snapshot answers all of a query."""
        with self._snapshot() as connection:
            return answer(connection, query)

    def suggest(
        self, text: str, *, audience: Sequence[str] = ("public",), limit: int = 10
    ) -> Sequence[Suggestion]:
        """See SearchIndex."""
        with self._snapshot() as connection:
            condition = where(connection, Query(audience=tuple(audience)))
            return suggestions(connection, text, condition, limit) if condition else []

    def count(self) -> int:
        """See SearchIndex."""
        with self._snapshot() as connection:
            found: tuple[int] = connection.execute("SELECT count(*) FROM document").fetchone()
        return found[0]

    def versions(self, ids: Sequence[str], *, withdrawn: bool = False) -> Mapping[str, int]:
        """See SearchIndex."""
        with self._snapshot() as connection:
            rows = connection.execute(
                "SELECT id, version FROM version"
                " WHERE (? OR row IS NOT NULL) AND id IN (SELECT value FROM json_each(?))",
                (withdrawn, msgspec.json.encode(ids).decode()),
            )
            return dict(rows.fetchall())

    def walk(self, after: str, limit: int, until: str = "") -> Sequence[tuple[str, int]]:
        """See SearchIndex."""
        with self._snapshot() as connection:
            return connection.execute(
                "SELECT id, version FROM version WHERE id > ? AND id <= ? AND row IS NOT NULL"
                " ORDER BY id LIMIT ?",
                (after, until or b"", limit),  # every text is before every blob
            ).fetchall()

    def close(self) -> None:
        """See SearchIndex; threads that still read are cut off."""
        with self._lock:
            for connection in (*self._open, *filter(None, (self._writer,))):
                connection.close()
            self._open.clear()
            self._writer = None
            self._local = threading.local()

    def _reader(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if found is None:
            found = self._local.reader = connect(self._path)
            with self._lock:
                self._open.append(found)
        return found

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        with _translated():
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise IndexUnavailableError(ENGINE, str(error)) from error
