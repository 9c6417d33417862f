"""The tables of one generation, and connections to them."""

import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from search.analysis import ANALYSIS_VERSION
from search.files import sync_folder
from search.index import IndexOutdatedError

ENGINE = "sqlite"
SCHEMA_VERSION = 2

# ``words`` and ``sounds`` keep no text: a changed text gets a new row and leaves its old one dead,
# because deleting would need the very tokens that were once given. ``dead`` lists those, and a
# rebuild drops them.
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE version (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, row INTEGER  -- no row: a tombstone
) WITHOUT ROWID;
CREATE TABLE document (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    key TEXT NOT NULL,           -- the folded title
    kind INTEGER NOT NULL,       -- code, as language and audience
    language INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    path TEXT NOT NULL,
    available INTEGER NOT NULL,
    year_up INTEGER NOT NULL,    -- no year comes last in either direction
    year_down INTEGER NOT NULL,
    added_at TEXT NOT NULL,
    sort_title TEXT NOT NULL,
    work TEXT NOT NULL,          -- the record's own id where it has no group
    codes BLOB NOT NULL          -- its facet values: little-endian 32-bit codes
);
CREATE INDEX document_path ON document (path);
CREATE INDEX document_year_up ON document (year_up, id);
CREATE INDEX document_year_down ON document (year_down, id);
CREATE INDEX document_added ON document (added_at, id);
CREATE INDEX document_title ON document (sort_title, id);
CREATE TABLE dead (row INTEGER PRIMARY KEY);
CREATE TABLE stored (row INTEGER PRIMARY KEY, fields BLOB NOT NULL);
CREATE TABLE code (
    code INTEGER PRIMARY KEY,    -- its lowest bits say the facet: see codes
    facet TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (facet, value)
);
CREATE TABLE subject (code INTEGER, row INTEGER, PRIMARY KEY (code, row)) WITHOUT ROWID;
CREATE INDEX subject_row ON subject (row);
CREATE TABLE title (
    key TEXT, row INTEGER, PRIMARY KEY (key, row)  -- see expressions: by title, pinyin, initials
) WITHOUT ROWID;
CREATE INDEX title_row ON title (row);
CREATE VIRTUAL TABLE words USING fts5 (
    title, other, agents, subjects, identifiers, rest, stems, content='', tokenize='ascii'
);
CREATE VIRTUAL TABLE sounds USING fts5 (pinyin, initials, content='', tokenize='ascii');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
"""

_WRITER_CACHE_KIB = 16 * 1024
# Each reading thread has a cache of its own, and a mapped file counts as memory of each process:
# the system's page cache serves them all, as fast.
_READER_CACHE_KIB = 2 * 1024
_BUSY_SECONDS = 30.0


def connect(path: Path, *, writes: bool = False) -> sqlite3.Connection:
    """A connection in autocommit; what writes begins its transactions itself.

    Commits are durable (WAL with full sync): a batch reported as written outlives a power cut.
    """
    mode = "rw" if writes else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
        check_same_thread=False,
    )
    cache = _WRITER_CACHE_KIB if writes else _READER_CACHE_KIB
    for setting in (f"cache_size=-{cache}", "synchronous=FULL"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def create(path: Path) -> None:
    """Make an empty generation at ``path``, whole or not at all; an existing one is left alone.

    It is made under another name and then linked, so that of processes that begin together none
    sees a file without its tables, and the first one's file stays.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        _fill(fresh)
        with suppress(FileExistsError):
            path.hardlink_to(fresh)
    sync_folder(path.parent)


def _fill(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN")
        for statement in filter(str.strip, _TABLES.split(";\n")):
            connection.execute(statement)
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [("schema", SCHEMA_VERSION), ("analysis", ANALYSIS_VERSION), ("row", 0)],
        )
        connection.execute("COMMIT")


def check(connection: sqlite3.Connection) -> None:
    """Refuse a file that another release wrote: its words were cut differently."""
    rows = connection.execute("SELECT value FROM meta WHERE name IN ('analysis', 'schema')")
    if [value for (value,) in rows] != [ANALYSIS_VERSION, SCHEMA_VERSION]:
        raise IndexOutdatedError(ENGINE)


class Stored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The originals that highlights and suggestions are made of."""

    title: str
    other_titles: tuple[str, ...]
    agents: tuple[str, ...]
    subjects: tuple[str, ...]
    publisher: str
    identifiers: tuple[str, ...]
    description: str
    contents: str
    text: str
    language: str


encode_stored = msgspec.msgpack.Encoder().encode
decode_stored = msgspec.msgpack.Decoder(Stored).decode
