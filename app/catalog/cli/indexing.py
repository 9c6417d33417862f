"""``kaijuan reindex``."""

from __future__ import annotations

from typing import cast

import click
from sqlalchemy import func, select

from app import config
from app.adapters import open_adapters, search_folder
from app.catalog.models import RecordRow
from app.catalog.services import indexing
from app.terminal import Meter, json_option, refusals, show
from search.alias import AliasedIndex
from search.rebuild import Rebuild


@click.command()
@json_option
def reindex(as_json: bool) -> None:
    """Build the search index anew beside the live one, verify it, then use it."""
    with refusals():
        settings = config.load()
        adapters = open_adapters(settings)

        def count() -> int:
            with adapters.database.transaction(writes=False) as session:
                published = select(func.count()).where(RecordRow.state == "published")
                return session.scalar(published) or 0

        with Meter("documents", count(), quiet=as_json) as meter:
            checkpoints = search_folder(settings) / "rebuild.json"
            rebuild = Rebuild(
                cast(AliasedIndex, adapters.index), checkpoints, lambda p: meter.at(p.done)
            )
            done = rebuild.run(
                lambda after: indexing.every_document(adapters.database, after or ""), count
            )
        line = f"{done.done:,} documents; {done.generation} is in use."
        show(done, as_json, lambda: iter([line]))
