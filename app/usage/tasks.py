"""Taking usage facts from this machine's spool into the database."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.adapters import Adapters
from app.usage.drain import Drained, drain
from app.usage.facts import Fact
from app.usage.store import keep

Listener = Callable[[Session, list[Fact]], None]
"""Told of each fact once, in the transaction that keeps it."""


def drain_spool(adapters: Adapters, *listeners: Listener) -> Drained:
    """Delivers what readers' requests have noted, each fact once."""

    def sink(facts: list[Fact]) -> None:
        with adapters.database.transaction() as session:
            fresh = keep(session, facts)
            for listen in listeners:
                listen(session, fresh)

    return drain(adapters.data_dir / "usage", sink)
