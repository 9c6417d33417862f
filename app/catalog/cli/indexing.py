"""``kaijuan reindex``."""

from __future__ import annotations

from typing import cast

import click
from sqlalchemy import func, select

from app import config
from app.adapters import Adapters, open_adapters
from app.catalog.models import RecordRow
from app.catalog.services import indexing
from app.terminal import Meter, json_option, refusals, show
from search.alias import AliasedIndex
from search.rebuild import Progress, Rebuild


@click.command()
@json_option
def reindex(as_json: bool) -> None:
    """Build the search index anew beside the live one, verify it, then use it."""
    with refusals():
        done = rebuild(open_adapters(config.load()), quiet=as_json)
        line = f"{done.done:,} documents; {done.generation} is in use."
        show(done, as_json, lambda: iter([line]))


def rebuild(adapters: Adapters, *, quiet: bool = False) -> Progress:
    """Builds a new generation from the catalogue and swaps it in; goes on where it was stopped."""

    def count() -> int:
        with adapters.database.transaction(writes=False) as session:
            published = select(func.count()).where(RecordRow.state == "published")
            return session.scalar(published) or 0

    with Meter("documents", count(), quiet=quiet) as meter:
        alias = cast(AliasedIndex, adapters.index)
        return Rebuild(alias, lambda progress: meter.at(progress.done)).run(
            lambda after: indexing.every_document(adapters.database, after or ""), count
        )
