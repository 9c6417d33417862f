"""Records that stand more than once in a file, however long it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from types import TracebackType
from typing import Self

from app.catalog.formats.candidates import Candidate, Refusal


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

    def take(self, candidates: Iterable[Candidate]) -> list[Refusal]:
        """Notes where these stand; answers those that stood before, which these now replace."""
        found = []
        with closing(self._places.cursor()) as cursor:
            for candidate in candidates:
                key = (candidate.source, candidate.source_id)
                cursor.execute("SELECT place FROM places WHERE source = ? AND id = ?", key)
                if (row := cursor.fetchone()) is not None:
                    message = (
                        f"{key[1]!r} stood at {row[0]} already; what this later one says stands."
                    )
                    found.append(Refusal(candidate.place, "repeated", message))
                cursor.execute("REPLACE INTO places VALUES (?, ?, ?)", (*key, candidate.place))
        return found
