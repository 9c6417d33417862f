"""The network's tree from a file: libraries keyed by id, each naming the one above it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import Fault, InvalidError
from app.identity.models import LEVELS, Library
from app.identity.tree import STEP, encode

ALSO_CALLED = {"prefecture": "city", "municipality": "city", "district": "county"}
"""Other names of the levels of the network, as administrative lists use them."""
MAX_FILE = 64 * 1024 * 1024


class Entry(msgspec.Struct, frozen=True):
    """A library in a file."""

    id: str
    name: str
    level: str
    parent: str | None = None
    code: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """An entry that was refused."""

    place: str
    code: str
    message: str


class NetworkReport(msgspec.Struct):
    """What an import of libraries did."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[Problem] = []


def import_network(session: Session, path: Path) -> NetworkReport:
    """Adds and renames libraries; repeatable. Parents may stand after their children.

    Moving a library that is there to another parent is refused: that rewrites what is below it.

    :raises InvalidError: when the file is no such list.
    """
    entries, report = _read(path), NetworkReport()
    report.read = len(entries)
    known = {row.id: row for row in session.scalars(select(Library))}
    paths = {row.id: row.path for row in known.values()}
    steps = _last_steps(paths)
    fresh = []
    for entry in _parents_first(entries, set(known), report):
        if row := known.get(entry.id):
            _renew(row, entry, report)
            continue
        above = paths[entry.parent] if entry.parent else ""
        steps[above] = steps.get(above, 0) + 1
        paths[entry.id] = above + encode(steps[above])
        fresh.append(_row(entry, paths[entry.id]))
    if fresh:
        session.execute(insert(Library), fresh)
    report.added = len(fresh)
    return report


def _read(path: Path) -> list[Entry]:
    if path.stat().st_size > MAX_FILE:
        raise InvalidError(Fault(path.name, "too-large", f"at most {MAX_FILE:,} bytes"))
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[Entry])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidError(Fault(path.name, "not-a-tree", str(error))) from error
    return [
        msgspec.structs.replace(entry, level=ALSO_CALLED.get(entry.level, entry.level))
        for entry in entries
    ]


def _last_steps(paths: dict[str, str]) -> dict[str, int]:
    """The number of the last child below each path."""
    last: dict[str, int] = {}
    for path in paths.values():
        above, step = path[:-STEP], int(path[-STEP:], 36)
        last[above] = max(last.get(above, 0), step)
    return last


def _parents_first(entries: list[Entry], known: set[str], report: NetworkReport) -> list[Entry]:
    """The good entries, each after the one above it; the others are refused with a reason."""
    placed, ordered, waiting = set(known), [], []
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        if fault := _fault(entry, seen):
            _refuse(report, number, entry, *fault)
        else:
            seen.add(entry.id)
            waiting.append((number, entry))
    while waiting:
        rest = []
        for number, entry in waiting:
            if entry.parent is None or entry.parent in placed:
                ordered.append(entry)
                placed.add(entry.id)
            else:
                rest.append((number, entry))
        if len(rest) == len(waiting):
            break
        waiting = rest
    for number, entry in waiting:
        _refuse(report, number, entry, "parent-unknown", f"no library {entry.parent!r} above it")
    return ordered


def _fault(entry: Entry, seen: set[str]) -> tuple[str, str] | None:
    if not entry.id or len(entry.id) > 64:
        return "id-invalid", "an id has 1 to 64 characters"
    if entry.id in seen:
        return "id-repeated", "this id stands in the file already"
    if not entry.name.strip():
        return "name-missing", "a library needs a name"
    if entry.level not in LEVELS:
        return "level-unknown", "one of " + ", ".join(LEVELS)
    return None


def _refuse(report: NetworkReport, number: int, entry: Entry, code: str, message: str) -> None:
    report.refused += 1
    report.problems = [
        *report.problems,
        Problem(f"entry {number} ({entry.id[:64]})", code, message),
    ]


def _renew(row: Library, entry: Entry, report: NetworkReport) -> None:
    if row.parent_id != entry.parent:
        message = f"it is below {row.parent_id!r}; moving libraries is not part of an import"
        _refuse(report, report.read, entry, "moved", message)
    elif (row.name, row.level, row.code) == (entry.name.strip(), entry.level, entry.code):
        report.unchanged += 1
    else:
        row.name, row.level, row.code = entry.name.strip(), entry.level, entry.code
        report.changed += 1


def _row(entry: Entry, path: str) -> dict[str, object]:
    return {
        "id": entry.id,
        "name": entry.name.strip(),
        "level": entry.level,
        "code": entry.code,
        "parent_id": entry.parent,
        "path": path,
        "added_at": now(),
    }
