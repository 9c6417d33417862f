"""``kaijuan import``: records, books, libraries, their readers, and subjects, from files."""

from __future__ import annotations

import click

from app.catalog.cli.batches import listed, undo
from app.catalog.cli.books import books
from app.catalog.cli.imports import records
from app.catalog.cli.subjects import subjects
from app.identity.cli.libraries import libraries
from app.identity.cli.readers import readers
from app.operating.libraries import open_database


@click.group("import")
@click.pass_context
def imports(context: click.Context) -> None:
    """Import from files; every import can be repeated without doubling anything."""
    context.obj = open_database


for command in (records, books, libraries, subjects, readers, listed, undo):
    imports.add_command(command)
