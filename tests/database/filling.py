"""A large catalogue of made-up records, in a database of PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from psycopg import Connection, sql

from app.identity import accounts

WRITTEN = Path(__file__).with_name("million.sql")
SECRET = "what one of the accounts signed in with"


def fill(connection: Connection, records: int) -> None:
    """Writes the network and so many records, then makes the indexes and the statistics."""
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND indexname LIKE 'ix\\_%'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    connection.execute(sql.SQL("SET tests.records = {}").format(records))
    connection.execute(WRITTEN.read_bytes())
    connection.execute(
        "INSERT INTO credentials (digest, kind, account_id, label, made_at, expires_at)"
        " VALUES (%s, 'session', 'account7', '', 1, 4000000000000000)",
        [accounts.digest(SECRET)],
    )
    for _, definition in indexes:
        connection.execute(definition.encode())
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")


def record_id(number: int) -> str:
    """The id of the record of this number, from 1."""
    return f"01900000-0000-7000-8000-{number:012x}"


def digest(number: int) -> str:
    """The digest of the publication of this number, from 1."""
    return f"{number:064x}"
