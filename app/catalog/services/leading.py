"""One process at a time rebuilds the index; where that one died, the next goes on at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app import batches
from app.database import Database, now, rfc3339
from app.errors import ConflictError
from app.jobs import leases
from app.jobs.errors import LostClaimError
from app.jobs.leases import Lease
from app.jobs.models import LeaseRow
from app.jobs.pulse import Pulse

REBUILD = "search.rebuild"
HELD = timedelta(seconds=60)
"""How long a rebuild of a machine that is silent is left alone."""


class RebuildHeldError(ConflictError):
    """Another process is at it: ``holder`` names its machine and process, until ``until``."""

    def __init__(self, holder: str, until: datetime) -> None:
        super().__init__(
            f"The search index is being rebuilt by {holder}, which holds it until "
            f"{rfc3339(until)} and goes on holding it while it lives."
        )
        self.holder, self.until = holder, until


class RebuildLostError(ConflictError):
    """Another process took over, because this one was silent for too long."""

    def __init__(self) -> None:
        super().__init__("The rebuild was taken over by another process; this one stops.")


class Lead:
    """The right to rebuild, held by heartbeats in a thread."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database, self._lease = database, lease
        self.lost = Event()

    def look(self) -> None:
        """As often as one likes. :raises RebuildLostError: when it is known to be lost."""
        if self.lost.is_set():
            raise RebuildLostError

    def hold(self) -> None:
        """Before what cannot be undone. :raises RebuildLostError: when another holds it."""
        try:
            leases.renew(self._database, self._lease, HELD)
        except LostClaimError as error:
            raise RebuildLostError from error


@contextmanager
def leading(database: Database) -> Iterator[Lead]:
    """Leads the rebuilding while the block lasts.

    :raises RebuildHeldError: while another does who is, or may be, at work.
    """
    with batches.holder() as name:
        _free_of_the_dead(database)
        lease = leases.take(database, REBUILD, name, HELD)
        if lease is None:
            raise RebuildHeldError(*_held_by(database))
        lead = Lead(database, lease)
        try:
            with _beating(partial(leases.renew, database, lease, HELD), lead.lost):
                yield lead
        finally:
            with suppress(LostClaimError, SQLAlchemyError):  # it runs out by itself
                leases.release(database, lease)


@contextmanager
def _beating(renew: Callable[[], None], lost: Event) -> Iterator[None]:
    pulse, stopping = Pulse(), Event()
    thread = Thread(target=pulse.run, args=(stopping,), name="lease", daemon=True)
    thread.start()
    try:
        with pulse.holding(renew, HELD, lost):
            yield
    finally:
        stopping.set()
        thread.join()


def _held_by(database: Database) -> tuple[str, datetime]:
    with database.transaction(writes=False) as session:
        row = session.get(LeaseRow, REBUILD)
        return (row.holder or "", row.until) if row else ("", now())


def _free_of_the_dead(database: Database) -> None:
    """Ends the lease of a process of this machine that is no more."""
    holder, _ = _held_by(database)
    if holder and batches.is_gone(holder):
        theirs = update(LeaseRow).where(LeaseRow.name == REBUILD, LeaseRow.holder == holder)
        with database.transaction() as session:
            session.execute(theirs.values(until=now()))
