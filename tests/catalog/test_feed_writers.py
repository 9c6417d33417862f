"""Many writers, in whatever order they commit: no feed, dirty set, scan or list loses a record."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event

import pytest
from engines import EITHER, bare
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.description import Description
from app.catalog.models import DirtyRecord, RecordRow
from app.catalog.queries import records
from app.catalog.services import changes, dirty, feed, indexing
from app.database import Database, to_micros
from app.identity import tree
from app.operating.schema import upgrade

from .following import PUBLIC, Poller, standing

SEED = 20_260_101
on_postgresql = pytest.mark.parametrize("database", EITHER[1:], indirect=True)
on_both = pytest.mark.parametrize("database", EITHER, indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty catalogue of the migrations."""
    with bare(request.param, tmp_path, "feed") as url:
        made = Database(url)
        upgrade(made)
        with made.transaction() as session:
            tree.default(session)
        yield made
        made.close()


def add(session: Session, title: str = "红楼梦") -> str:
    """A new record of a transaction that is still open."""
    description = Description(title=title)
    return changes.create(session, description, kind="book", library_id="main", account_id=None).id


def committed(database: Database) -> str:
    """A new record."""
    with database.transaction() as session:
        return add(session)


def mend(session: Session, record_id: str, title: str) -> None:
    """A change of a transaction that is still open."""
    changes.edit(session, changes.load(session, record_id), {"title": title}, None)


@on_postgresql
@pytest.mark.parametrize("last", [0, 1])
def test_whichever_of_two_writers_commits_last_is_not_skipped(
    database: Database, last: int
) -> None:
    poller, writers = Poller(database), [ExitStack(), ExitStack()]
    sessions = [writer.enter_context(database.transaction()) for writer in writers]
    made = [add(session) for session in sessions]
    poller.look()
    writers[1 - last].close()
    between = poller.look()
    assert made[last] not in between
    writers[last].close()
    assert sorted(between + poller.look()) == sorted(made)


@on_postgresql
def test_nothing_passes_a_writer_that_began_before(database: Database) -> None:
    poller = Poller(database)
    with database.transaction() as slow:
        late = add(slow)
        early = committed(database)
        assert poller.look() == []
    assert poller.look() == [late, early]


@on_postgresql
def test_a_record_that_an_older_transaction_changes_last_is_told_at_its_last_state(
    database: Database,
) -> None:
    record, poller = committed(database), Poller(database)
    with database.transaction() as older:
        add(older, "先开始")
        with database.transaction() as newer:
            mend(newer, record, "石头记")
        poller.look()
        mend(older, record, "金玉缘")
    poller.look()
    assert dict(poller.told)[record] == standing(database)[record] == 3


@on_postgresql
def test_a_writer_in_another_database_of_the_cluster_holds_nothing_up(database: Database) -> None:
    other = Database(os.environ["KAIJUAN_DATABASE_URL"])
    with other.transaction() as session:
        session.execute(text("SELECT pg_current_xact_id()"))
        made = committed(database)
        assert Poller(database).look() == [made]
    other.close()


@on_both
def test_a_writer_that_rolls_back_leaves_no_hole(database: Database) -> None:
    poller, first = Poller(database), committed(database)
    with ExitStack() as failing:
        failing.enter_context(suppress(InterruptedError))
        add(failing.enter_context(database.transaction()))
        raise InterruptedError
    second = committed(database)
    assert poller.look() == [first, second]


@on_postgresql
def test_the_dirty_set_keeps_what_commits_after_it_was_drained(database: Database) -> None:
    with database.transaction() as slow:
        late = add(slow)
        early = committed(database)
        assert drained(database) == [early]
    assert drained(database) == [late]


@on_postgresql
def test_a_scan_and_the_dirty_set_have_everything_between_them(database: Database) -> None:
    with database.transaction() as slow:
        late = add(slow)
        early = [committed(database) for _ in range(3)]
        drained(database)
        scan = indexing.every_document(database, batch=1)
        seen = [next(scan).id]
    seen += [document.id for document in scan]
    assert seen == early
    assert drained(database) == [late]


@on_postgresql
def test_a_list_has_what_stood_throughout_once_and_the_feed_what_came_late(
    database: Database,
) -> None:
    with database.transaction() as slow:
        late = add(slow)
        early = [committed(database) for _ in range(4)]
        listed = page_of(database, None)
    listed += page_of(database, listed[-1])
    assert listed == early[::-1]
    poller = Poller(database)
    assert set(poller.look()) == {late, *early}


@on_both
def test_a_mirror_kept_while_many_write_is_the_catalogue(database: Database) -> None:
    poller, done = Poller(database), Event()

    def keep_looking() -> None:
        while not done.is_set():
            poller.look(limit=7)

    with ThreadPoolExecutor(9) as pool:
        looking = pool.submit(keep_looking)
        writers = [pool.submit(write, database, random.Random(SEED + n)) for n in range(8)]
        for writer in writers:
            writer.result()
        done.set()
        looking.result()
    poller.look(limit=7)
    assert dict(poller.told) == standing(database)
    assert len(poller.told) > len(dict(poller.told))


@on_both
def test_after_a_restart_a_new_mirror_is_the_catalogue(database: Database) -> None:
    for _ in range(3):
        committed(database)
    with database.transaction() as session:
        before = feed.clock(session).epoch
        feed.restart(session)
    poller = Poller(database)
    poller.look()
    committed(database)
    poller.look()
    assert dict(poller.told) == standing(database)
    with database.transaction(writes=False) as session:
        assert feed.clock(session).epoch != before


def write(database: Database, chance: random.Random) -> None:
    """Adds and mends records in short and long transactions; some of them roll back."""
    known: list[str] = []
    for round_ in range(12):
        try:
            with database.transaction() as session:
                made = [add(session, f"第{round_}轮") for _ in range(chance.randrange(4))]
                for record_id in chance.sample(known, min(len(known), 2)):
                    mend(session, record_id, f"第{round_}轮改")
                if not database.is_sqlite:
                    session.execute(text(f"SELECT pg_sleep({chance.random() / 20})"))
                if chance.random() < 0.2:
                    raise InterruptedError
        except InterruptedError:
            continue
        known += made


def drained(database: Database) -> list[str]:
    """What waits for the index, and waits no more."""
    with database.transaction() as session:
        waiting = list(session.scalars(dirty.oldest(100)))
        session.execute(delete(DirtyRecord).where(DirtyRecord.record_id.in_(waiting)))
    return waiting


def page_of(database: Database, after: str | None) -> list[str]:
    """Two ids of the list of books, the newest first, after a record."""
    with database.transaction(writes=False) as session:
        row = session.get(RecordRow, after) if after else None
        position = (to_micros(row.added_at), row.id) if row else None
        page = records.newest(session, audience=PUBLIC, kind="book", after=position, limit=2)
    return [summary_decoder.decode(summary).id for summary in page.summaries]
