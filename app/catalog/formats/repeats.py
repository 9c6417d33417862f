"""Records that stand more than once in a file, however long it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from types import TracebackType
from typing import Self

from app.catalog.formats.candidates import Candidate
from app.lines import Refusal


class Repeats:
    """Where each record of a file stood, kept in a temporary file of SQLite rather than memory."""

    def __init__(self) -> None:
        self._places = sqlite3.connect("", isolation_level=None)
        self._places.execute("PRAGMA journal_mode=OFF")
        self._places.execute(
            "CREATE TABLE places (source TEXT, id TEXT, place TEXT, PRIMARY KEY (source, id))"
            " WITHOUT ROWID"
        )
        self._places.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._places.close()

    def take(self, candidates: Sequence[Candidate]) -> list[Refusal]:
        """Notes where these stand; answers those that stood before, which these now replace.

        Nearly always none did: then it is one statement for all of them.
        """
        rows = [(c.source, c.source_id, c.place) for c in candidates]
        with closing(self._places.cursor()) as cursor:
            cursor.executemany("INSERT OR IGNORE INTO places VALUES (?, ?, ?)", rows)
            if cursor.rowcount == len(rows):
                return []
            return [found for row in rows if (found := self._repeated(cursor, *row))]

    def _repeated(
        self, cursor: sqlite3.Cursor, source: str, source_id: str, place: str
    ) -> Refusal | None:
        cursor.execute("SELECT place FROM places WHERE source = ? AND id = ?", (source, source_id))
        (earlier,) = cursor.fetchone()
        if earlier == place:
            return None
        cursor.execute("REPLACE INTO places VALUES (?, ?, ?)", (source, source_id, place))
        message = f"{source_id!r} stood at {earlier} already; what this later one says stands."
        return Refusal(place, "repeated", message)
