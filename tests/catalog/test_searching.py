"""Search over HTTP: what is shown, to whom, and what happens while the index is away."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from house import House
from msgspec.structs import replace as turned

from app.background import take_usage
from app.catalog.description import Subject
from app.catalog.models import FruitlessQuery, RecordRow
from app.catalog.services import dirty, finding, indexing
from app.catalog.services.finding import SearchQuery
from app.cursors import Cursors
from app.database import now
from app.errors import UnknownCursorError
from app.permissions import Caller
from search.index import Hit, Hits, IndexUnavailableError, Query, SearchIndex


class Away:
    """An index whose engine is away."""

    def __getattr__(self, name: str) -> Any:
        raise IndexUnavailableError("tests", "away")


def ids(house: House, path: str, **options: Any) -> list[str]:
    return [item["id"] for item in house.json(path, **options)["items"]]


def test_facets_say_what_they_count_in_chinese(house: House) -> None:
    house.network()
    house.subjects(("I", "文学", None))
    house.record(
        "红楼梦", library="north", languages=("zh",), subjects=(Subject("clc", code="I2"),)
    )
    facets = house.json("/api/v1/search?q=红楼")["facets"]
    labels = {name: {v["value"]: v["label"] for v in values} for name, values in facets.items()}
    assert labels["kind"] == {"book": "图书"}
    assert labels["language"] == {"zh": "中文"}
    assert labels["library"]["north"] == "北省图书馆"
    assert labels["subject"]["clc:I"] == "文学"
    assert labels["available"] == {"false": "仅书目"}


def test_a_library_means_it_and_those_below_it(house: House) -> None:
    house.network()
    for library in ("nation", "north", "north-1", "south"):
        house.record(f"地方志 {library}", library=library)
    for library, total in (("nation", 4), ("north", 2), ("north-1", 1), ("south", 1)):
        assert house.json(f"/api/v1/search?q=地方志&library={library}")["total"] == total
    assert house.client.get("/api/v1/search?library=nowhere").status_code == 404


def test_pages_follow_each_other_without_doubling(house: House) -> None:
    made = {house.record(f"红楼梦 {n}") for n in range(7)}
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"q": "红楼", "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = house.json("/api/v1/search", query_string=query)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert (len(seen), set(seen)) == (7, made)


@pytest.mark.parametrize("other", [{"q": "西游"}, {"sort": "title"}, {"kind": "journal"}])
def test_a_cursor_serves_its_own_question_only(house: House, other: dict[str, str]) -> None:
    for n in range(3):
        house.record(f"红楼梦 {n}")
    cursor = house.json("/api/v1/search?q=红楼&limit=1")["next"]
    query = {"q": "红楼", "limit": 1, "cursor": cursor} | other
    assert house.client.get("/api/v1/search", query_string=query).status_code in (404, 422)
    made_up = house.client.get("/api/v1/search?q=红楼&cursor=abcdef")
    assert made_up.content_type == "application/problem+json"


def test_a_relevance_cursor_ends_with_its_generation(house: House) -> None:
    for n in range(3):
        house.record(f"红楼梦 {n}")
    first = house.json("/api/v1/search?q=红楼&limit=1")
    house.open_doors(replace(house.adapters, index=_Renamed(house.adapters.index)))
    query = {"q": "红楼", "limit": 1, "cursor": first["next"]}
    assert house.client.get("/api/v1/search", query_string=query).status_code in (404, 422)


class _Renamed:
    generation = "another"

    def __init__(self, index: Any) -> None:
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)


def test_what_is_for_staff_shows_nowhere_else(house: House) -> None:
    hidden = house.record("内部资料", audience="staff", languages=("bo",))
    answer = house.json("/api/v1/search?q=内部资料")
    assert (answer["total"], answer["items"]) == (0, [])
    assert not any(answer["facets"].values())
    assert ids(house, "/api/v1/suggest?q=内部") == []
    assert ids(house, "/api/v1/books") == []
    assert house.client.get(f"/api/v1/books/{hidden}").status_code == 404
    assert ids(house, "/api/v1/search?q=内部资料", headers=house.token()) == [hidden]


def test_what_was_withdrawn_is_not_shown_before_the_index_knows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = house.record("红楼梦")
    monkeypatch.setattr(house, "index", lambda: None)
    house.withdraw(found)
    for path in ("/api/v1/search?q=红楼", "/api/v1/suggest?q=红楼", "/api/v1/books"):
        assert ids(house, path) == [], path


def test_while_the_index_is_away_lists_go_on(house: House) -> None:
    made = [house.record("红楼梦"), house.record("西游记")]
    cursor = house.json("/api/v1/search?q=记&limit=1&sort=title")["next"] or ""
    house.open_doors(replace(house.adapters, index=Away()))  # type: ignore[arg-type]
    again = f"/api/v1/search?q=记&limit=1&sort=title&cursor={cursor}"
    for path in ("/api/v1/search?q=楼", again):
        answer = house.client.get(path)
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
    assert sorted(ids(house, "/api/v1/books")) == sorted(made)
    ready = house.client.get("/readyz")
    assert (ready.status_code, ready.json["index"]["degraded"]) == (200, True)


def test_queries_that_found_nothing_are_counted_for_librarians(house: House) -> None:
    house.record("红楼梦")
    for words in ("  没有  这书", "没有 这书", "无此人", "红楼梦"):
        house.get("/api/v1/search", query_string={"q": words})
    house.client.head("/api/v1/search?q=无此人")
    for _ in range(2):
        take_usage(house.adapters)
    path = "/api/v1/searches/fruitless"
    found = house.json(path, headers=house.token())["items"]
    assert [(line["words"], line["times"]) for line in found] == [("没有 这书", 2), ("无此人", 1)]
    assert house.client.get(path).status_code == 401


def test_fruitless_queries_add_up_over_days_and_page(house: House) -> None:
    with house.database.transaction() as session:
        session.add_all(
            FruitlessQuery(day=f"2026-01-0{day}", words=f"词{n}", times=day)
            for n in range(5) for day in range(1, 4)
        )  # fmt: skip
    path, token = "/api/v1/searches/fruitless", house.token()
    seen: list[tuple[str, int]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"since": "2026-01-02", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = house.json(path, query_string=query, headers=token)
        seen += [(line["words"], line["times"]) for line in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == [(f"词{n}", 5) for n in range(5)]


def test_a_record_that_cannot_be_read_keeps_no_other_from_the_index(house: House) -> None:
    broken, sound = house.record("坏记录"), house.record("好记录")
    with house.database.transaction() as session:
        session.get_one(RecordRow, broken).description = b"{"
        dirty.mark(session, [(broken, 2), (sound, 2)])
        session.get_one(RecordRow, sound).version = 2
    assert indexing.drain(house.database, house.adapters.index) == 1
    assert house.adapters.index.versions([sound]) == {sound: 2}


def test_what_the_index_does_not_take_rests_longer_each_time_and_keeps_its_age_and_reason(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = house.record("坏记录")
    with house.database.transaction() as session:
        session.get_one(RecordRow, broken).description = b"{"
        dirty.mark(session, [(broken, 2)])
    begun = moment = now()
    monkeypatch.setattr(dirty, "now", lambda: moment)
    rests = []
    for attempt in range(1, 13):
        for _ in range(3):  # only the first looks at it
            assert indexing.drain(house.database, house.adapters.index) == 0
        with house.database.transaction(writes=False) as session:
            [one] = dirty.refused(session, 9)
            assert dirty.waiting(session) == (1, one.since)
        assert (one.record_id, one.attempts, one.since < begun) == (broken, attempt, True)
        rests.append((one.due - moment).total_seconds())
        moment = one.due
    assert "cannot be read" in one.reason
    assert (rests[:3], rests[-1]) == ([5, 10, 20], 3600)


def test_a_refused_record_that_is_changed_is_tried_at_once(house: House) -> None:
    record = house.record("坏记录")
    with house.database.transaction() as session:
        sound = session.get_one(RecordRow, record).description
        session.get_one(RecordRow, record).description = b"{"
        dirty.mark(session, [(record, 2)])
    indexing.drain(house.database, house.adapters.index)
    with house.database.transaction() as session:
        dirty.mark(session, [(record, 3)])
        row = session.get_one(RecordRow, record)
        row.description, row.version = sound, 3
        # What was read before the change says nothing of the record as it is now.
        dirty.postpone(session, {record: (2, "late")})
    assert indexing.drain(house.database, house.adapters.index) == 1
    with house.database.transaction(writes=False) as session:
        assert (dirty.refused(session, 9), dirty.waiting(session)) == ([], (0, None))


class Swapped:
    """An index that is swapped for another while it answers."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        self.generation = "g000001"

    def search(self, query: Query) -> Hits:
        """From the one before."""
        hits = self._index.search(query)
        self.generation = "g000002"
        return hits


def test_a_page_begun_before_a_swap_does_not_go_on_in_the_other_index(house: House) -> None:
    for number in range(3):
        house.record(f"红楼梦 {number}")
    index = cast(SearchIndex, Swapped(house.adapters.index))
    asked = SearchQuery(q="红楼", limit=1)
    cursors, caller = Cursors(("key",)), cast(Caller, SimpleNamespace(audience=("public",)))
    with house.database.transaction(writes=False) as session:
        first = finding.search(session, index, cursors, caller, asked)
        with pytest.raises(UnknownCursorError):
            finding.search(session, index, cursors, caller, turned(asked, cursor=first.next))


@pytest.mark.parametrize(("shown", "after", "is_said"), [(10, None, True), (30, (1.0, "a"), False)])
def test_the_end_of_relevance_is_said_whatever_the_size_of_pages(
    shown: int, after: tuple[float, str] | None, is_said: bool
) -> None:
    hits = Hits(total=2_000, items=[Hit("a", 1.0, {})] * shown, next=after)
    assert bool(finding._narrow(SearchQuery(q="红楼", limit=30), hits)) is is_said
