"""The demonstration's catalogue: original records of classics, collections, journals, courses.

Titles, authors and dates are facts in the public domain, written as Chinese catalogues write them;
every description is the project's own. Ids depend on what a row says, not on where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from zlib import crc32

from app.catalog.description import Kind
from app.catalog.formats.exchange import ExchangeRecord
from app.demonstration.libraries import BY_NAME, LIBRARIES, ROOT
from app.demonstration.tables import Row, classes, rows
from app.demonstration.volumes import CREATOR, LICENCE, VOLUMES, Volume

SOURCE = "kaijuan-demo"
TABLES = {
    "courses": (Kind.COURSE, Kind.LECTURE),
    "journals": (Kind.JOURNAL, Kind.ISSUE, Kind.ARTICLE),
    "collections": (Kind.COLLECTION, Kind.ITEM),
    "world": (Kind.BOOK,),
    "classics": (Kind.BOOK,),
}
"""Each table with the kinds of its rows, by depth."""
_HOLDERS = tuple(library.id for library in LIBRARIES)


def records() -> Iterator[tuple[str, ExchangeRecord]]:
    """Every record with the id of the library that owns it, parents before their parts.

    Shelves show the newest first, so what should be seen first comes last.
    """
    for volume in reversed(VOLUMES):
        yield volume.library, _of_volume(volume)
    names = classes()
    for table, kinds in TABLES.items():
        yield from _of_table(table, kinds, names)


def _of_table(
    table: str, kinds: tuple[Kind, ...], names: dict[str, str]
) -> Iterator[tuple[str, ExchangeRecord]]:
    above: list[tuple[str, str]] = []
    ordered = list(rows(table))
    if len(kinds) == 1:
        ordered.reverse()
    for row in ordered:
        del above[row.depth :]
        parent, library = above[-1] if above else ("", _owner(table, row))
        record = _of_row(row, kinds[row.depth], parent, names)
        above.append((record.id, library))
        yield library, record


def _of_row(row: Row, kind: Kind, parent: str, names: dict[str, str]) -> ExchangeRecord:
    return ExchangeRecord(
        src=SOURCE,
        id=_id(kind, row, parent),
        kind=kind,
        title=row.title,
        alternative=list(row.other_titles),
        creator=list(row.creators),
        date=row.date,
        lang=row.language,
        subjects=[f"clc:{code} {names[code]}" for code in row.classes],
        description=row.description,
        licence=LICENCE,
        parent=parent,
    )


def _of_volume(volume: Volume) -> ExchangeRecord:
    code, _, label = volume.subject.partition(" ")
    return ExchangeRecord(
        src=SOURCE,
        id=f"volume-{volume.name}",
        title=volume.title,
        alternative=list(volume.other_titles),
        creator=[volume.creator],
        date=volume.date,
        lang=volume.language,
        publisher=CREATOR,
        subjects=[f"clc:{code} {label}", *volume.keywords],
        description=volume.description,
        licence=LICENCE,
        extra={"file": volume.filename},
    )


def _id(kind: Kind, row: Row, parent: str) -> str:
    said = "\0".join((kind, parent, row.title, row.date, *row.creators))
    return f"{kind}-{blake2b(said.encode(), digest_size=8).hexdigest()}"


def _owner(table: str, row: Row) -> str:
    """Who compiled a collection owns it; other works are spread, half of them at the top."""
    if table == "collections":
        return BY_NAME[row.creators[0].removesuffix("编")]
    number = crc32(row.title.encode()) % (2 * len(_HOLDERS))
    return _HOLDERS[number] if number < len(_HOLDERS) else ROOT
