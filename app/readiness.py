"""What readiness and ``kaijuan doctor`` ask of each engine."""

from __future__ import annotations

from app import revision
from app.adapters import Adapters
from app.catalog.services import dirty
from app.database import now
from app.jobs.bell import Bell
from app.web.health import PATIENCE, Checks

COUNTED = 10_000
"""How far waiting records are counted, after an import of a million too: anybody may ask."""


def checks_of(adapters: Adapters, bell: Bell, *, patience: float = PATIENCE) -> Checks:
    """A check for each engine: raises when it does not answer, says what is worth knowing.

    They ask the engines themselves, whatever breakers have found out.
    """

    def database() -> str:
        adapters.database.is_ready()
        return adapters.database.url.get_backend_name()

    def schema() -> str:
        with adapters.database.transaction(writes=False) as session:
            return f"at {revision.require(session)}"

    def store() -> str:
        adapters.store.check()
        return type(adapters.store).__name__

    def index() -> str:
        return f"{adapters.index.count()} documents"

    def queue() -> str:
        bell.check()
        return type(bell).__name__

    def cache() -> str:
        adapters.cache.check()
        return type(adapters.cache).__name__

    def dirty_set() -> str:
        with adapters.database.transaction(writes=False) as session:
            count, since = dirty.waiting(session, COUNTED)
        age = (now() - since).total_seconds() if since else 0
        more = " or more" if count == COUNTED else ""
        return f"{count}{more} waiting, the oldest for {age:.1f} s"

    return Checks(
        {
            "database": database,
            "schema": schema,
            "store": store,
            "index": index,
            "queue": queue,
            "cache": cache,
            "dirty_set": dirty_set,
        },
        patience=patience,
    )
