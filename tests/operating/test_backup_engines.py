"""Backing up and restoring on PostgreSQL and S3, and moving between them and one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit
from uuid import uuid4

import engines
import msgspec
import pytest
from archives import epub
from elasticsearch import Elasticsearch
from house import ENGINES, House
from sqlalchemy import make_url, select, text, update

from app import config
from app.catalog.description import Description
from app.catalog.models import RecordRow
from app.catalog.services import changes
from app.database import Database, now
from app.identity import tree
from app.identity.models import Library
from app.operating.backup import naming
from app.operating.schema import upgrade_to
from search.backends.elasticsearch.address import read_address

from .backups import (
    bytes_of,
    elsewhere,
    environ,
    filled,
    jobs_apart,
    killed,
    library,
    rows_of,
    said,
)

pytestmark = pytest.mark.engines
EMBEDDED = dict.fromkeys(ENGINES, "")
NUMBERS = {"change"}
"""What a database numbers anew: positions in the change feed, of another epoch."""


@pytest.fixture(autouse=True)
def real() -> Iterator[None]:
    """The engines that the environment names, also when the rest of the run is embedded."""
    if engines.here:
        yield
        return
    engines.here = engines.Engines("backup")
    yield
    engines.here.close()
    engines.here = None


@pytest.fixture
def full(tmp_path: Path) -> Iterator[House]:
    """A library on engines with something of everything."""
    house = filled(tmp_path / "data")
    yield house
    close(house)


def opened(folder: Path, settings: dict[str, str]) -> House:
    """The library as the commands see it with these settings."""
    return House(folder, **{n.removeprefix("KAIJUAN_").lower(): v for n, v in settings.items()})


def close(house: House) -> None:
    """Lets go of its places too."""
    house.close()
    assert engines.here
    engines.here.let_go(house.settings.data_dir)


def assert_equal(one: House, other: House) -> None:
    """All that matters of two libraries is the same, on whatever they stand."""
    rows, others = (rows_of(house.database, NUMBERS) for house in (one, other))
    assert jobs_apart(rows) == jobs_apart(others)
    assert bytes_of(one.adapters) == bytes_of(other.adapters)
    assert other.json("/api/v1/search?q=红楼梦")["total"] == 1
    other.json("/api/v1/changes")


WAYS = {"engines to engines": ({}, {}), "to engines": (EMBEDDED, {}), "from them": ({}, EMBEDDED)}


@pytest.mark.parametrize("way", WAYS)
def test_a_library_is_the_same_wherever_it_is_restored(way: str, tmp_path: Path) -> None:
    before, after = WAYS[way]
    house = filled(tmp_path / "data", **before)
    taken = said(tmp_path / "data", "backup", tmp_path / "target", **before)["backup"]
    restored = said(tmp_path / "new", "restore", tmp_path / "target", **after)
    other = opened(tmp_path / "new", after)
    assert_equal(house, other)
    assert (restored["objects"], restored["problems"]) == (taken["copied"], [])
    assert restored["doctor"] == []
    compared = said(tmp_path / "new", "reindex", "--verify", **after)
    assert compared["documents"] == compared["records"] == restored["indexed"] > 0
    other.work()
    close(other)
    close(house)


def test_rows_that_an_engine_does_not_take_are_said_and_change_nothing(tmp_path: Path) -> None:
    house = library(tmp_path / "data", **EMBEDDED)
    house.network()
    with house.database.transaction() as session:
        session.execute(update(Library).where(Library.id == "north").values(code="北" * 20))
    said(tmp_path / "data", "backup", tmp_path / "target", **EMBEDDED)
    refused = said(tmp_path / "new", "restore", tmp_path / "target", code=1)["error"]
    assert "libraries" in refused
    other = opened(tmp_path / "new", {})
    assert rows_of(other.database)["libraries"] == []
    close(other)
    close(house)


class Writers:
    """Whoever writes meanwhile: changes, books, and imports whose files go when they are done."""

    def __init__(self, house: House, folder: Path) -> None:
        self._house, self._folder, self._stopped = house, folder, Event()
        self._token = house.token()
        self.done: list[tuple[datetime, str]] = []
        """When each was answered, and the title by which its record is found."""

    def __enter__(self) -> Writers:
        self._pool = ThreadPoolExecutor(3)
        ways = (self._record, self._book, self._import)
        self._writing = [self._pool.submit(self._write, way) for way in ways]
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stopped.set()
        for writing in self._writing:
            assert writing.result() > 0

    def _write(self, way: Callable[[str], object]) -> int:
        for number in count():
            if self._stopped.is_set():
                return number
            title = f"{way.__name__}{number}"
            way(title)
            self.done.append((now(), title))
        raise AssertionError("unreachable")

    def _record(self, title: str) -> None:
        with self._house.database.transaction() as session:
            owner = tree.default(session).id
            said_of = Description(title=title)
            changes.create(session, said_of, kind="book", library_id=owner, account_id=None)

    def _book(self, title: str) -> None:
        path = epub(self._folder / f"{title}.epub", title=title, identifier=f"urn:x:{title}")
        assert self._house.take(path).record

    def _import(self, title: str) -> None:
        body = msgspec.json.encode({"src": "tests", "id": title, "title": title})
        sent = "/api/v1/imports?format=jsonl&name=a.jsonl"
        client = self._house.app.test_client()
        assert client.post(sent, data=body, headers=self._token).status_code == 202
        self._house.work()


def test_what_was_answered_before_the_point_is_there_while_others_write(tmp_path: Path) -> None:
    house = library(tmp_path / "data")
    with Writers(house, tmp_path) as writers:
        taken = elsewhere(tmp_path / "data", "backup", tmp_path / "target")["backup"]
    restored = said(tmp_path / "new", "restore", tmp_path / "target")
    assert (restored["problems"], restored["doctor"]) == ([], [])
    other = opened(tmp_path / "new", {})
    with other.database.transaction(writes=False) as session:
        there = set(session.scalars(select(RecordRow.title)))
        objects = {*naming.lasting(session), *naming.passing(session)}
    point = datetime.fromisoformat(taken["point"])
    answered = {title for at, title in writers.done if at < point}
    assert len(answered) > 5
    assert answered <= there
    assert objects <= set(other.adapters.store.keys(""))
    other.work()
    close(other)
    close(house)


def test_the_index_of_what_was_restored_is_on_elasticsearch(full: House, tmp_path: Path) -> None:
    said(full.settings.data_dir, "backup", tmp_path / "target")
    restored = said(tmp_path / "new", "restore", tmp_path / "target")
    other = opened(tmp_path / "new", {})
    address = read_address(other.settings.search_url)
    with Elasticsearch(address.url, basic_auth=address.credentials) as client:
        held = client.count(index=f"{address.prefix}*", query={"match_all": {}})["count"]
    assert held >= restored["indexed"] == other.json("/api/v1/search?q=")["total"] > 0
    close(other)


def at_revision(folder: Path, revision: str, code: str) -> None:
    """An embedded library of an earlier release, with one library of this code."""
    database = Database(config.load(environ(folder, **EMBEDDED)).database_url)
    with database.transaction() as session:
        upgrade_to(revision, database, session)
        session.execute(  # as the release of that revision would
            text(
                "INSERT INTO libraries (id, name, level, code, path, added_at)"
                " VALUES ('north', '北省图书馆', 'national', :code, '0001', 0)"
            ),
            {"code": code},
        )
    database.close()


def test_a_schema_is_replaced_together_with_its_rows(full: House, tmp_path: Path) -> None:
    folder, name = full.settings.data_dir, str(make_url(full.settings.database_url).database)
    replacing = ("restore", tmp_path / "target", "--replace", name)
    at_revision(tmp_path / "bad", "0003", "北" * 20)
    at_revision(tmp_path / "good", "0003", "north")
    before = rows_of(full.database)
    said(tmp_path / "bad", "backup", tmp_path / "target", **EMBEDDED)
    assert "libraries" in said(folder, *replacing, code=1)["error"]
    assert rows_of(full.database) == before
    said(tmp_path / "good", "backup", tmp_path / "target", **EMBEDDED)
    assert said(folder, *replacing)["doctor"] == []
    assert [row[0] for row in rows_of(full.database)["libraries"]] == ["north"]


def test_a_bucket_keeps_backups_as_a_folder_does(full: House, tmp_path: Path) -> None:
    bucket = urlsplit(full.settings.storage_url).netloc
    target = f"s3://{bucket}/backups-{uuid4().hex}"
    folder = full.settings.data_dir
    said(folder, "backup", target)
    second = said(folder, "backup", target, "--keep", "1")
    assert (second["backup"]["copied"], len(second["removed"])) == (0, 1)
    assert said(folder, "backup", target, "--verify")["problems"] == []
    said(tmp_path / "new", "restore", target)
    other = opened(tmp_path / "new", {})
    assert_equal(full, other)
    close(other)


STAGES = ("loading:_hold", "restoring:upgrade", "settling:end")


@pytest.mark.parametrize("stage", STAGES)
def test_a_restore_killed_in_the_middle_is_done_by_the_next_one(
    full: House, tmp_path: Path, stage: str
) -> None:
    said(full.settings.data_dir, "backup", tmp_path / "target")
    killed(f"app.operating.backup.{stage}", tmp_path / "new", "restore", tmp_path / "target")
    said(tmp_path / "new", "restore", tmp_path / "target")
    other = opened(tmp_path / "new", {})
    assert_equal(full, other)
    close(other)


def test_a_library_that_holds_something_is_replaced_only_by_name(
    full: House, tmp_path: Path
) -> None:
    folder, name = full.settings.data_dir, make_url(full.settings.database_url).database
    said(folder, "backup", tmp_path / "target")
    later = full.record("后来的书")
    assert name in said(folder, "restore", tmp_path / "target", code=1)["error"]
    said(folder, "restore", tmp_path / "target", "--replace", str(name))
    full.open_doors()
    assert full.client.get(f"/api/v1/books/{later}").status_code == 404
    assert full.json("/api/v1/search?q=后来的书")["total"] == 0
