"""Filling a generation: what one document becomes, and one batch in one transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from search.analysis.sounds import collation_key, sounds
from search.analysis.tokens import key
from search.backends.sqlite.codes import AUDIENCE, AUDIENCE_SEPARATOR, Codes, pack
from search.backends.sqlite.schema import Stored, encode_stored
from search.documents import Document, Item, Tombstone
from search.entries import decade, sound_columns, title_keys, word_columns
from search.index import Facet, Outcome, Status

_NO_YEAR = 1 << 40
_NO_NUMBER = 1 << 63


def stored_fields(document: Document) -> bytes:
    """The originals kept for highlights; equal for two versions of the same text."""
    return encode_stored(
        Stored(
            document.title,
            document.other_titles,
            document.agents,
            document.subjects,
            document.publisher,
            document.identifiers,
            document.description,
            document.contents,
            document.text,
            document.language,
        )
    )


class _Rows:
    """What a batch adds, table by table, so that each table is filled by one statement."""

    def __init__(self) -> None:
        self.version: list[tuple[str, int, int | None]] = []
        self.document: list[tuple[object, ...]] = []
        self.stored: list[tuple[int, bytes]] = []
        self.subject: list[tuple[int, int]] = []
        self.title: list[tuple[str, int]] = []
        self.words: list[tuple[object, ...]] = []
        self.sounds: list[tuple[int, str, str]] = []
        self.gone: list[tuple[int]] = []


class Batch:
    """One transaction of the single writer; begun and ended by the engine.

    ``codes`` is the writer's memory of facet values and must be dropped when the transaction is
    rolled back.
    """

    def __init__(self, connection: sqlite3.Connection, codes: Codes) -> None:
        self._connection = connection
        self._codes = codes
        codes.catch_up(connection)
        self._rows = _Rows()

    def write(self, items: Iterable[Item]) -> list[Outcome]:
        """Write what is newer than what is held; of one id in a batch the newest counts."""
        batch = list(items)
        held = self._held([item.id for item in batch])
        newest: dict[str, Item] = {}
        outcomes = [self._judge(item, held, newest) for item in batch]
        first = self._meta("row") + 1
        for row, item in enumerate(newest.values(), first):
            self._take(item, held.get(item.id, (0, None))[1], row)
        self._flush(len(newest))
        return outcomes

    def _judge(
        self, item: Item, held: dict[str, tuple[int, int | None]], newest: dict[str, Item]
    ) -> Outcome:
        known = newest[item.id].version if item.id in newest else held.get(item.id, (None,))[0]
        if known is not None and known >= item.version:
            return Outcome(item.id, Status.KEPT)
        fault = _fault(item)
        if fault:
            return Outcome(item.id, Status.REFUSED, fault)
        newest[item.id] = item
        return Outcome(item.id, Status.WRITTEN)

    def _held(self, ids: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        rows = self._connection.execute(
            "SELECT id, version, row FROM version WHERE id IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(ids).decode(),),
        )
        return {identifier: (version, row) for identifier, version, row in rows}

    def _meta(self, name: str) -> int:
        found: tuple[int] = self._connection.execute(
            "SELECT value FROM meta WHERE name = ?", (name,)
        ).fetchone()
        return found[0]

    def _take(self, item: Item, old: int | None, fresh: int) -> None:
        if isinstance(item, Tombstone):
            self._bury(old)
            self._rows.version.append((item.id, item.version, None))
            return
        fields, folded = stored_fields(item), key(item.title)
        row = fresh
        if old is not None and self._is_stored(old, fields):
            row = old
            self._connection.execute("DELETE FROM subject WHERE row = ?", (old,))
        else:
            self._bury(old)
            self._add_text(item, fields, folded, row)
        self._add_document(item, folded, row)
        self._rows.version.append((item.id, item.version, row))

    def _is_stored(self, row: int, fields: bytes) -> bool:
        found = self._connection.execute("SELECT fields FROM stored WHERE row = ?", (row,))
        return bool(found.fetchone() == (fields,))

    def _bury(self, row: int | None) -> None:
        if row is not None:
            self._rows.gone.append((row,))

    def _add_text(self, document: Document, fields: bytes, folded: str, row: int) -> None:
        readings = [
            reading
            for title in (document.title, *document.other_titles)
            for reading in sounds(title)
        ]
        self._rows.stored.append((row, fields))
        self._rows.words.append((row, *word_columns(document)))
        self._rows.title += ((one, row) for one in title_keys(document, folded, readings))
        if readings:
            self._rows.sounds.append((row, *sound_columns(readings)))

    def _add_document(self, document: Document, folded: str, row: int) -> None:
        audience = AUDIENCE_SEPARATOR.join(sorted(set(document.audience)))
        subjects = sorted({self._codes.of(Facet.SUBJECT, code) for code in document.subject_codes})
        kind = self._codes.of(Facet.KIND, document.kind)
        language = self._codes.of(Facet.LANGUAGE, document.language)
        codes = [kind, language, *subjects, *self._more_codes(document)]
        year = document.year
        self._rows.document.append(
            (
                row,
                document.id,
                folded,
                kind,
                language,
                self._codes.of(AUDIENCE, audience),
                document.library_path,
                document.available,
                _NO_YEAR if year is None else year,
                -_NO_YEAR if year is None else year,
                document.added_at,
                document.sort_title or collation_key(folded),
                document.work or document.id,
                pack(codes),
            )
        )
        self._rows.subject += ((code, row) for code in subjects)

    def _more_codes(self, document: Document) -> Iterator[int]:
        if document.library:
            yield self._codes.of(Facet.LIBRARY, document.library)
        if document.year is not None:
            yield self._codes.of(Facet.YEAR, decade(document.year))
        yield self._codes.of(Facet.AVAILABLE, "true" if document.available else "false")

    def _flush(self, used: int) -> None:
        rows, run = self._rows, self._connection.executemany
        for table in ("document", "stored", "subject", "title"):
            run(f"DELETE FROM {table} WHERE row = ?", rows.gone)
        run("INSERT INTO dead VALUES (?)", rows.gone)
        run("INSERT INTO code VALUES (?, ?, ?)", self._codes.take_fresh())
        run("INSERT INTO stored VALUES (?, ?)", rows.stored)
        run(
            "INSERT INTO words (rowid, title, other, agents, subjects, identifiers, rest, stems)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows.words,
        )
        run("INSERT INTO sounds (rowid, pinyin, initials) VALUES (?, ?, ?)", rows.sounds)
        run("INSERT INTO title VALUES (?, ?)", sorted(rows.title))
        run(f"INSERT OR REPLACE INTO document VALUES ({', '.join('?' * 14)})", rows.document)
        run("INSERT INTO subject VALUES (?, ?)", sorted(rows.subject))
        run("INSERT OR REPLACE INTO version VALUES (?, ?, ?)", rows.version)
        run("UPDATE meta SET value = value + ? WHERE name = 'row'", [(used,)])


def _fault(item: Item) -> str:
    """Why an item cannot be stored; empty when it can."""
    if not item.id or not -_NO_NUMBER < item.version < _NO_NUMBER:
        return "an id and a version of 63 bits are needed"
    if isinstance(item, Document) and not -_NO_YEAR < (item.year or 0) < _NO_YEAR:
        return "the year is out of range"
    try:
        msgspec.msgpack.encode(item)
    except UnicodeEncodeError as error:
        return f"a text is not valid Unicode: {error.reason}"
    return ""
