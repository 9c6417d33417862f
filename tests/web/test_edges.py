"""The edge of the application: problems, request ids, readiness, writes that repeat."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from house import House

from app.catalog.services import dirty
from app.web.problems import TYPES

NEW = {"description": {"title": "书"}}


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("GET", "/api/v1/books/not-an-id", 404, "not-found"),
        ("GET", "/api/v1/books?limit=0", 422, "invalid"),
        ("GET", "/api/v1/books?limit=many", 422, "invalid"),
        ("GET", "/api/v1/search?kind=scroll", 422, "invalid"),
        ("GET", "/api/v1/search?year=soon", 422, "invalid"),
        ("PUT", "/api/v1/books", 405, "method-not-allowed"),
        ("GET", "/api/v1/me", 401, "unauthenticated"),
    ],
)
def test_every_refusal_is_a_problem_document(
    house: House, method: str, path: str, status: int, slug: str
) -> None:
    answer = house.client.open(path, method=method)
    problem: Any = answer.json
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert (problem["type"], problem["status"]) == (f"/problems/{slug}", status)
    assert problem["instance"] == f"urn:request:{answer.headers['X-Request-ID']}"
    assert answer.headers["Cache-Control"] == "no-store"


def test_problems_speak_the_callers_language(house: House) -> None:
    for language, title in (("zh-CN,zh;q=0.9", "没有找到"), ("en", "There is no such thing")):
        answer = house.client.get("/api/v1/nothing", headers={"Accept-Language": language})
        assert answer.json["title"] == title  # type: ignore[index]


def test_every_problem_has_advice_in_both_languages() -> None:
    for kind in TYPES.values():
        assert all((kind.title, kind.title_zh, kind.advice, kind.advice_zh)), kind.slug
        assert re.search(r"[\u4e00-\u9fff]", kind.title_zh + kind.advice_zh)


def test_a_request_id_is_taken_where_it_is_one(house: House) -> None:
    for given, kept in (("abcdefgh-123", True), ("a b", False), ("x" * 100, False), ("\t", False)):
        sent = house.client.get("/healthz", headers={"X-Request-ID": given})
        assert (sent.headers["X-Request-ID"] == given) == kept


def test_readiness_names_each_engine(house: House) -> None:
    states = house.json("/readyz")
    assert states.keys() == {"database", "schema", "store", "index", "queue", "cache", "dirty_set"}
    assert all(state["ok"] for state in states.values())


def test_readiness_does_not_count_all_that_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.readiness.COUNTED", 2)
    for count, told in ((1, "1 waiting, "), (3, "2 or more waiting, ")):
        with house.database.transaction() as session:
            dirty.mark(session, [(f"r{n}", 1) for n in range(count)])
        assert house.json("/readyz")["dirty_set"]["detail"].startswith(told)


def test_of_writes_under_one_key_at_once_one_is_done(house: House) -> None:
    headers = {**house.token(), "Idempotency-Key": "at-the-same-time"}

    def write(_: int) -> Any:
        return house.app.test_client().post("/api/v1/records", json=NEW, headers=headers).json

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(write, range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert len(house.json("/api/v1/books")["items"]) == 1


def test_of_changes_of_one_version_at_once_one_stands(house: House) -> None:
    token = house.token()
    record = house.record("书")
    headers = {**token, "If-Match": '"v1"'}

    def change(number: int) -> int:
        body = {"fields": {"title": f"书{number}"}}
        path = f"/api/v1/records/{record}"
        return house.app.test_client().patch(path, json=body, headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(change, range(4))) == [200, 412, 412, 412]


def test_a_failed_write_leaves_nothing_and_keeps_no_answer(house: House) -> None:
    headers = {**house.token(), "Idempotency-Key": "fails-first"}
    body = NEW | {"library": "later"}
    assert house.send("POST", "/api/v1/records", body, headers).status_code == 404
    house.send("GET", "/api/v1/books")
    assert house.json("/api/v1/books")["items"] == []
    assert house.send("POST", "/api/v1/records", NEW, headers).status_code == 201


@pytest.mark.parametrize("query", ["%00", "%ff", "%F0%9F%98%80", "'%22--", "%", "+" * 150, "*?(["])
def test_no_query_upsets_search(house: House, query: str) -> None:
    house.record("红楼梦")
    for path in ("search", "suggest"):
        assert house.client.get(f"/api/v1/{path}?q={query}").status_code in (200, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/books?library=%00", "/api/v1/books/%00", "/api/v1/libraries?parent=%00",
        "/api/v1/subjects?parent=%00", "/api/v1/search?q=%00&library=%00", "/books?library=%00",
        "/api/v1/books?library=%ED%A0%80",
    ],
)  # fmt: skip
def test_what_no_database_can_hold_is_no_fault_of_ours(house: House, path: str) -> None:
    assert house.client.get(path).status_code < 500
