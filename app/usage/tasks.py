"""Taking usage facts from this machine's spool into the database."""

from __future__ import annotations

from datetime import timedelta

from app.adapters import Adapters
from app.jobs.registry import Registry
from app.usage.drain import drain
from app.usage.facts import Fact
from app.usage.store import keep

registry: Registry[Adapters] = Registry()


@registry.periodic("usage.drain", every=timedelta(seconds=5))
def drain_spool(adapters: Adapters) -> None:
    """Delivers what readers' requests have noted, each fact once."""

    def sink(facts: list[Fact]) -> None:
        with adapters.database.transaction() as session:
            keep(session, facts)

    drain(adapters.data_dir / "usage", sink)
