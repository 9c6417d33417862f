"""Lays the demonstration out as the files that the ordinary imports read.

A folder that holds this material already is used as it is, so that loading twice changes nothing,
even when a typeface was installed in between and covers would be drawn otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree
from typing import Any

import msgspec

from app.catalog.formats.exchange import ExchangeRecord
from app.catalog.services.classifying import MAIN_CLASSES, Node
from app.demonstration import tables
from app.demonstration.books import build, handbook
from app.demonstration.libraries import LIBRARIES
from app.demonstration.records import records
from app.demonstration.volumes import VOLUMES

_MARK = "made-of"
"""Names the digest of what a folder was made of; written last."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of records, JSON lines, that one library owns."""

    path: Path
    library: str


@dataclass(frozen=True, slots=True)
class Book:
    """An EPUB whose record is in a batch and names the file; import it after the records."""

    path: Path
    library: str


@dataclass(frozen=True, slots=True)
class Material:
    """What ``import libraries``, ``subjects``, ``records`` and ``books`` read, in this order.

    ``batches`` are the ``records`` as files, one for each library that owns some, the topmost last
    so that its are the newest. ``subjects`` is
    a small tree of classes: for an installation that has the main classes only.
    """

    libraries: list[dict[str, Any]]
    subjects: Path
    records: tuple[ExchangeRecord, ...]
    batches: tuple[Batch, ...]
    books: tuple[Book, ...]


def material(folder: Path) -> Material:
    """The demonstration's files in ``folder``, made there when they are missing or old.

    :raises HandbookMissingError: when the handbook's source is not there.
    """
    source = handbook()
    owned = tuple(records())
    found = Material(
        libraries=[msgspec.to_builtins(library) for library in LIBRARIES],
        subjects=folder / "subjects.json",
        records=tuple(record for _, record in owned),
        batches=tuple(
            Batch(folder / "records" / f"{owner}.jsonl", owner)
            for owner in sorted({owner for owner, _ in owned}, reverse=True)
        ),
        books=tuple(Book(folder / "books" / v.filename, v.library) for v in VOLUMES),
    )
    mark, digest = folder / _MARK, _digest(source)
    if not mark.is_file() or mark.read_text() != digest:
        _make(folder, found, owned, source)
        mark.write_text(digest)
    return found


def _make(
    folder: Path,
    wanted: Material,
    owned: tuple[tuple[str, ExchangeRecord], ...],
    source: Path,
) -> None:
    for name in ("records", "books"):
        rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    wanted.subjects.write_bytes(msgspec.json.encode(_tree()))
    for batch in wanted.batches:
        with batch.path.open("wb") as file:
            file.writelines(_line(record) for owner, record in owned if owner == batch.library)
    for volume in VOLUMES:
        build(volume, source, folder / "books")


def _line(record: ExchangeRecord) -> bytes:
    """The record as a line, without what it does not say."""
    said = {name: value for name, value in msgspec.structs.asdict(record).items() if value}
    return msgspec.json.encode(said) + b"\n"


def _tree() -> list[Node]:
    """The classes under their main classes, each below the longest notation that begins it."""
    names = {code: zh for code, (zh, _) in MAIN_CLASSES.items()} | tables.classes()
    above = {code: _broader(code, names) for code in names}
    return [_node(code, names, above) for code in sorted(names) if above[code] is None]


def _broader(code: str, names: dict[str, str]) -> str | None:
    shorter = (code[:length].rstrip(".-") for length in range(len(code) - 1, 0, -1))
    return next((notation for notation in shorter if notation in names), None)


def _node(code: str, names: dict[str, str], above: dict[str, str | None]) -> Node:
    below = [_node(c, names, above) for c in sorted(names) if above[c] == code]
    return Node(code, names[code], below)


def _digest(source: Path) -> str:
    """Of everything that the material is made of: the handbook and this package."""
    digest = blake2b(digest_size=16)
    package = Path(__file__).parent
    for root in (package, source):
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(
                    path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes()
                )
    return digest.hexdigest()
