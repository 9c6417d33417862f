"""What every house of a test would do once more, and always alike, is done once in a process."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, cast

from argon2 import PasswordHasher
from sqlalchemy import Connection
from werkzeug.routing import Rule

from app import config
from app.adapters import open_adapters
from app.catalog.services import healing
from app.database import Base
from app.identity import passwords
from app.revision import wanted
from app.tables import TABLES
from search.alias import AliasedIndex

STAMP = f"alembic_version AS SELECT '{wanted()}' AS version_num"


def copy_empty(folder: Path, urls: tuple[str, ...]) -> None:
    """An empty library in a folder where there is none, with its tables and its index.

    It is of the embedded default, which leaves the settings ``urls`` empty.
    """
    if not (folder / "kaijuan.sqlite").exists():
        shutil.copytree(_empty(urls), folder, dirs_exist_ok=True)
        with closing(sqlite3.connect(folder / "kaijuan.sqlite", isolation_level=None)) as own:
            own.execute("UPDATE change_clock SET epoch = lower(hex(randomblob(16)))")


@cache
def _empty(urls: tuple[str, ...]) -> Path:
    made, kept = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    for folder in (made, kept):
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = {"KAIJUAN_DATA_DIR": str(made), **dict.fromkeys(urls, "")}
    adapters = open_adapters(config.load(settings, made / "no.env"))
    with adapters.database.engine.begin() as connection:
        make_tables(connection)
    healing.judge(adapters.database, cast(AliasedIndex, adapters.index))
    adapters.index.close()
    adapters.database.close()
    shutil.copy(made / "kaijuan.sqlite", kept)
    shutil.copytree(made / "search", kept / "search")
    return kept


def make_tables(connection: Connection) -> None:
    """Those of all migrations, where they are not there."""
    Base.metadata.create_all(connection, tables=TABLES)
    connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {STAMP}")


def make_haste() -> None:
    """Compiles each address once, however many applications are made of it, and takes each
    password once for right, however often it is typed."""
    compiled: dict[str, Any] = {}
    compile_builder = Rule._compile_builder

    def remembered(rule: Rule, append_unknown: bool = True) -> Any:
        said = f"{append_unknown} {rule.defaults} {rule._trace}"
        if said not in compiled:
            compiled[said] = compile_builder(rule, append_unknown)
        return compiled[said]

    Rule._compile_builder = remembered  # type: ignore[method-assign]
    usual = passwords._hasher
    passwords._hasher = _Remembering(usual.time_cost, usual.memory_cost, usual.parallelism)


class _Remembering(PasswordHasher):
    """Remembers what was right; what was wrong is looked at each time."""

    def __init__(self, *profile: int) -> None:
        super().__init__(*profile)
        self._right = set[tuple[str | bytes, str | bytes]]()

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
        """True, or an error."""
        if (hash, password) not in self._right:
            super().verify(hash, password)
            self._right.add((hash, password))
        return True
