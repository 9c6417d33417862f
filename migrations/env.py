"""Alembic's environment: one migration runs on SQLite and PostgreSQL alike."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import String, text

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
    """Runs the migrations in one transaction, on the connection that is handed in."""
    database = context.config.attributes.get("database") or Database(
        config.load().database_url, limits=MIGRATING
    )
    with database.transaction() as session:
        if not database.is_sqlite:  # a large table takes as long as it takes
            session.execute(text("SET LOCAL statement_timeout = 0"))
        context.configure(
            connection=session.connection(),
            target_metadata=Base.metadata,
            render_as_batch=database.is_sqlite,
            compare_type=True,
            render_item=render,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
