"""Real engines for the house of a test: each library gets a database, a bucket's prefix and more.

What is asked of an engine is noted, so that a run can say how many tests met which engine.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import botocore
import pytest
import redis
from elasticsearch import Elasticsearch
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

from app.database import Database
from app.operating.schema import upgrade
from app.storage.s3_client import S3Options, open_client
from search.backends.elasticsearch.address import read_address

POSTGRESQL, ELASTICSEARCH, S3, REDIS = "postgresql", "elasticsearch", "s3", "redis"
NAMES = (POSTGRESQL, ELASTICSEARCH, S3, REDIS)
AUDITED = ("audit_events", "audit_leaves", "audit_seals")
VARIABLES = {
    POSTGRESQL: "KAIJUAN_DATABASE_URL",
    ELASTICSEARCH: "KAIJUAN_SEARCH_URL",
    S3: "S3_ENDPOINT_URL",
    REDIS: "KAIJUAN_QUEUE_URL",
}
HOW = """\
With Docker, in this folder:
  make secrets
  docker compose up --detach --wait database search store queue
  eval "$(make -s engines-env)"
  make test-engines
The role of KAIJUAN_DATABASE_URL makes databases of its own for tests, and drops them again."""

ON_POSTGRESQL = (
    pytest.mark.engines,
    pytest.mark.skipif(
        not os.environ.get(VARIABLES[POSTGRESQL], "").startswith("postgresql"),
        reason=f"{VARIABLES[POSTGRESQL]} names no PostgreSQL",
    ),
)
"""The marks of what needs a PostgreSQL of the environment."""
EITHER = ("sqlite", pytest.param(POSTGRESQL, marks=ON_POSTGRESQL))
"""The parameters of what is shown on both databases."""

ICU = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'zh-Hans-CN' LOCALE 'C'"
"""A locale that orders text unlike bytes: what lacks its own collation shows."""
BYTES = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"

CLAIM, OURS = "kaijuan:tests:claim", "kaijuan:tests:ours"


def missing() -> list[str]:
    """What is wrong with the engines that the environment names, a line each."""
    return [said for name in NAMES if (said := _fault(name))]


def _fault(name: str) -> str:
    variable = VARIABLES[name]
    url = os.environ.get(variable)
    if not url:
        return f"{name}: {variable} is not set"
    host, port = _address(url)
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as error:
        return f"{name}: nobody answers at {host}:{port}, which {variable} names ({error})"
    return ""


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    ordinary = {"http": 80, "https": 443, "redis": 6379}.get(parts.scheme, 5432)
    return parts.hostname or "127.0.0.1", parts.port or ordinary


here: Engines | None = None
"""The engines of this process, with ``--on-engines``."""


class Met:
    """Which engines the present test has met."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        known = {n: os.environ.get(v) for n, v in VARIABLES.items() if n != POSTGRESQL}
        self._ports = {_address(url)[1]: name for name, url in known.items() if url}
        event.listen(Engine, "begin", self._begun)
        botocore.register_initializer(self._session)
        sys.addaudithook(self._connected)

    def _begun(self, connection: Connection) -> None:
        if connection.dialect.name == POSTGRESQL:
            self.names.add(POSTGRESQL)

    def _session(self, session: Any) -> None:
        session.register("before-send.s3", self._sent)

    def _sent(self, request: Any, **_: object) -> None:
        if urlsplit(request.url).port in self._ports:
            self.names.add(S3)

    def _connected(self, what: str, arguments: tuple[Any, ...]) -> None:
        if what == "socket.connect" and isinstance(arguments[1], tuple):
            name = self._ports.get(arguments[1][1])
            if name:
                self.names.add(name)


@dataclass
class Place:
    """Where one library of a test lies."""

    database: str
    engine: Engine
    emptying: str
    truncating: str
    seeds: list[tuple[Table, list[dict[str, Any]]]]
    """Rows that the migrations themselves wrote."""
    prefix: str = ""
    folder: Path | None = None
    is_open: bool = False
    is_searched: bool = True


class Engines:
    """The engines of one test process. Two libraries open at once never share anything."""

    def __init__(self, worker: str) -> None:
        self._name = f"kaijuan_house_{worker}_{os.getpid()}"
        self._places: list[Place] = []
        self.are_searched = True
        """Whether the next libraries are searched by Elasticsearch: some tests look for nothing,
        and need not wait for an index of their own."""
        self._redis = _claim_redis(os.environ[VARIABLES[REDIS]])
        self._s3 = open_client(S3Options(endpoint_url=os.environ[VARIABLES[S3]]))
        self._bucket = self._name.replace("_", "-")
        self._s3.create_bucket(Bucket=self._bucket)

    def environ(self, folder: Path) -> dict[str, str]:
        """The settings of the library whose data directory is ``folder``: the same when asked
        again, and an empty library at first.
        """
        place = self._place(folder)
        given = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
        search = f"{os.environ[VARIABLES[ELASTICSEARCH]].rstrip('/')}/{place.prefix}"
        queue = self._redis.connection_pool.connection_kwargs["db"]
        redis_url = urlsplit(os.environ[VARIABLES[REDIS]])._replace(path=f"/{queue}").geturl()
        return {
            **given,
            "S3_ENDPOINT_URL": os.environ[VARIABLES[S3]],
            "KAIJUAN_DATABASE_URL": place.database,
            "KAIJUAN_STORAGE_URL": f"s3://{self._bucket}/{place.prefix}",
            "KAIJUAN_SEARCH_URL": search if place.is_searched else "",
            "KAIJUAN_QUEUE_URL": redis_url,
            "KAIJUAN_CACHE_URL": redis_url,
        }

    def hold(self, folder: Path) -> None:
        """Keeps the library's place until it is let go: a house stands there."""
        self._place(folder).is_open = True

    def let_go(self, folder: Path) -> None:
        """Gives the place to the next library that wants one."""
        self._place(folder).is_open = False

    def close(self) -> None:
        """Leaves nothing behind."""
        for place in self._places:
            place.engine.dispose()
            drop(place.database)
            _remove_indexes(place.prefix)
        listed = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        for key in [one["Key"] for page in listed for one in page.get("Contents", ())]:
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        self._s3.delete_bucket(Bucket=self._bucket)
        self._redis.flushdb()
        self._redis.close()

    def _place(self, folder: Path) -> Place:
        folder = folder.resolve()
        for place in self._places:
            if place.folder == folder:
                return place
        if not any(p.is_open for p in self._places):
            self._redis.flushdb()  # what is cached of a library says nothing of the next
        place = next((p for p in self._places if not p.is_open), None)
        if place is None:
            place = make_place(f"{self._name}_{len(self._places)}")
        else:
            self._places.remove(place)  # the one longest out of use is taken first
            _empty(place)
            if place.is_searched:
                _remove_indexes(place.prefix)
        place.is_searched = self.are_searched
        place.folder, place.prefix = folder, f"{self._bucket}-{uuid4().hex}"
        self._places.append(place)
        return place


def make_place(name: str, locale: str = ICU) -> Place:
    """A database with the schema of the migrations."""
    url = make_database(name, locale)
    database = Database(url)
    upgrade(database)
    database.close()
    engine = create_engine(url, poolclass=NullPool)  # nothing to lose when a test cuts lines
    tables = _tables(engine).sorted_tables
    with engine.connect() as connection:
        kept = [(t, [dict(r) for r in connection.execute(t.select()).mappings()]) for t in tables]
    emptying = ";".join(str(table.delete()) for table in reversed(tables))
    truncating = f"TRUNCATE {', '.join(table.name for table in tables)}"
    return Place(url, engine, emptying, truncating, [(t, rows) for t, rows in kept if rows])


def make_database(name: str, locale: str) -> str:
    """A new empty database beside the one that the environment names; its address."""
    with _server() as connection:
        connection.execute(text(f"CREATE DATABASE {name} {locale}"))
    address = make_url(os.environ[VARIABLES[POSTGRESQL]]).set(database=name)
    return address.render_as_string(hide_password=False)


@contextmanager
def bare(kind: str, folder: Path, name: str) -> Iterator[str]:
    """The address of a database without any table, on one of ``EITHER``; gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/catalogue.sqlite"
        return
    url = make_database(f"kaijuan_{name}_{os.getpid()}", BYTES)
    try:
        yield url
    finally:
        drop(url)


def drop(url: str) -> None:
    """Drops a database made here, whoever is still connected."""
    with _server() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)"))


@contextmanager
def _server() -> Iterator[Connection]:
    engine = create_engine(os.environ[VARIABLES[POSTGRESQL]], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _tables(engine: Engine) -> MetaData:
    found = MetaData()
    found.reflect(engine)
    found.remove(found.tables["alembic_version"])
    return found


def _empty(place: Place) -> None:
    """As it was after the migrations. Deleting what little a test wrote is faster than truncating
    every table, which makes new files; of many rows each would be looked for in every other table.
    What was audited cannot be deleted.
    """
    with place.engine.begin() as connection:
        first = "SELECT count(*) FROM (SELECT FROM records LIMIT 1001) AS first"
        many = (connection.scalar(text(first)) or 0) > 1000
        emptying = place.truncating if many else place.emptying
        audited = [t for t in AUDITED if connection.execute(text(f"TABLE {t} LIMIT 1")).all()]
        if audited:
            emptying = f"TRUNCATE {', '.join(audited)}; {emptying}"
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '5s'; {emptying}")
        for table, rows in place.seeds:
            connection.execute(table.insert(), rows)


def _remove_indexes(prefix: str) -> None:
    """By their names: an engine may refuse to remove by a pattern."""
    address = read_address(os.environ[VARIABLES[ELASTICSEARCH]])
    with Elasticsearch(address.url, basic_auth=address.credentials) as client:
        for name in client.indices.get(index=f"{prefix}*"):
            client.indices.delete(index=name)


def _claim_redis(url: str) -> redis.Redis:
    """A numbered database that nobody else uses: an empty one, or one that tests left behind."""
    for number in range(2, 16):
        client = redis.Redis.from_url(urlsplit(url)._replace(path=f"/{number}").geturl())
        if client.dbsize() and not client.exists(OURS):
            client.close()
            continue
        if client.set(CLAIM, os.getpid(), nx=True, ex=7200):
            client.set(OURS, 1)
            return client
        client.close()
    raise RuntimeError(f"no numbered database of {url} is free for tests")
