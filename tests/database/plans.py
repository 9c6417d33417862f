"""The very statements that the application issues, and how PostgreSQL carries them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app.database import Database

LARGE = frozenset({
    "records", "record_identifiers", "record_titles", "record_revisions", "jobs", "usage_facts",
    "dirty_records", "accounts", "handles", "credentials", "grants",
})  # fmt: skip


@dataclass(frozen=True)
class Issued:
    """A statement as the driver got it."""

    statement: str
    parameters: Any


@contextmanager
def issued() -> Iterator[list[Issued]]:
    """What the application asks of any database while the block lasts."""
    seen: list[Issued] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append(Issued(statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plans(database: Database, ask: Callable[[Session], Any]) -> list[dict[str, Any]]:
    """The plan of every statement that ``ask`` issues, carried out, with what it touched."""
    with issued() as statements, database.transaction() as session:
        ask(session)
        session.rollback()
    return [_explained(database, one) for one in statements]


def _explained(database: Database, one: Issued) -> dict[str, Any]:
    with database.transaction() as session:
        explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + one.statement
        [[plan]] = session.connection().exec_driver_sql(explain, one.parameters)
        session.rollback()
    found: dict[str, Any] = plan[0]["Plan"]
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def faults(plan: dict[str, Any], most: int) -> list[str]:
    """What costs more as the catalogue grows: whole tables read, more than ``most`` rows sorted
    or thrown away.
    """
    found = []
    for node in nodes(plan):
        name = f"{node['Node Type']} on {node.get('Relation Name', node.get('Index Name', '…'))}"
        rows = node["Actual Rows"] * node["Actual Loops"]
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
            found.append(name)
        if node["Node Type"] in ("Sort", "Incremental Sort") and rows > most:
            found.append(f"{name} of {rows} rows")
        thrown = node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
        if thrown > most:
            found.append(f"{name} throws {thrown} rows away")
    return found


def touched(plans: list[dict[str, Any]]) -> int:
    """How many blocks of 8 KiB the statements looked at."""
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)
