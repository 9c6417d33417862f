"""The network's tree from a file: libraries keyed by id, each naming the one above it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.batches import Report
from app.database import now
from app.errors import ConflictError, Fault, InvalidError
from app.identity import tree
from app.identity.models import Library
from app.identity.scope import EVERYWHERE
from app.identity.services.audit import SYSTEM
from app.identity.services.moving import edit, move
from app.identity.wording import line
from app.lines import Refusal

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


def import_network(session: Session, path: Path, *, moving: bool = False) -> Report:
    """Adds and renames libraries; repeatable. Parents may stand after their children.

    A library that is there and stands elsewhere in the file is refused, unless ``moving``: then
    it is moved there, with everything below it.

    :raises InvalidError: when the file is no such list.
    """
    entries, report = _read(path), Report()
    report.read = len(entries)
    tree.hold(session)
    known = {row.id: row for row in session.scalars(select(Library))}
    ordered = _parents_first(entries, set(known), report)
    fresh = _fresh([entry for _, entry in ordered if entry.id not in known], known)
    if fresh:
        session.execute(insert(Library), fresh)
    report.added = len(fresh)
    for number, entry in ordered:
        if entry.id in known:
            _renew(session, known[entry.id], number, entry, report, moving)
    return report


def _fresh(entries: list[Entry], known: dict[str, Library]) -> list[dict[str, object]]:
    """The rows of libraries that are new, each after those that are there."""
    paths = {row.id: row.path for row in known.values()}
    steps = {row.path: row.left_step for row in known.values()}
    for path in paths.values():
        above = tree.above(path)
        steps[above] = max(steps.get(above, 0), tree.step_of(path))
    rows = []
    for entry in entries:
        above = paths[entry.parent] if entry.parent else ""
        steps[above] = steps.get(above, 0) + 1
        paths[entry.id] = above + tree.encode(steps[above])
        rows.append(_row(entry, paths[entry.id]))
    return rows


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


def _parents_first(
    entries: list[Entry], known: set[str], report: Report
) -> list[tuple[int, Entry]]:
    """The good entries by number, each after the one above it; others are refused with a reason."""
    ordered, waiting = [], []
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        if fault := _fault(entry, seen):
            _refuse(report, number, entry, *fault)
        else:
            seen.add(entry.id)
            waiting.append((number, entry))
    placed = known - seen
    while waiting:
        rest = []
        for number, entry in waiting:
            if entry.parent is None or entry.parent in placed:
                ordered.append((number, entry))
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
    try:
        line(entry.name, "name", tree.LONGEST_NAME)
        tree.require_level(entry.level, "level")
        if entry.code is not None:
            tree.require_code(entry.code, "code")
    except InvalidError as error:
        fault = error.faults[0]
        return f"{fault.place}-{fault.code}", fault.message
    return None


def _refuse(report: Report, number: int, entry: Entry, code: str, message: str) -> None:
    report.refused += 1
    report.problems = [
        *report.problems,
        Refusal(f"entry {number} ({entry.id[:64]})", code, message),
    ]


def _renew(
    session: Session,
    row: Library,
    number: int,
    entry: Entry,
    report: Report,
    may_move: bool,
) -> None:
    """Has a library that is there say what the file says, and stand where it says."""
    stands_there = row.parent_id == entry.parent
    if not stands_there and not may_move:
        message = f"it is below {row.parent_id!r}; moving libraries is asked for by itself"
        _refuse(report, number, entry, "moved", message)
        return
    told = {"name": entry.name.strip(), "level": entry.level, "code": entry.code}
    if stands_there and all(getattr(row, name) == value for name, value in told.items()):
        report.unchanged += 1
        return
    try:
        with session.begin_nested():
            if not stands_there:
                move(session, SYSTEM, EVERYWHERE, row.id, entry.parent)
            edit(session, SYSTEM, EVERYWHERE, EVERYWHERE, row.id, told)
    except (ConflictError, InvalidError) as error:
        _refuse(report, number, entry, "refused", str(error))
        return
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
