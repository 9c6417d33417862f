"""Transactions on PostgreSQL: what is run again, what is refused, and what heals."""

from __future__ import annotations

import time
from threading import Barrier, Thread
from typing import Any

import pytest
from faults.proxy import SOUND, Fault, Proxy
from house import House
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import Database
from app.dialects import Limits
from app.errors import UnavailableError
from app.identity import accounts, tree
from app.identity.models import Account, Library

pytestmark = pytest.mark.engines


@pytest.fixture
def database(house: House) -> Database:
    if house.database.is_sqlite:
        pytest.skip("runs with --on-engines: these are PostgreSQL's transactions")
    return house.database


def kill(house: House) -> None:
    """Ends every other connection of this database, as a restart does."""
    with house.database.engine.connect() as connection:
        connection.execute(text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ))  # fmt: skip


def test_what_reads_cannot_write(house: House, database: Database) -> None:
    with pytest.raises(DBAPIError), database.transaction(writes=False) as session:
        tree.add(session, "nation", "国家图书馆", "national", None)


def test_a_deadlock_is_run_again(house: House, database: Database) -> None:
    house.network()
    met = Barrier(2)

    def rename(session: Session, ids: tuple[str, str], tries: list[int]) -> None:
        tries.append(1)
        for library in ids:
            tree.get(session, library).name = f"图书馆 {library}"
            session.flush()
            if len(tries) == 1 and library == ids[0]:
                met.wait(10)

    runs: list[list[int]] = [[], []]
    orders = (("north", "south"), ("south", "north"))
    threads = [
        Thread(target=lambda o=order, t=tries: database.run(lambda s: rename(s, o, t)))
        for order, tries in zip(orders, runs, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, runs)) == [1, 2]


def test_of_two_that_make_the_first_library_at_once_both_have_it(
    house: House, database: Database
) -> None:
    met, found = Barrier(2), []

    def make(session: Session, tries: list[int]) -> str:
        tries.append(1)
        if len(tries) == 1:
            session.execute(text("SELECT 1"))
            met.wait(10)
        return tree.default(session).id

    def run() -> None:
        tries: list[int] = []
        found.append(database.run(lambda session: make(session, tries)))

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["main", "main"]


def test_the_first_library_may_be_made_between_two_looks(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = tree.add

    def add_late(*values: Any) -> Library:
        monkeypatch.setattr(tree, "add", add)
        database.run(tree.default)
        return add(*values)

    monkeypatch.setattr(tree, "add", add_late)
    assert database.run(lambda session: tree.default(session).id) == "main"
    assert tree.add is add, "nobody came between"


def test_after_a_restart_nobody_gets_a_dead_connection(house: House, database: Database) -> None:
    house.get("/api/v1/books")
    kill(house)
    assert house.client.get("/api/v1/books").status_code == 200


def test_a_connection_cut_before_the_commit_is_made_anew(house: House, database: Database) -> None:
    tries: list[int] = []

    def add(session: Session) -> None:
        tries.append(1)
        accounts.add_account(session, "馆员")
        if len(tries) == 1:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    database.run(add)
    with database.transaction(writes=False) as session:
        assert len(session.scalars(select(Account)).all()) == 1
    assert len(tries) == 2


def test_a_statement_that_takes_too_long_makes_the_database_unavailable(
    house: House, database: Database
) -> None:
    hasty = Database(
        database.url.render_as_string(hide_password=False),
        limits=Limits(statement=1, lock=1, idle=5),
    )
    with pytest.raises(UnavailableError), hasty.transaction(writes=False) as session:
        session.execute(text("SELECT pg_sleep(30)"))
    hasty.close()


def test_a_server_that_says_nothing_is_given_up_and_asked_again_later(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.dialects.GRACE", 0.5)
    url = database.url
    line = Proxy(url.port or 5432)
    behind = Database(
        url.set(port=line.port).render_as_string(hide_password=False),
        limits=Limits(statement=1, lock=1, idle=5),
    )
    assert behind.is_ready()
    line.fault = Fault(hangs=True)
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        behind.is_ready()
    assert time.monotonic() - began < 5
    line.fault = SOUND
    assert behind.is_ready()
    behind.close()
    line.close()


def test_a_connection_that_was_closed_while_it_rested_is_made_anew(
    house: House, database: Database
) -> None:
    for writes in (False, True):
        with database.transaction(writes=writes) as session:
            driver = session.connection().connection.driver_connection
        assert driver is not None
        driver.close()
        with database.transaction(writes=writes) as session:
            assert session.scalar(text("SELECT 1")) == 1
