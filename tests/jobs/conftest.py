"""A ledger of its own for every test: SQLite, or the engine that the environment names."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from engines import BYTES, ICU, ON_POSTGRESQL, drop, make_database

from app.database import Database
from app.jobs import connect

from .house import MINUTE, House, create_tables

LOCALES = {"postgresql": BYTES, "postgresql-icu": ICU}


@pytest.fixture(params=["sqlite", *(pytest.param(name, marks=ON_POSTGRESQL) for name in LOCALES)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param in LOCALES:
        databases: Callable[[str], str] = request.getfixturevalue("databases")
        return databases(request.param)
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture(scope="session")
def databases(worker_id: str) -> Iterator[Callable[[str], str]]:
    """Databases of this test process alone, by their locale: several run at the same time."""

    @cache
    def made(locale: str) -> str:
        name = f"kaijuan_{locale.replace('-', '_')}_{worker_id}_{os.getpid()}"
        addresses.append(make_database(name, LOCALES[locale]))
        return addresses[-1]

    addresses: list[str] = []
    yield made
    for address in addresses:
        drop(address)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    create_tables(database)
    yield database
    database.close()


@pytest.fixture
def house(database: Database) -> House:
    house = House(database)
    house.registry.job("tests.write", max_attempts=3, lease=MINUTE)(lambda _: None)
    connect(database, house.registry, house.bell)
    return house
