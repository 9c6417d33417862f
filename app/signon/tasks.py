"""Sign-on's background work: what has ended is forgotten."""

from __future__ import annotations

from datetime import timedelta

from app.adapters import Adapters
from app.jobs.registry import Registry
from app.signon.services import arriving, authorizations, device_flow, tickets

registry: Registry[Adapters] = Registry()


@registry.periodic("signon.forget", every=timedelta(hours=1))
def forget(adapters: Adapters) -> None:
    """Forgets tickets that have expired, and trips that nobody came back from."""
    with adapters.database.transaction() as session:
        tickets.purge(session)
    with adapters.database.transaction() as session:
        device_flow.purge(session)
    with adapters.database.transaction() as session:
        authorizations.purge(session)
    with adapters.database.transaction() as session:
        arriving.purge(session)
