"""The schema on PostgreSQL: text is compared byte by byte wherever order or keys depend on it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import engines
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from app.database import Base, Database
from app.tables import TABLES

pytestmark = [
    *engines.ON_POSTGRESQL,
]

KEYS_IN_OTHER_ORDER = """
SELECT table_class.relname || '.' || attname
FROM pg_index
JOIN pg_class AS table_class ON table_class.oid = indrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname = 'public'
CROSS JOIN LATERAL unnest(indkey) AS key(number)
JOIN pg_attribute ON attrelid = indrelid AND attnum = key.number
JOIN pg_collation ON pg_collation.oid = attcollation
WHERE collname <> 'C' AND table_class.relname <> 'alembic_version'
"""
"""Text columns of any index, of a key or a constraint too, that are not ordered by bytes."""


@pytest.fixture(scope="module")
def migrated() -> Iterator[Database]:
    """What the migrations make, in a database of an ICU locale."""
    place = engines.make_place(f"kaijuan_schema_{os.getpid()}", engines.ICU)
    place.engine.dispose()
    database = Database(place.database)
    yield database
    database.close()
    engines.drop(place.database)


def test_the_locale_orders_text_unlike_bytes(migrated: Database) -> None:
    with migrated.transaction(writes=False) as session:
        assert session.scalar(text("SELECT 'a' < 'B'"))
        assert not session.scalar(text("""SELECT 'a' < 'B' COLLATE "C" """))


def test_every_text_that_is_a_key_is_ordered_by_bytes(migrated: Database) -> None:
    with migrated.transaction(writes=False) as session:
        assert session.scalars(text(KEYS_IN_OTHER_ORDER)).all() == []


def test_the_migrations_make_what_the_models_say(migrated: Database) -> None:
    assert TABLES
    with migrated.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
