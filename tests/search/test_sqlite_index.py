"""The embedded engine."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from contracts.search import DREAM, SHELF, SearchIndexContract, found, many
from msgspec.structs import replace

from search.backends.sqlite import SqliteIndex, open_generations
from search.index import IndexOutdatedError, IndexUnavailableError, Query, SearchIndex


class TestSqliteIndex(SearchIndexContract):
    """One generation by itself."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[SearchIndex]:
        index = SqliteIndex(tmp_path / "one.sqlite")
        yield index
        index.close()


class TestSqliteAlias(SearchIndexContract):
    """The live generation behind its pointer."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[SearchIndex]:
        index = open_generations(tmp_path)
        yield index
        index.close()


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    index = SqliteIndex(path)
    index.write(SHELF)
    index.close()
    index.close()
    again = SqliteIndex(path)
    assert found(again, "红楼梦") == ["dream", "studies"]
    again.close()


def test_an_index_of_another_release_asks_to_be_rebuilt(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    SqliteIndex(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = 0 WHERE name = 'analysis'")
    connection.close()
    with pytest.raises(IndexOutdatedError, match="rebuild"):
        SqliteIndex(path)


def test_a_file_that_is_no_index_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(IndexUnavailableError):
        SqliteIndex(path)


def test_dead_rows_hide_no_live_ones(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "one.sqlite")
    for version in range(1, 6):
        index.write(many(300, version=version, title=f"书第{version}版"))
    hits = index.search(Query(words="书"))
    assert (hits.total, hits.total_exact) == (300, True)
    index.close()


def test_a_batch_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "one.sqlite")
    with pytest.raises(AttributeError):
        index.write([DREAM, None])  # type: ignore[list-item]  # a caller's mistake
    assert index.count() == 0
    index.write([replace(DREAM, kind="new kind")])
    assert found(index, "红楼梦", kinds=("new kind",)) == ["dream"]
    index.close()
