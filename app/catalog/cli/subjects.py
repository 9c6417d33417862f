"""``kaijuan import subjects``: a classification as a tree."""

from __future__ import annotations

from pathlib import Path

import click

from app import config
from app.catalog.services.classifying import import_tree
from app.database import Database
from app.terminal import json_option, refusals, show


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def subjects(file: Path, as_json: bool) -> None:
    """Import the Chinese Library Classification from FILE.

    JSON: a list of {"code", "name", "children": […]}.
    """
    with refusals():
        database = Database(config.load().database_url)
        with database.transaction() as session:
            report = import_tree(session, file)
        line = (
            f"{report.read:,} classes: {report.added:,} added, {report.changed:,} changed, "
            f"{report.refused:,} refused."
        )
        show(report, as_json, lambda: iter([line]))
    raise SystemExit(1 if report.refused else 0)
