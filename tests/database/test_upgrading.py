"""What a release may do to the schema, so that the release before it goes on beside it.

Each migration is run on what the one before it made, and the two are compared as the databases
themselves describe them: nothing that the old code reads goes, and nothing that the old code does
not write is required of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from engines import EITHER, bare
from sqlalchemy import inspect
from sqlalchemy.engine.interfaces import ReflectedColumn

from app.database import Database
from app.operating.schema import configuration

Columns = dict[tuple[str, str], ReflectedColumn]


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a database by table and name, and what is required of its rows."""

    columns: Columns
    demands: frozenset[tuple[str, ...]]
    """Keys, references and conditions, each with its table."""


@pytest.fixture(params=EITHER)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    with bare(request.param, tmp_path, "upgrading") as url:
        made = Database(url)
        yield made
        made.close()


def schema(database: Database) -> Schema:
    """What is there now."""
    found = inspect(database.engine)
    columns, demands = Columns(), set[tuple[str, ...]]()
    for table in found.get_table_names():
        columns |= {(table, column["name"]): column for column in found.get_columns(table)}
        unique = [i["column_names"] for i in found.get_indexes(table) if i["unique"]]
        unique += [u["column_names"] for u in found.get_unique_constraints(table)]
        demands |= {(table, "unique", *map(str, names)) for names in unique}
        demands |= {(table, "check", c["sqltext"]) for c in found.get_check_constraints(table)}
        references = found.get_foreign_keys(table)
        demands |= {(table, "reference", *r["constrained_columns"]) for r in references}
    return Schema(columns, frozenset(demands))


def hindrances(before: Schema, after: Schema) -> Iterator[str]:
    """What of the change would stop code that was written for the schema before it."""
    for at, column in before.columns.items():
        if at not in after.columns:
            yield f"{'.'.join(at)} is gone"
        elif column["nullable"] and not after.columns[at]["nullable"]:
            yield f"{'.'.join(at)} is required"
        elif str(column["type"]) != str(after.columns[at]["type"]):
            yield f"{'.'.join(at)} is of another type"
    tables = {table for table, _ in before.columns}
    for at in after.columns.keys() - before.columns.keys():
        column = after.columns[at]
        if at[0] in tables and not column["nullable"] and column["default"] is None:
            yield f"{'.'.join(at)} is new and required"
    for demand in after.demands - before.demands:
        known = demand[1] == "check" or all((demand[0], c) in before.columns for c in demand[2:])
        if demand[0] in tables and known:
            yield f"{' '.join(demand)} is demanded"


def test_the_release_before_goes_on_beside_every_migration(database: Database) -> None:
    settings = configuration(database)
    steps = ScriptDirectory.from_config(settings).walk_revisions()
    revisions = [step.revision for step in steps][::-1]
    command.upgrade(settings, revisions[0])
    found: dict[str, list[str]] = {}
    for revision in revisions[1:]:
        before = schema(database)
        command.upgrade(settings, revision)
        found[revision] = list(hindrances(before, schema(database)))
    assert not any(found.values()), found


def test_what_would_stop_the_release_before_is_seen(database: Database) -> None:
    """The comparison itself, on a change of every such kind."""

    def run(*statements: str) -> Schema:
        with database.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        return schema(database)

    before = run("CREATE TABLE a (x int, y int NOT NULL, z int)", "CREATE TABLE b (x int)")
    after = run(
        "DROP TABLE b",
        "DROP TABLE a",
        "CREATE TABLE a (x text, z int NOT NULL UNIQUE, n int NOT NULL, d int NOT NULL DEFAULT 1,"
        " CHECK (z > 0))",
    )
    told = sorted(line.split(" is ")[0] for line in hindrances(before, after))
    assert told == ["a check z > 0", "a unique z", "a.n", "a.x", "a.y", "a.z", "b.x"]
