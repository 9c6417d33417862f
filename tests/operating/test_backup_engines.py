"""Backing up and restoring on PostgreSQL and S3, and moving between them and one machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import engines
import pytest
from elasticsearch import Elasticsearch
from house import ENGINES, House
from sqlalchemy import make_url, update

from app import config
from app.database import Database
from app.identity import tree
from app.identity.models import Library
from app.operating.schema import upgrade_to
from search.backends.elasticsearch.address import read_address

from .backups import bytes_of, environ, filled, jobs_apart, killed, library, rows_of, said

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
        tree.add(session, "north", "北省图书馆", "national", None).code = code
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
