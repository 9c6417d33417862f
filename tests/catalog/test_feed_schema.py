"""The schema of the feed: brought to a catalogue that is there, and written by any release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from engines import EITHER, bare
from sqlalchemy import event, insert, text
from sqlalchemy.orm import Session

from app.catalog.models import RecordRow
from app.database import Base, Database, new_id, now, to_micros
from app.operating.schema import configuration, upgrade
from app.tables import TABLES

from .following import Poller

TRIGGERS = {
    True: "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    False: "SELECT tgname, pg_get_triggerdef(oid) || pg_get_functiondef(tgfoid) FROM pg_trigger"
    " WHERE NOT tgisinternal ORDER BY tgname",
}


@pytest.fixture(params=EITHER)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    with bare(request.param, tmp_path, "feed_schema") as url:
        made = Database(url)
        yield made
        made.close()


def written(session: Session) -> str:
    """A record as the release before writes it: it knows nothing of numbers."""
    record_id, at = new_id(), now()
    library = {
        "id": "main",
        "name": "本馆",
        "level": "special",
        "path": "0001",
        "at": to_micros(at),
    }
    session.execute(
        text(
            "INSERT INTO libraries (id, name, level, path, added_at)"
            " VALUES (:id, :name, :level, :path, :at) ON CONFLICT DO NOTHING"
        ),
        library,
    )
    row = {
        "id": record_id, "kind": "book", "state": "published", "version": 1, "title": "史记",
        "library_id": "main", "work_id": record_id, "audience": "public",
        "policy": "open", "description": b"{}", "mended": "", "reason": "",
        "summary": b'{"id":"","kind":"book","title":""}', "added_at": at, "changed_at": at,
    }  # fmt: skip
    session.connection().execute(insert(RecordRow.__table__).values(row))
    return record_id


def test_records_that_are_there_come_first_in_the_order_they_were_added(
    database: Database,
) -> None:
    command.upgrade(configuration(database), "0001")
    with database.transaction() as session:
        before = [written(session) for _ in range(3)]
    upgrade(database)
    with database.transaction() as session:
        since = written(session)
    assert Poller(database).look(limit=2) == [*before, since]


def test_readers_of_the_release_before_go_on_while_titles_are_gathered(
    database: Database,
) -> None:
    command.upgrade(configuration(database), "0001")
    with database.transaction() as session:
        record = written(session)
    seen = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def look(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO record_titles"):
            hasty = "" if database.is_sqlite else "SET lock_timeout = '1s'"
            with database.transaction(writes=False) as session:
                session.execute(text(hasty or "SELECT 1"))
                seen.extend(session.scalars(text("SELECT id FROM records")))

    upgrade(database)
    assert seen == [record]


def test_what_the_release_before_writes_is_numbered_all_the_same(database: Database) -> None:
    upgrade(database)
    poller = Poller(database)
    with database.transaction() as session:
        record = written(session)
    assert poller.look() == [record]
    with database.transaction() as session:
        session.execute(text("UPDATE records SET version = version + 1"))
    poller.look()
    assert poller.told == [(record, 1), (record, 2)]


def test_the_migrations_leave_the_triggers_that_the_models_declare(database: Database) -> None:
    upgrade(database)
    with database.transaction() as session:
        migrated = session.execute(text(TRIGGERS[database.is_sqlite])).all()
        Base.metadata.drop_all(session.connection(), tables=TABLES)
        Base.metadata.create_all(session.connection(), tables=TABLES)
        declared = session.execute(text(TRIGGERS[database.is_sqlite])).all()
    assert migrated == declared != []
