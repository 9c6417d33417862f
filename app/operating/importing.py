"""``kaijuan import``: records, books, libraries and subjects, from files."""

from __future__ import annotations

import click

from app.catalog.cli.batches import listed, undo
from app.catalog.cli.books import books
from app.catalog.cli.imports import records
from app.catalog.cli.subjects import subjects
from app.identity.cli.libraries import libraries


@click.group("import")
def imports() -> None:
    """Import from files; every import can be repeated without doubling anything."""


for command in (records, books, libraries, subjects, listed, undo):
    imports.add_command(command)
