"""What the tests of background work stand on."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event

from sqlalchemy import Column, MetaData, String, Table

from app.database import Base, Database
from app.jobs.models import Job, LeaseRow
from app.jobs.pulse import Pulse
from app.jobs.registry import Registry
from app.jobs.runner import Runner

MINUTE = timedelta(minutes=1)
START = "2026-03-01T08:00:00Z"

# What jobs of these tests write: a row that may be there once.
written = Table("written_by_jobs", MetaData(), Column("key", String(64), primary_key=True))


@dataclass
class CountingBell:
    """Counts its rings."""

    rings: int = 0

    def ring(self) -> None:
        self.rings += 1

    def wait(self, seconds: float) -> bool:
        time.sleep(seconds)
        return False


@dataclass
class House:
    """A database with a registry, a bell, and a context that is a list of what was done."""

    database: Database
    registry: Registry[list[str]] = field(default_factory=Registry)
    bell: CountingBell = field(default_factory=CountingBell)
    done: list[str] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    def runner(self, name: str = "worker/1/a") -> Runner[list[str]]:
        return Runner(
            self.database,
            self.registry,
            self.done,
            name=name,
            pulse=Pulse(),
            stopping=self.stopping,
        )

    def leases(self) -> dict[str, timedelta]:
        return {kind.name: kind.lease for kind in self.registry.kinds.values()}


def create_tables(database: Database) -> None:
    """The tables of the ledger and the one that jobs write into, empty."""
    ledger = [Job.__table__, LeaseRow.__table__]
    Base.metadata.drop_all(database.engine, tables=ledger)
    written.drop(database.engine, checkfirst=True)
    Base.metadata.create_all(database.engine, tables=ledger)
    written.create(database.engine)
