"""What stood in a file before, however long it is: kept in a temporary file, not in memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from types import TracebackType
from typing import Self


class Seen:
    """Where each entry of a file stood first, by its key."""

    def __init__(self) -> None:
        self._places = sqlite3.connect("", isolation_level=None)
        self._places.execute("PRAGMA journal_mode=OFF")
        self._places.execute("CREATE TABLE places (key TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")
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

    def take(self, entries: Sequence[tuple[str, str]]) -> list[str | None]:
        """Notes the place of each key; answers where it stood before, for each that did.

        Nearly always none did: then it is one statement for all of them.
        """
        with closing(self._places.cursor()) as cursor:
            cursor.executemany("INSERT OR IGNORE INTO places VALUES (?, ?)", entries)
            if cursor.rowcount == len(entries):
                return [None] * len(entries)
            found = []
            for key, place in entries:
                cursor.execute("SELECT place FROM places WHERE key = ?", (key,))
                (first,) = cursor.fetchone()
                found.append(None if first == place else first)
            return found

    def unseen(self, keys: Collection[str]) -> list[str]:
        """Those of these keys that stood nowhere, in their order."""
        wanted = "SELECT key FROM places WHERE key IN (SELECT value FROM json_each(?))"
        with closing(self._places.cursor()) as cursor:
            found = {key for (key,) in cursor.execute(wanted, (json.dumps(list(keys)),))}
        return [key for key in keys if key not in found]
