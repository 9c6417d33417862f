"""Caches: the contract on each, and what the catalogue keeps in them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from uuid import uuid4

import pytest
from contracts.caching import CacheContract
from house import House
from redis import Redis, RedisError
from sqlalchemy import event

from app.caching import ALONE, Cache, MemoryCache, NoCache, RedisCache, open_cache
from app.catalog.queries import records
from app.config import SettingError

ENGINE = os.environ.get("KAIJUAN_CACHE_URL", "")


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self) -> Cache:
        return MemoryCache()


@pytest.mark.engines
@pytest.mark.skipif(not ENGINE.startswith("redis"), reason="KAIJUAN_CACHE_URL is not set")
class TestRedisCache(CacheContract):
    @pytest.fixture
    def cache(self) -> Iterator[Cache]:
        client = Redis.from_url(ENGINE)
        prefix = f"tests-{uuid4().hex}:"
        yield RedisCache(ENGINE, prefix=prefix)
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)
        client.close()

    def test_a_kept_value_ends_with_its_life(self, cache: RedisCache) -> None:
        cache.keep("page", cache.look("page", "book"), b"x", 30)
        client = Redis.from_url(ENGINE)
        assert 0 < client.ttl(f"{cache.prefix}kept:page") <= 30
        client.close()


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_process_of_its_own_keeps_nothing_for_long() -> None:
    clock = Clock()
    cache = MemoryCache(clock)
    cache.keep("page", cache.look("page", "book"), b"x", 60)
    clock.now = ALONE
    assert cache.look("page", "book").value is None


def test_a_kept_value_is_as_old_as_the_look_before_it_was_made() -> None:
    clock = Clock()
    cache = MemoryCache(clock)
    looked = cache.look("page", "book")
    clock.now = 0.9 * ALONE
    cache.keep("page", looked, b"x", 60)
    assert cache.look("page", "book").value == b"x"
    clock.now = ALONE
    assert cache.look("page", "book").value is None


def test_the_least_used_leaves_first() -> None:
    cache = MemoryCache(room=20)
    for name in ("one", "two"):
        cache.keep(name, cache.look(name, ""), bytes(10), 60)
    cache.look("one", "")
    cache.keep("three", cache.look("three", ""), bytes(10), 60)
    assert [cache.look(name, "").value is None for name in ("one", "two", "three")] == [
        False, True, False,
    ]  # fmt: skip


def test_a_cache_that_is_away_is_a_miss_and_is_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    cache = RedisCache(f"redis://127.0.0.1:{port}/0")
    looked = cache.look("page", "book")
    assert looked.value is looked.stamp is None
    cache.keep("page", looked, b"x", 60)
    cache.touch(["book"])
    assert cache.breaker.is_open
    with pytest.raises(RedisError):
        cache.check()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:port/0", "redis://127.0.0.1/0?db=x"])
def test_an_address_that_is_none_names_its_variable(url: str) -> None:
    with pytest.raises(SettingError, match="KAIJUAN_CACHE_URL"):
        open_cache(url)


def test_none_keeps_nothing() -> None:
    cache = open_cache("none://")
    assert isinstance(cache, NoCache)
    cache.keep("page", cache.look("page", "book"), b"x", 60)
    assert cache.look("page", "book").value is None


@pytest.fixture
def statements(house: House) -> list[str]:
    """What the database is asked."""
    asked: list[str] = []
    event.listen(
        house.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2])
    )
    return asked


def test_a_record_is_read_once_until_it_changes(house: House, statements: list[str]) -> None:
    path = f"/api/v1/books/{house.record('红楼梦')}"
    first = house.client.get(path)
    del statements[:]
    again = house.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, statements) == (304, [])


@pytest.mark.parametrize("kept", [b"\xc1", b"\x80", b"\x93\x01\x02\x03"])
def test_what_another_release_kept_in_another_form_is_made_anew(house: House, kept: bytes) -> None:
    record_id, cache = house.record("红楼梦"), house.adapters.cache
    stamp = records.stamp_of(record_id)
    cache.keep(stamp, cache.look(stamp, stamp), kept, 60)
    assert house.client.get(f"/api/v1/books/{record_id}").status_code == 200


def test_a_withdrawn_record_is_gone_at_once_where_it_was_withdrawn(house: House) -> None:
    record_id = house.record("红楼梦")
    house.json(f"/api/v1/books/{record_id}")
    house.withdraw(record_id)
    assert house.client.get(f"/api/v1/books/{record_id}").status_code == 410


def test_who_may_see_is_decided_each_time(house: House) -> None:
    path = f"/api/v1/books/{house.record('内部资料', audience='staff')}"
    assert house.client.get(path, headers=house.token()).status_code == 200
    assert house.client.get(path).status_code == 404


def test_a_search_is_asked_of_the_index_once_until_the_index_changes(house: House) -> None:
    house.record("红楼梦")
    assert house.json("/api/v1/search?q=红楼梦")["total"] == 1
    house.record("红楼梦新证")
    assert house.json("/api/v1/search?q=红楼梦")["total"] == 2


def test_a_kept_search_never_shows_what_was_withdrawn(house: House) -> None:
    record_id = house.record("红楼梦")
    assert house.json("/api/v1/search?q=红楼梦")["items"]
    house.withdraw(record_id)
    assert house.json("/api/v1/search?q=红楼梦")["items"] == []
