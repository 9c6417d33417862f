"""A ledger of its own for every test: SQLite, or the engine that the environment names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from app.database import Database
from app.jobs import connect

from .house import MINUTE, House, create_tables

ENGINE = os.environ.get("KAIJUAN_DATABASE_URL", "")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "engine",
            marks=[
                pytest.mark.engines,
                pytest.mark.skipif(
                    not ENGINE.startswith("postgresql"), reason="KAIJUAN_DATABASE_URL is not set"
                ),
            ],
        ),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "engine":
        return str(request.getfixturevalue("own_database"))
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture(scope="session")
def own_database(worker_id: str) -> Iterator[str]:
    """A database of this test process alone: several run at the same time."""
    name = f"kaijuan_tests_{worker_id}_{os.getpid()}"
    server = create_engine(ENGINE, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(ENGINE).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


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
