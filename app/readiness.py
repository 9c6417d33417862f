"""What readiness and ``kaijuan doctor`` ask of each engine."""

from __future__ import annotations

from app.adapters import Adapters
from app.catalog.services import dirty
from app.database import now
from app.web.health import Checks


def checks_of(adapters: Adapters) -> Checks:
    """A check for each engine: raises when it does not answer, says what is worth knowing."""

    def database() -> str:
        adapters.database.is_ready()
        return adapters.database.url.get_backend_name()

    def store() -> str:
        adapters.store.check()
        return type(adapters.store).__name__

    def index() -> str:
        return f"{adapters.index.count()} documents"

    def dirty_set() -> str:
        with adapters.database.transaction(writes=False) as session:
            count, since = dirty.waiting(session)
        age = (now() - since).total_seconds() if since else 0
        return f"{count} waiting, the oldest for {age:.1f} s"

    return Checks({"database": database, "store": store, "index": index, "dirty_set": dirty_set})
