"""Alembic's environment: one migration runs on SQLite and PostgreSQL alike."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, String

from app import config
from app.database import Base, Database, Instant
from app.dialects import MIGRATING
from app.tables import TABLES

assert TABLES  # noqa: S101 - importing it declares every table


def render(kind: str, item: object, autogen: Any) -> str | Literal[False]:
    """Columns as migrations write them: on their own, whatever becomes of the models."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        return "sa.BigInteger()"
    if isinstance(item, String) and item._variant_mapping:
        autogen.imports.add("from app.database import key_text")
        return f"key_text({item.length or ''})"
    return False


def run() -> None:
    """Runs the migrations: in the transaction that is handed in, or in their own.

    On PostgreSQL each has one of its own, so that what one of them locks is free again before
    the next, which may take long, and the release before goes on reading meanwhile.
    """
    given = context.config.attributes
    database = given.get("database") or Database(config.load().database_url, limits=MIGRATING)
    if "session" in given:
        migrate(given["session"].connection(), database)
    elif database.is_sqlite:
        with database.transaction() as session:
            migrate(session.connection(), database)
    else:
        with database.engine.connect() as connection:
            migrate(connection, database)


def migrate(connection: Connection, database: Database) -> None:
    """Runs the migrations on a connection; those of one that is in a transaction belong to it."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=database.is_sqlite,
        transaction_per_migration=True,
        compare_type=True,
        render_item=render,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
