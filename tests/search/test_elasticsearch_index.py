"""Elasticsearch as the engine: the same contract, on the engine itself, and what is its own."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import uuid4

import pytest
from contracts.search import ALICE, DREAM, SHELF, STUDIES, SearchIndexContract, found, many, pages
from msgspec.structs import replace
from shelves import Shelf

from search.alias import AliasedIndex, Generations
from search.backends.elasticsearch import listing, open_generations, relevance
from search.backends.elasticsearch.address import read_address
from search.backends.elasticsearch.bulk import Bulk
from search.backends.elasticsearch.client import Client
from search.documents import Item, Tombstone
from search.index import (
    IndexOutdatedError,
    IndexUnavailableError,
    Outcome,
    Query,
    SearchIndex,
    Sort,
    Status,
)
from search.rebuild import Rebuild

pytestmark = pytest.mark.engines


@pytest.fixture
def url() -> str:
    """The engine's address with a prefix of this test's own."""
    address = os.environ.get("KAIJUAN_SEARCH_URL", "")
    if not address.startswith("http"):
        pytest.skip("KAIJUAN_SEARCH_URL names no Elasticsearch")
    return f"{address.rstrip('/')}/test-{uuid4().hex}"


@pytest.fixture
def alias(url: str) -> Iterator[AliasedIndex]:
    """An empty index that is removed after the test."""
    alias = open_generations(url)
    yield alias
    for name in ("g000001", "g000002", "g000003", "state"):
        alias.remove(name)
    alias.close()


@pytest.fixture
def elsewhere(url: str, alias: AliasedIndex) -> Iterator[AliasedIndex]:
    """The same index as another process has it."""
    alias.write(SHELF)
    elsewhere = open_generations(url)
    yield elsewhere
    elsewhere.close()


class TestElasticsearchIndex(SearchIndexContract):
    """The live generation behind its aliases."""

    @pytest.fixture
    def index(self, alias: AliasedIndex) -> SearchIndex:
        return alias


def test_two_who_begin_together_have_one_index(url: str, alias: AliasedIndex) -> None:
    other = open_generations(url)
    assert alias.count() == other.count() == 0
    alias.write([DREAM])
    assert found(other, "红楼梦") == ["dream"]
    other.close()


def test_of_batches_written_at_once_all_are_counted_and_found(
    alias: AliasedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first leaves it to the last to have them found, and is counted all the same."""
    begun, may_end, write = Event(), Event(), Bulk.write

    def slow(bulk: Bulk, items: Sequence[Item]) -> list[Outcome]:
        if items == [ALICE]:
            begun.set()
            assert may_end.wait(30)
        return write(bulk, items)

    monkeypatch.setattr(Bulk, "write", slow)
    with ThreadPoolExecutor(1) as thread:
        last = thread.submit(alias.write, [ALICE])
        assert begun.wait(30)
        alias.write([DREAM])
        assert alias.count() == 1
        alias.write([STUDIES])
        may_end.set()
        last.result()
    assert found(alias, "红楼梦研究") == [STUDIES.id]
    assert alias.count() == 3


def test_versions_decide_between_writers_anywhere(
    alias: AliasedIndex, elsewhere: AliasedIndex
) -> None:
    elsewhere.write([Tombstone("dream", 5)])
    outcomes = alias.write([replace(DREAM, version=4), replace(ALICE, version=2)])
    assert [one.status for one in outcomes] == [Status.KEPT, Status.WRITTEN]
    assert alias.versions(["dream", "alice"], withdrawn=True) == {"dream": 5, "alice": 2}


def test_a_swap_is_seen_by_every_process(
    alias: AliasedIndex, elsewhere: AliasedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.backends.elasticsearch.pointer._STALE", 1e6)
    assert elsewhere.generation == "g000001"
    alias.pointer.replace(Generations("g000001", building="g000002"))
    assert elsewhere.generations.building == "g000002"
    elsewhere.write([replace(STUDIES, version=2)])
    alias.pointer.replace(Generations("g000002", previous="g000001"))
    assert elsewhere.pointer.read(fresh=False).live == "g000001"
    assert elsewhere.generations == Generations("g000002", previous="g000001")
    assert found(elsewhere, "") == ["studies"]


def test_of_two_swaps_one_is_whole(alias: AliasedIndex, elsewhere: AliasedIndex) -> None:
    alias.pointer.replace(Generations("g000001", building="g000002"))
    elsewhere.pointer.replace(Generations("g000001", building="g000003"))
    assert alias.generations == Generations("g000001", building="g000003")


def test_a_checkpoint_is_remembered_until_it_is_forgotten(
    alias: AliasedIndex, elsewhere: AliasedIndex
) -> None:
    assert alias.pointer.checkpoint() is None
    alias.pointer.remember(b'{"done": 3}')
    assert elsewhere.pointer.checkpoint() == b'{"done": 3}'
    for _ in range(2):
        elsewhere.pointer.remember(None)
    assert alias.pointer.checkpoint() is None


def test_a_late_writer_brings_no_removed_generation_back(
    alias: AliasedIndex, elsewhere: AliasedIndex
) -> None:
    alias.pointer.replace(Generations("g000001", building="g000002"))
    late = elsewhere.named("g000002")
    alias.pointer.replace(Generations("g000001"))
    alias.remove("g000002")
    for _ in range(2):
        with pytest.raises(IndexUnavailableError):
            late.write([DREAM])
    elsewhere.remove("g000002")
    with pytest.raises(IndexUnavailableError):
        elsewhere.named("g000002")


def test_a_rebuild_takes_over_and_can_be_taken_back(
    alias: AliasedIndex, elsewhere: AliasedIndex
) -> None:
    rebuild, shelf = Rebuild(alias, batch=10), Shelf([DREAM, *many(35)])
    shelf.at["n00007"] = lambda: elsewhere.write([replace(STUDIES, version=2)])
    shelf.at["n00020"] = lambda: shelf.commit(replace(STUDIES, version=2))
    assert rebuild.run(shelf).generation == "g000002"
    assert elsewhere.generations == Generations("g000002", previous="g000001")
    assert (elsewhere.count(), found(elsewhere, "研究")) == (37, ["studies"])
    rebuild.go_back()
    assert elsewhere.generations.live == "g000001"
    assert found(alias, "alice") == ["alice"]


def test_an_index_of_another_release_is_told_from_one_that_is_away(
    url: str, alias: AliasedIndex
) -> None:
    alias.write([DREAM])
    address = read_address(url)
    client = Client(address)
    meta = {"_meta": {"schema": 1, "analysis": 0}}
    client.ask("PUT", f"/{address.prefix}-g000001/_mapping", meta)
    client.close()
    other = open_generations(url)
    with pytest.raises(IndexOutdatedError):
        other.count()
    other.close()


@pytest.mark.parametrize("title", ["丛书", "丛"])
def test_of_too_many_to_weigh_a_title_that_is_the_query_comes_first(
    alias: AliasedIndex, monkeypatch: pytest.MonkeyPatch, title: str
) -> None:
    documents = many(60, title=f"{title}与别的", publisher=title)
    alias.write([*documents, replace(DREAM, id="titled", title=title, added_at="1900")])
    monkeypatch.setattr("search.backends.elasticsearch.relevance.MOST_WEIGHED", 10)
    query = Query(words=title, limit=5)
    first = alias.search(query)
    second = alias.search(replace(query, after=first.next))
    assert first.items[0].id == "titled"
    assert not {hit.id for hit in first.items} & {hit.id for hit in second.items}


def test_the_end_of_relevance_is_the_end_also_of_too_many_to_weigh(
    alias: AliasedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias.write(many(60, publisher="丛书"))
    monkeypatch.setattr(relevance, "MOST_WEIGHED", 10)
    monkeypatch.setattr(relevance, "RELEVANCE_DEPTH", 11)
    found = list(pages(alias, Query(words="丛书", limit=3)))
    assert sum(map(len, found)) == 11


def test_works_are_listed_once_however_many_records_each_has(
    alias: AliasedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MOST_AT_ONCE", 7)
    alias.write([replace(one, work=f"w{number % 9}") for number, one in enumerate(many(90))])
    ids = [one for page in pages(alias, Query(by_work=True, limit=4)) for one in page]
    assert sorted(int(one[1:]) % 9 for one in ids) == list(range(9))


def great_work(alias: AliasedIndex) -> None:
    """Two hundred records of one work, with five of others at the end of the list by title."""
    others = many(5, title="终卷", year=2000)
    great = [replace(one, id=f"great{one.id}", work="great") for one in many(200)]
    alias.write([*great, *others])


def test_a_work_of_very_many_records_is_passed_in_one_look(
    alias: AliasedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    great_work(alias)
    monkeypatch.setattr(listing, "_MOST_AT_ONCE", 7)
    monkeypatch.setattr(listing, "_MOST_LOOKS", 2)
    query = Query(sort=Sort.TITLE, by_work=True, limit=2)
    assert [len(page) for page in pages(alias, query)] == [2, 2, 2]


def test_a_list_of_works_goes_on_where_it_had_read_enough(
    alias: AliasedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    great_work(alias)
    monkeypatch.setattr(listing, "_MOST_AT_ONCE", 7)
    monkeypatch.setattr(listing, "_MOST_LOOKS", 1)
    short = list(pages(alias, Query(sort=Sort.TITLE, by_work=True, limit=2)))
    assert [] in short
    assert sorted(one for page in short for one in page)[1:] == [f"n{n:05}" for n in range(5)]
