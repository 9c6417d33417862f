"""The real engines that the environment names: databases and indexes of our own on them.

Everything that is made there has a name that begins with ``kaijuan_bench_``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from elasticsearch import Elasticsearch
from psycopg import sql
from sqlalchemy import make_url

from bench.rows import CannotRunError

PREFIX = "kaijuan_bench_"
_OF_NAME = re.compile(r"(?:[^a-z0-9].*)?")
"""What follows the name in that of an index: nothing of it, or what begins with a mark."""


@dataclass(frozen=True, slots=True)
class Engines:
    """PostgreSQL and Elasticsearch by their addresses."""

    database_url: str
    search_url: str

    @classmethod
    def named(cls) -> Engines:
        """Those of the environment.

        :raises CannotRunError: when it names none.
        """
        database = os.environ.get("KAIJUAN_DATABASE_URL", "")
        search = os.environ.get("KAIJUAN_SEARCH_URL", "")
        if not (database.startswith("postgresql") and search.startswith("http")):
            wanted = "KAIJUAN_DATABASE_URL (PostgreSQL) and KAIJUAN_SEARCH_URL (Elasticsearch)"
            raise CannotRunError(f"{wanted} do not name engines")
        return cls(database, search)

    def of(self, name: str) -> dict[str, str]:
        """The settings of a library that has the database and the indexes of this name."""
        search = urlsplit(self.search_url)._replace(path=f"/{PREFIX}{name}")
        return {
            "KAIJUAN_DATABASE_URL": self._url(name).render_as_string(hide_password=False),
            "KAIJUAN_SEARCH_URL": urlunsplit(search),
        }

    def make(self, name: str) -> None:
        """An empty database of this name; what was under it, in both engines, goes."""
        self.drop(name)
        self._administer("CREATE DATABASE {}", name)

    def drop(self, name: str) -> None:
        """Removes the database and the indexes of this name, if there are any."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        with self.elasticsearch() as engine:
            for index in engine.indices.get(index=f"{PREFIX}*", expand_wildcards="all").body:
                if _OF_NAME.fullmatch(index.removeprefix(PREFIX + name)):
                    engine.indices.delete(index=index)

    def has(self, name: str) -> bool:
        """Whether there is a database of this name."""
        with self.postgresql() as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (PREFIX + name,)
            )
            return found.fetchone() is not None

    @contextmanager
    def postgresql(self, name: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the database of this name, to the one of the environment without."""
        url = self._url(name) if name else make_url(self.database_url)
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as connection:
            yield connection

    @contextmanager
    def elasticsearch(self) -> Iterator[Elasticsearch]:
        """The engine's own client."""
        parts = urlsplit(self.search_url)
        secret = (parts.username, parts.password or "") if parts.username else None
        host = f"{parts.scheme}://{parts.hostname}:{parts.port or 9200}"
        with Elasticsearch(host, basic_auth=secret, request_timeout=120) as engine:
            yield engine

    def _url(self, name: str) -> Any:
        return make_url(self.database_url).set(database=PREFIX + name)

    def _administer(self, statement: str, name: str) -> None:
        with self.postgresql() as connection:
            connection.autocommit = True
            connection.execute(sql.SQL(statement).format(sql.Identifier(PREFIX + name)))
