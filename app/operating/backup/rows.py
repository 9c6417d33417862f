"""Rows of a table in a form of no engine's own, so that they can move from one to another.

A part is a gzip stream (RFC 1952) of blocks: four bytes of length, big-endian, then so many bytes
of MessagePack: an array of rows, each an array of values in the order of the columns. The kinds of
values are ``integer`` (64 bits), ``real``, ``boolean``, ``text``, ``bytes``, and ``json``, which is
kept as its text. Times are integers here, as the schema has them.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Text, cast
from sqlalchemy import types as sql
from sqlalchemy.schema import Column as SqlColumn

from app.operating.backup.manifest import BackupError, DamagedError

BLOCK = 250
"""Rows of a block, which is what is held in memory."""
LEVEL = 1
"""Of compression: what is large in the database is compressed already."""
_HEAD = 4

_KINDS: tuple[tuple[type[sql.TypeEngine[Any]], str], ...] = (
    (sql.Boolean, "boolean"),
    (sql.Integer, "integer"),
    (sql.Numeric, "real"),
    (sql.JSON, "json"),
    (sql.LargeBinary, "bytes"),
    (sql.String, "text"),
)

Rows = Sequence[tuple[Any, ...]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[Any, ...]]).decode


def kind_of(column: SqlColumn[Any]) -> str:
    """The kind of a column's values.

    :raises BackupError: for a type that only one engine has.
    """
    for known, kind in _KINDS:
        if isinstance(column.type, known):
            return kind
    raise BackupError(f"The column {column} has a type that no backup can hold: {column.type!r}.")


def value_of(column: SqlColumn[Any]) -> ColumnElement[Any]:
    """What is selected of a column: itself, or its text where engines keep it differently."""
    return cast(column, Text) if kind_of(column) == "json" else column


def write(path: Path, blocks: Iterable[Rows]) -> int:
    """Writes a part; returns how many rows."""
    written = 0
    with gzip.GzipFile(path, "wb", compresslevel=LEVEL, mtime=0) as out:
        for rows in blocks:
            block = _encode(rows)
            out.write(len(block).to_bytes(_HEAD, "big"))
            out.write(block)
            written += len(rows)
    return written


def read(path: Path) -> Iterator[Rows]:
    """Reads a part, a block at a time.

    :raises DamagedError: where it is torn, or not such a part at all.
    """
    try:
        with gzip.GzipFile(path, "rb") as source:
            while head := source.read(_HEAD):
                size = int.from_bytes(head, "big")
                block = source.read(size)
                if len(block) != size:
                    raise DamagedError(path.name, "it ends in the middle of a block")
                yield _decode(block)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise DamagedError(path.name, str(error)) from error
