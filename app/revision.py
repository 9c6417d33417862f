"""At which revision the schema is, and which one this release wants.

Told without Alembic, of which a process that serves needs nothing else. Migrations are numbered in
their order, and so are their files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

_PACKAGE = Path(__file__).parent
SCRIPTS = next(
    folder
    for folder in (_PACKAGE / "migrations", _PACKAGE.parent / "migrations")
    if folder.is_dir()
)
"""In an installed wheel within the package, in a checkout beside it."""


class SchemaError(Exception):
    """The database lacks what this release needs."""

    def __init__(self, present: str | None) -> None:
        at = f"at revision {present}" if present else "empty"
        super().__init__(
            f"the database is {at}, and this release needs {wanted()}: run `kaijuan migrate`"
        )


@cache
def wanted() -> str:
    """The number of the last migration."""
    return max(path.name for path in (SCRIPTS / "versions").glob("[0-9]*.py")).partition("_")[0]


def present(session: Session) -> str | None:
    """The revision that the database is at; ``None`` for one that was never migrated."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return None
    found: str | None = session.scalar(text("SELECT max(version_num) FROM alembic_version"))
    return found


def require(session: Session) -> str:
    """The revision that the database is at: this release's, or a later one's, which serves it too.

    :raises SchemaError: when it is of an earlier release, or was never migrated.
    """
    found = present(session)
    if found is None or found < wanted():
        raise SchemaError(found)
    return found
