"""Search while its index is away: what the database can look up, and nothing pretended."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from away import Switched, index_away
from house import House, json_lines
from sqlalchemy import text

from app.catalog.description import Identifier
from app.catalog.services import changes, lookups
from search.index import IndexUnavailableError

SEARCH = "/api/v1/search"


def go_dark(house: House) -> Switched:
    """The index is away from here on."""
    away = index_away(house.adapters.index)
    house.open_doors(replace(house.adapters, index=away))  # type: ignore[arg-type]
    return away


class Named(Switched):
    """An index whose pointer is known still, or read by another way than it is searched."""

    generation = "g000001"


def find(house: House, q: str, **options: Any) -> Any:
    headers = options.pop("headers", None)
    return house.json(SEARCH, query_string={"q": q, **options}, headers=headers)


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer["items"]]


def test_an_answer_of_the_index_is_not_degraded(house: House) -> None:
    house.record("红楼梦")
    assert not find(house, "红楼")["degraded"]


@pytest.mark.parametrize("words", ["红楼梦", "紅樓夢", "《红楼梦》", "ＩＳＢＮ", "9787020002207"])
def test_a_record_is_found_by_its_title_in_any_writing_or_its_number(
    house: House, words: str
) -> None:
    record = house.record("红楼梦", identifiers=(Identifier("isbn", "7-02-000220-X"),))
    other = house.record("ISBN 手册")
    go_dark(house)
    answer = find(house, words)
    assert ids(answer) == [other if words == "ＩＳＢＮ" else record]
    assert (answer["degraded"], answer["total_exact"], answer["facets"]) == (True, False, {})


def test_the_equal_title_comes_before_those_that_only_begin_so(house: House) -> None:
    longer, equal = house.record("红楼梦研究"), house.record("红楼梦")
    house.record("再读红楼梦")
    go_dark(house)
    assert ids(find(house, "红楼梦")) == [equal, longer]


def test_imported_titles_are_found_too_and_a_new_title_takes_the_place_of_the_old(
    house: House, tmp_path: Path
) -> None:
    house.import_file(json_lines(tmp_path / "one.jsonl", [{"title": "三國演義"}]))
    record = house.record("旧题名")
    with house.database.transaction() as session:
        changes.edit(session, changes.load(session, record), {"title": "新题名"}, None)
    go_dark(house)
    assert find(house, "三国")["items"][0]["title"] == "三國演義"
    assert ids(find(house, "新题名")) == [record]
    assert house.client.get(SEARCH, query_string={"q": "旧题名"}).status_code == 503


def test_pages_follow_each_other_also_when_the_index_comes_back_between(house: House) -> None:
    made = {house.record(f"红楼梦 {n}") for n in range(5)}
    away = go_dark(house)
    first = find(house, "红楼", limit=2)
    away.error = None
    house.open_doors(house.adapters)
    second = find(house, "红楼", limit=2, cursor=first["next"])
    third = find(house, "红楼", limit=2, cursor=second["next"])
    assert [*ids(first), *ids(second), *ids(third)] == sorted(made)
    assert (second["degraded"], third["next"]) == (True, None)


def test_kind_and_library_are_heeded_and_the_rest_is_said_to_be_ignored(house: House) -> None:
    house.network()
    book = house.record("地方志", library="north-1")
    house.record("地方志", library="south")
    house.record("地方志", library="north", kind="journal")
    go_dark(house)
    answer = find(house, "地方志", kind="book", library="north", year="1990", sort="title")
    assert (ids(answer), answer["ignored"]) == ([book], ["year", "sort"])


def test_what_is_for_staff_or_withdrawn_is_not_looked_up(house: House) -> None:
    hidden = house.record("内部资料", audience="staff")
    house.withdraw(house.record("内部刊物"))
    shown = house.record("内部通讯")
    go_dark(house)
    assert ids(find(house, "内部")) == [shown]
    assert set(ids(find(house, "内部", headers=house.token()))) == {hidden, shown}


@pytest.mark.parametrize("words", ["楼梦", "hlm", "", "？！"])
def test_what_the_database_cannot_find_is_refused_for_now_and_not_denied(
    house: House, words: str
) -> None:
    house.record("红楼梦")
    go_dark(house)
    refused = house.client.get(SEARCH, query_string={"q": words})
    assert (refused.status_code, refused.content_type) == (503, "application/problem+json")
    assert int(refused.headers["Retry-After"]) > 0


def test_more_lookups_at_once_than_the_cap_are_asked_to_come_again(house: House) -> None:
    record = house.record("红楼梦")
    go_dark(house)
    with ExitStack() as taken:
        for _ in range(lookups.AT_ONCE):
            taken.enter_context(lookups.slots)
        refused = house.client.get(SEARCH, query_string={"q": "红楼梦"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert ids(find(house, "红楼梦")) == [record]


def test_titles_that_nobody_here_may_see_are_passed_by_page_by_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "LOOKED_AT", 3)
    for n in range(7):
        house.record(f"内部 {n}", audience="staff")
    shown = house.record("内部 9")
    go_dark(house)
    seen, cursor = [], ""
    while cursor is not None:
        answer = find(house, "内部", **({"cursor": cursor} if cursor else {}))
        seen, cursor = seen + ids(answer), answer["next"]
    assert seen == [shown]


def test_suggestions_are_beginnings_of_titles_each_once(house: House) -> None:
    record = house.record("红楼梦")
    house.record("红楼梦")
    go_dark(house)
    answer = house.client.get("/api/v1/suggest", query_string={"q": "红"})
    assert answer.json == {"items": [{"text": "红楼梦", "id": record}], "degraded": True}
    assert answer.headers["Cache-Control"] == "no-store"
    assert house.json("/api/v1/suggest?q=hlm")["items"] == []


@pytest.mark.parametrize(("language", "words"), [("zh", "暂时不可用"), ("en", "away for now")])
def test_the_page_says_so_in_the_readers_language(house: House, language: str, words: str) -> None:
    house.record("红楼梦")
    go_dark(house)
    headers = {"Accept-Language": language, "Accept": "text/html"}
    page = house.client.get("/search?q=红楼&year=1990", headers=headers).text
    assert words in page
    assert ("年代" if language == "zh" else "year") in page


def test_an_index_that_stays_away_is_not_asked_each_time(house: House) -> None:
    house.record("红楼梦")
    away = go_dark(house)
    for _ in range(20):
        find(house, "红楼")
    assert away.tries <= 5


def test_an_index_that_is_named_but_does_not_search_is_not_asked_each_time(house: House) -> None:
    house.record("红楼梦")
    away = Named(house.adapters.index, IndexUnavailableError("tests", "away"))
    house.open_doors(replace(house.adapters, index=away))  # type: ignore[arg-type]
    for _ in range(20):
        find(house, "红楼")
    assert away.tries <= 5


def test_everything_else_goes_on(house: House) -> None:
    house.subjects(("I", "文学", None))
    record, token = house.record("红楼梦"), house.token()
    go_dark(house)
    for path in (
        *("/", f"/books/{record}", "/subjects", "/subjects/clc/I", "/sign-in"),
        *("/api/v1/books", f"/api/v1/books/{record}", "/api/v1/subjects", "/api/v1/libraries"),
        *("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"),
    ):
        assert house.client.get(path).status_code == 200, path
    body = {"description": {"title": "汉书"}}
    made = house.send("POST", "/api/v1/records", body, token)
    assert made.status_code in (200, 201)
    assert house.json("/api/v1/me", headers=token)
    assert len(ids(find(house, "汉书"))) == 1


@pytest.mark.embedded
def test_a_lookup_reads_by_its_index_alone(house: House) -> None:
    wanted = "EXPLAIN QUERY PLAN SELECT key, record_id FROM record_titles WHERE key >= 'a'"
    wanted += " AND key < 'b' AND (key, record_id) > ('aa', 'x') ORDER BY key, record_id LIMIT 9"
    with house.database.transaction(writes=False) as session:
        plan = " ".join(row.detail for row in session.execute(text(wanted)))
    assert "COVERING INDEX ix_record_titles_key" in plan
    assert "TEMP B-TREE" not in plan


def test_an_unknown_library_is_unknown_all_the_same(house: House) -> None:
    go_dark(house)
    assert house.client.get(f"{SEARCH}?q=红&library=nowhere").status_code == 404


def test_readers_are_told_what_still_works_where_no_title_begins_so(house: House) -> None:
    house.record("红楼梦")
    go_dark(house)
    answer = house.client.get("/search?q=家族的衰亡", headers={"Accept": "text/html"})
    text = answer.get_data(as_text=True)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert "检索系统暂时不可用" in text
    assert 'value="家族的衰亡"' in text
    assert 'href="/search?q=%E5%AE%B6%E6%97%8F%E7%9A%84%E8%A1%B0%E4%BA%A1"' in text
