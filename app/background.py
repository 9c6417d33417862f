"""Everything that is done in the background, put together: jobs, periodic work, drains."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from sqlalchemy import delete

from app.adapters import Adapters
from app.catalog import tasks as catalog
from app.catalog.cli.indexing import rebuild
from app.catalog.services import fruitless, indexing
from app.catalog.services.healing import Healer
from app.config import Settings
from app.database import Database, now
from app.errors import NoRoomError, UnavailableError
from app.identity import tasks as identity
from app.identity.services import limits, seals, turnaways
from app.jobs import connect, ledger
from app.jobs.bell import Bell, open_bell
from app.jobs.chores import Drain
from app.jobs.registry import Registry
from app.jobs.worker import Worker
from app.signon import tasks as signon
from app.signon.issuing import open_tokens
from app.signon.telling import Teller
from app.storage.errors import StoreUnavailableError
from app.usage import tasks as usage
from app.web.idempotency import KEPT, KeptAnswer
from search.alias import AliasedIndex
from search.index import IndexUnavailableError

housekeeping: Registry[Adapters] = Registry()

ABANDONED = timedelta(days=7)
"""Nothing is written to the store for so long and still wanted."""


@housekeeping.periodic("jobs.purge", every=timedelta(hours=1))
def purge(adapters: Adapters) -> None:
    """Forgets jobs done a month ago, answers kept for repeated writes, and attempts long past."""
    ledger.purge(adapters.database, older_than=timedelta(days=30))
    with adapters.database.transaction() as session:
        session.execute(delete(KeptAnswer).where(KeptAnswer.made_at < now() - KEPT))
    with adapters.database.transaction() as session:
        limits.purge(session)


@housekeeping.periodic("storage.sweep", every=timedelta(hours=6))
def sweep(adapters: Adapters) -> None:
    """Removes what killed writers left in the store, since not every service does so itself."""
    adapters.store.sweep(ABANDONED)


@housekeeping.periodic("audit.seal", every=timedelta(minutes=1))
def seal(adapters: Adapters) -> None:
    """Seals what was audited since."""
    seals.seal_new(adapters.database)


@housekeeping.periodic("usage.drain", every=timedelta(seconds=5))
def take_usage(adapters: Adapters) -> None:
    """Takes what readers' requests have noted into the database; counts what found nothing, and
    who was turned away."""
    usage.drain_spool(adapters, fruitless.count, turnaways.count)


def registry() -> Registry[Adapters]:
    """Every kind of background work of the application."""
    return Registry(housekeeping, catalog.registry, identity.registry, signon.registry)


def drains(adapters: Adapters, guarded: Adapters) -> Mapping[str, Drain]:
    """What is done without end: the dirty set goes into the search index, which is looked after.

    Who looks after the index asks it itself, and may wait.
    """
    alias = cast(AliasedIndex, adapters.index)
    return {
        "search": lambda: indexing.drain(adapters.database, guarded.index),
        "search.healing": Healer(adapters.database, alias, lambda: rebuild(adapters, quiet=True)),
    }


def teller(settings: Settings, adapters: Adapters) -> Teller:
    """Tells other systems of the sessions that have ended."""
    return Teller(adapters.database, adapters.web, open_tokens(settings).sign)


def open_desk(settings: Settings, adapters: Adapters) -> Bell:
    """Lets sessions of this database enqueue jobs, and ring for the worker after commit."""
    return connect_desk(settings, adapters.database)


def connect_desk(settings: Settings, database: Database) -> Bell:
    """As :func:`open_desk`, for commands that need no other engine."""
    bell = open_bell(settings.queue_url)
    connect(database, registry(), bell)
    return bell


def worker(settings: Settings, adapters: Adapters) -> Worker[Adapters]:
    """The worker of one process. What killed ones left of their temporary files goes first."""
    adapters.scratch.sweep()
    guarded = adapters.guarded()
    bell = open_desk(settings, guarded)
    return Worker(
        adapters.database,
        registry(),
        guarded,
        bell,
        drains={**drains(adapters, guarded), "signon.telling": teller(settings, adapters)},
        away=(StoreUnavailableError, IndexUnavailableError, NoRoomError, UnavailableError),
    )
