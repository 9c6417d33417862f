"""Records over HTTP: made, mended, withdrawn, merged, restored, each with its history."""

from typing import Any

import pytest
from house import House
from werkzeug.test import TestResponse

NEW = {"description": {"title": "江西通志", "agents": [{"name": "于成龍"}]}}


def made(house: House, token: dict[str, str], **more: Any) -> str:
    """A record made over HTTP."""
    answer = house.send("POST", "/api/v1/records", NEW | more, token)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])  # type: ignore[index]


def change(
    house: House,
    token: dict[str, str],
    path: str,
    body: Any,
    version: int = 1,
    method: str = "POST",
) -> TestResponse:
    """A change on a version."""
    headers = {**token, "If-Match": f'"v{version}"'}
    return house.send(method, f"/api/v1/records/{path}", body, headers)


def patch(house: House, token: dict[str, str], record: str, version: int = 1, **fields: Any) -> int:
    """Mends fields and gives the status."""
    return change(house, token, record, {"fields": fields}, version, "PATCH").status_code


def test_a_record_is_made_and_read(house: House) -> None:
    answer = house.send("POST", "/api/v1/records", NEW, house.token())
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"v1"')
    found = house.json(f"/api/v1/books/{answer.json['id']}")  # type: ignore[index]
    assert found["description"] == NEW["description"]
    assert answer.headers["Location"] == f"/api/v1/records/{found['id']}"


def test_mending_names_the_version_it_was_made_on(house: House) -> None:
    token = house.token()
    record = made(house, token)
    path = f"/api/v1/records/{record}"
    assert house.send("PATCH", path, {"fields": {}}, token).status_code == 428
    assert patch(house, token, record, title="新题") == 200
    stale = change(house, token, record, {"fields": {"title": "旧"}}, 1, "PATCH")
    assert (stale.status_code, stale.json["version"]) == (412, 2)  # type: ignore[index]
    assert house.json(f"/api/v1/books/{record}")["description"]["title"] == "新题"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"titel": "x"}, "body.fields.titel"),
        ({"title": ""}, "body.fields.title"),
        ({"title": "长" * 4_001}, "body.fields.title"),
        ({"agents": [{"role": "author"}]}, "body.fields.agents[0].name"),
        ({"date": 1982}, "body.fields.date"),
    ],
)
def test_a_field_that_does_not_fit_is_named(
    house: House, fields: dict[str, Any], place: str
) -> None:
    token = house.token()
    answer = change(house, token, made(house, token), {"fields": fields}, 1, "PATCH")
    assert answer.status_code == 422
    assert [fault["place"] for fault in answer.json["faults"]] == [place]  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 422),
        (b"{}", "application/json", 422),
        (b'{"description":{"title":"a"},"x":1}', "application/json", 422),
        (b'{"description":{"title":"a"},"kind":"scroll"}', "application/json", 422),
        (b'{"description":{"title":"a"},"library":"nowhere"}', "application/json", 404),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b" " * (5 * 1024 * 1024), "application/json", 413),
    ],
)
def test_a_body_that_is_no_record_is_refused_as_what_it_is(
    house: House, body: bytes, kind: str, status: int
) -> None:
    token = house.token()
    answer = house.client.post("/api/v1/records", data=body, content_type=kind, headers=token)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_what_is_withdrawn_leaves_a_tombstone_and_nothing_else(house: House) -> None:
    token = house.token()
    record = made(house, token)
    assert change(house, token, f"{record}/withdraw", {"reason": "权利人的要求"}).status_code == 200
    house.index()
    gone = house.client.get(f"/api/v1/books/{record}")
    assert (gone.status_code, gone.json["reason"]) == (410, "权利人的要求")  # type: ignore[index]
    for path in ("/api/v1/books", "/api/v1/search?q=江西通志", "/api/v1/suggest?q=江西"):
        assert house.json(path)["items"] == [], path
    assert patch(house, token, record, 2, title="x") == 410


def test_what_was_withdrawn_can_be_restored(house: House) -> None:
    token = house.token()
    record = made(house, token)
    assert change(house, token, f"{record}/restore", {}).status_code == 409
    change(house, token, f"{record}/withdraw", {"reason": "误"})
    assert change(house, token, f"{record}/restore", {}, 2).status_code == 200
    house.index()
    assert house.json("/api/v1/search?q=江西通志")["total"] == 1


def test_a_record_can_say_again_what_it_said_before(house: House) -> None:
    token = house.token()
    record = made(house, token)
    patch(house, token, record, title="误")
    assert change(house, token, f"{record}/restore", {"version": 9}, 2).status_code == 404
    back = change(house, token, f"{record}/restore", {"version": 1}, 2)
    assert back.json["description"] == NEW["description"]  # type: ignore[index]
    history = house.json(f"/api/v1/records/{record}/revisions", headers=token)["items"]
    assert [(line["version"], line["change"]) for line in history] == [
        (2, "restored"),
        (1, "edited"),
    ]


def test_a_merged_duplicate_names_what_answers_in_its_place(house: House) -> None:
    token = house.token()
    one, other, journal = made(house, token), made(house, token), made(house, token, kind="journal")
    assert change(house, token, f"{one}/merge", {"into": one}).status_code == 409
    assert change(house, token, f"{one}/merge", {"into": journal}).status_code == 409
    assert change(house, token, f"{one}/merge", {"into": other}).status_code == 200
    gone = house.client.get(f"/api/v1/books/{one}")
    assert (gone.status_code, gone.json["successor"]) == (410, other)  # type: ignore[index]
    assert change(house, token, f"{other}/merge", {"into": one}, 2).status_code == 410


def test_a_cataloguer_of_one_province_does_not_touch_anothers(house: House) -> None:
    house.network()
    north, nation = house.token("cataloguer", "north"), house.token("cataloguer", "nation")
    theirs, own = made(house, nation, library="south"), made(house, north, library="north-1")
    assert (
        house.send("POST", "/api/v1/records", NEW | {"library": "south"}, north).status_code == 403
    )
    for method, more, body in (
        ("GET", "", None), ("GET", "/revisions", None), ("PATCH", "", {"fields": {"title": "x"}}),
        ("POST", "/withdraw", {"reason": "x"}), ("POST", "/restore", {}),
        ("POST", "/merge", {"into": own}),
    ):  # fmt: skip
        assert change(house, north, theirs + more, body, 1, method).status_code == 403, more
    assert change(house, north, f"{own}/merge", {"into": theirs}).status_code == 403
    assert patch(house, nation, own, title="总馆所改") == 200


def test_drafts_are_seen_by_their_cataloguers_alone(house: House) -> None:
    token = house.token()
    record = made(house, token, state="draft")
    house.index()
    assert house.client.get(f"/api/v1/books/{record}", headers=token).status_code == 404
    assert house.json(f"/api/v1/records/{record}", headers=token)["state"] == "draft"
    assert house.json("/api/v1/search?q=江西通志", headers=token)["total"] == 0


def test_a_write_that_is_sent_twice_is_done_once(house: House) -> None:
    headers = {**house.token(), "Idempotency-Key": "one-record"}
    first, again = (house.send("POST", "/api/v1/records", NEW, headers) for _ in range(2))
    assert (again.status_code, again.json) == (201, first.json)
    for name in ("Location", "ETag"):
        assert again.headers[name] == first.headers[name]
    assert len(house.json("/api/v1/books")["items"]) == 1
    other = house.send("POST", "/api/v1/records", NEW | {"kind": "item"}, headers)
    assert other.status_code == 409
    mine = {**house.token(), "Idempotency-Key": "one-record"}
    assert "Idempotency-Replayed" not in house.send("POST", "/api/v1/records", NEW, mine).headers
    short = {**headers, "Idempotency-Key": "short"}
    assert house.send("POST", "/api/v1/records", NEW, short).status_code == 422


def test_every_read_answers_what_has_not_changed(house: House) -> None:
    record = house.record("红楼梦")
    for path in (
        f"/api/v1/books/{record}",
        "/api/v1/books",
        "/api/v1/search?q=红",
        "/api/v1/subjects",
    ):
        tag = house.client.get(path).headers["ETag"]
        answer = house.client.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)


def test_lists_give_each_record_once(house: House) -> None:
    records = [house.record(f"书{n}") for n in range(7)]
    seen, query = [], {"limit": "3"}
    while True:
        page = house.json("/api/v1/books", query_string=query)
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == records[::-1]


def test_parts_are_listed_below_their_whole(house: House) -> None:
    journal = house.record("学报", kind="journal")
    issue = house.record("第1期", kind="issue", parent_id=journal)
    [item] = house.json(f"/api/v1/journals/{journal}/issues")["items"]
    assert (item["id"], item["parent"]) == (issue, journal)
    assert house.client.get(f"/api/v1/books/{journal}").status_code == 404


def test_a_draft_stays_one_when_it_is_restored(house: House) -> None:
    token = house.token()
    record = made(house, token, state="draft")
    patch(house, token, record, title="误")
    back = change(house, token, f"{record}/restore", {"version": 1}, 2)
    assert back.json["state"] == "draft"  # type: ignore[index]
    change(house, token, f"{record}/withdraw", {"reason": "误"}, 3)
    assert change(house, token, f"{record}/restore", {}, 4).json["state"] == "draft"  # type: ignore[index]
    change(house, token, f"{record}/withdraw", {"reason": "误"}, 5)
    again = change(house, token, f"{record}/restore", {"version": 4}, 6)
    assert again.json["state"] == "draft"  # type: ignore[index]
    assert house.client.get(f"/api/v1/books/{record}").status_code == 404


@pytest.mark.parametrize("title", [" ", "\u3000\t\n", "\u200b\ufeff", "\x07", "\u00ad\u0301"])
def test_a_title_without_anything_to_read_is_none(house: House, title: str) -> None:
    token = house.token()
    answer = house.send("POST", "/api/v1/records", {"description": {"title": title}}, token)
    assert answer.status_code == 422
    assert answer.json["faults"][0]["place"] == "body.description.title"  # type: ignore[index]
    record = made(house, token)
    answer = change(house, token, record, {"fields": {"title": title}}, 1, "PATCH")
    assert answer.json["faults"][0]["place"] == "body.fields.title"  # type: ignore[index]
    for name in ("\ue000", "道", "①", "!"):
        body = {"description": {"title": name}}
        assert house.send("POST", "/api/v1/records", body, token).status_code == 201


def test_control_characters_are_named_where_they_stand(house: House) -> None:
    token = house.token()
    agents = [{"name": "甲"}, {"name": "乙\x00"}]
    description = {
        "title": "书\x1b",
        "agents": agents,
        "extra": {"a": ["\r"]},
        "contents": "一\r\n\t二",
    }
    answer = house.send("POST", "/api/v1/records", {"description": description}, token)
    assert {fault["place"] for fault in answer.json["faults"]} == {  # type: ignore[index]
        "body.description.title", "body.description.agents[1].name", "body.description.extra.a[0]",
    }  # fmt: skip
    record = made(house, token)
    body = {"reason": "误\x00"}
    assert change(house, token, f"{record}/withdraw", body).status_code == 422
    assert change(house, token, record, {"note": "\x00"}, 1, "PATCH").status_code == 422
    assert house.json("/api/v1/books?limit=1")["items"][0]["title"] == "江西通志"
