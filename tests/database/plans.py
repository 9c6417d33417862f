"""The very statements that the application issues, and how PostgreSQL carries them out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app.database import Database

LARGE = frozenset({
    "records", "record_identifiers", "record_titles", "record_revisions", "source_records", "jobs",
    "usage_facts", "dirty_records", "publications", "publication_entries", "held_publications",
    "accounts", "grants", "credentials", "handles",
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


def plans(
    database: Database, ask: Callable[[Session], Any], *, generic: bool = False
) -> list[dict[str, Any]]:
    """The plan of every statement that ``ask`` issues, carried out, with what it touched.

    A ``generic`` one is made without the parameters, as PostgreSQL may choose for a statement that
    is asked often.
    """
    with issued() as statements, database.transaction() as session:
        ask(session)
        session.rollback()
    return [_explained(database, one, generic) for one in statements]


EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "


def _explained(database: Database, one: Issued, generic: bool) -> dict[str, Any]:
    with database.transaction() as session:
        driver: Any = session.connection().connection.driver_connection
        if generic:
            plan = _prepared(driver, one)
        else:
            plan = driver.execute(EXPLAIN + one.statement, one.parameters).fetchone()
        session.rollback()
    found: dict[str, Any] = plan[0][0]["Plan"]
    return found


def _prepared(driver: Connection[Any], one: Issued) -> Any:
    """PostgreSQL's answer for a statement that it prepared; it is explained without parameters of
    its own only so.
    """
    named = re.compile(r"%\((\w+)\)s")
    names = list(dict.fromkeys(named.findall(one.statement)))
    numbered = named.sub(lambda m: f"${names.index(m[1]) + 1}", one.statement).replace("%%", "%")
    values = sql.SQL(", ").join(sql.Literal(one.parameters[name]) for name in names)
    driver.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    driver.execute(f"PREPARE asked AS {numbered}")
    try:
        execute = sql.SQL("EXECUTE asked ({})" if names else "EXECUTE asked").format(values)
        return driver.execute(sql.SQL(EXPLAIN) + execute).fetchone()
    finally:
        driver.execute("DEALLOCATE asked")


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
