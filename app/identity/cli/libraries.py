"""``kaijuan library`` and ``import libraries``.

The commands are handed their database: what moving a library sets off must be known to it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from app.batches import Report
from app.database import Database
from app.identity import tree
from app.identity.models import LEVELS, Library
from app.identity.network import import_network
from app.identity.queries import applications
from app.identity.scope import EVERYWHERE
from app.identity.services import joining, moving
from app.identity.services.audit import SYSTEM
from app.identity.tree import LibraryLine
from app.terminal import json_option, refusals, show

Open = Callable[[], Database]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--move", "may_move", is_flag=True, help="Move those that stand elsewhere in FILE.")
@json_option
@click.pass_obj
def libraries(database: Open, file: Path, may_move: bool, as_json: bool) -> None:
    """Import the network's libraries from FILE.

    JSON: a list of {"id", "name", "level", "parent", "code"}.
    """
    with refusals():
        with database().transaction() as session:
            report = import_network(session, file, moving=may_move)
        show_report(report, "libraries", as_json)
    raise SystemExit(1 if report.refused else 0)


def show_report(report: Report, what: str, as_json: bool) -> None:
    """Says what an import did, and what it refused."""
    line = (
        f"{report.read:,} {what}: {report.added:,} added, {report.changed:,} changed, "
        f"{report.unchanged:,} unchanged, {report.refused:,} refused."
    )
    lines = [line, *(f"  {x.place}: {x.message}" for x in report.problems[:50])]
    show(report, as_json, lambda: iter(lines))


@click.command("add")
@click.argument("library_id")
@click.argument("name")
@click.option("--level", type=click.Choice(LEVELS), default="special")
@click.option("--parent", help="The library above it.")
@json_option
@click.pass_obj
def add_library(
    database: Open, library_id: str, name: str, level: str, parent: str | None, as_json: bool
) -> None:
    """Add a library below another."""
    with refusals():
        with database().transaction() as session:
            row = tree.line(tree.add(session, library_id, name, level, parent))
        _show(row, as_json)


@click.command("list")
@click.option("--parent", help="Those directly below this one; the roots without it.")
@json_option
@click.pass_obj
def list_libraries(database: Open, parent: str | None, as_json: bool) -> None:
    """List the libraries directly below one."""
    with refusals():
        with database().transaction(writes=False) as session:
            rows = tree.children(session, parent, None, 10_000)
        show(rows, as_json, lambda: (_said(row) for row in rows))


@click.command("applications")
@json_option
@click.pass_obj
def list_applications(database: Open, as_json: bool) -> None:
    """List the libraries that asked to join and are not settled; whom to ask, the API tells."""
    with refusals():
        with database().transaction(writes=False) as session:
            found = applications.waiting(session, EVERYWHERE, None, 1_000)
            rows = [tree.line(one.library) for one in found]
        show(rows, as_json, lambda: (f"{_said(row)} below {row.parent}" for row in rows))


@click.command("move")
@click.argument("library_id")
@click.argument("parent", required=False)
@json_option
@click.pass_obj
def move_library(database: Open, library_id: str, parent: str | None, as_json: bool) -> None:
    """Move a library, with everything below it, below PARENT; without one, to the top."""
    _change(
        database,
        as_json,
        lambda session: moving.move(session, SYSTEM, EVERYWHERE, library_id, parent),
    )


@click.command("rename")
@click.argument("library_id")
@click.argument("name", required=False)
@click.option("--level", type=click.Choice(LEVELS))
@click.option("--code", help="Its administrative code.")
@json_option
@click.pass_obj
def rename_library(
    database: Open,
    library_id: str,
    name: str | None,
    level: str | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Give a library another NAME, level or code."""
    given = {"name": name, "level": level, "code": code}
    told = {key: value for key, value in given.items() if value is not None}
    _change(
        database,
        as_json,
        lambda session: moving.edit(session, SYSTEM, EVERYWHERE, EVERYWHERE, library_id, told),
    )


def _step(name: str, help_text: str) -> click.Command:
    """The command that takes one of the steps of joining."""

    @click.command(name, help=help_text)
    @click.argument("library_id")
    @click.option("--reason", default="", help="Shown in its history to who manages it.")
    @json_option
    @click.pass_obj
    def take(database: Open, library_id: str, reason: str, as_json: bool) -> None:
        _change(
            database,
            as_json,
            lambda session: joining.take(session, SYSTEM, EVERYWHERE, library_id, name, reason),
        )

    return take


def _change(database: Open, as_json: bool, work: Callable[..., Library]) -> None:
    with refusals():
        row = database().run(lambda session: tree.line(work(session)))
        _show(row, as_json)


def _show(row: LibraryLine, as_json: bool) -> None:
    show(row, as_json, lambda: iter([_said(row)]))


def _said(row: LibraryLine) -> str:
    state = "" if row.state == "joined" else f" [{row.state}]"
    return f"{row.id:20} {row.level:10} {row.name}{state}"


COMMANDS = (
    add_library,
    list_libraries,
    list_applications,
    move_library,
    rename_library,
    _step("approve", "Let a library that asked to join be set up."),
    _step("refuse", "Refuse a library that asked to join, with a reason."),
    _step("join", "Say that a library is set up: it has joined."),
    _step("suspend", "Suspend a library, with a reason: its own roles stop counting."),
    _step("resume", "End the suspension of a library."),
)
