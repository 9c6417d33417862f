"""``kaijuan library`` and ``import libraries``."""

from __future__ import annotations

from pathlib import Path

import click

from app import config
from app.database import Database
from app.identity import tree
from app.identity.models import LEVELS
from app.identity.network import import_network
from app.terminal import json_option, refusals, show


def _database() -> Database:
    return Database(config.load().database_url)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def libraries(file: Path, as_json: bool) -> None:
    """Import the network's libraries from FILE.

    JSON: a list of {"id", "name", "level", "parent", "code"}.
    """
    with refusals():
        with _database().transaction() as session:
            report = import_network(session, file)
        line = (
            f"{report.read:,} libraries: {report.added:,} added, {report.changed:,} changed, "
            f"{report.unchanged:,} unchanged, {report.refused:,} refused."
        )
        lines = [line, *(f"  {x.place}: {x.message}" for x in report.problems[:50])]
        show(report, as_json, lambda: iter(lines))
    raise SystemExit(1 if report.refused else 0)


@click.group()
def library() -> None:
    """The libraries of the network."""


@library.command("add")
@click.argument("library_id")
@click.argument("name")
@click.option("--level", type=click.Choice(LEVELS), default="special")
@click.option("--parent", help="The library above it.")
@json_option
def add_library(library_id: str, name: str, level: str, parent: str | None, as_json: bool) -> None:
    """Add a library below another."""
    with refusals():
        with _database().transaction() as session:
            row = tree.line(tree.add(session, library_id, name, level, parent))
        show(row, as_json, lambda: iter([f"{row.id} {row.name} ({row.level})"]))


@library.command("list")
@click.option("--parent", help="Those directly below this one; the roots without it.")
@json_option
def list_libraries(parent: str | None, as_json: bool) -> None:
    """List the libraries directly below one."""
    with refusals():
        with _database().transaction(writes=False) as session:
            rows = tree.children(session, parent, None, 10_000)
        show(rows, as_json, lambda: (f"{row.id:20} {row.level:10} {row.name}" for row in rows))
