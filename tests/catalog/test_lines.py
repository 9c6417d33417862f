"""Records as JSON lines: every field is kept, every bad line is named and stops nothing."""

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from house import House, json_lines

from app.catalog.services.importing import Report

from .looking import as_json, body, row, said

WHOLE = {
    "src": "tests", "id": "宋刻:1", "title": "說苑二十卷", "creator": ["(漢)劉向撰", None],
    "lang": "zh-Hant", "publisher": "建安書坊", "date": "宋", "isbn": ["7-02-000220-X"],
    "subjects": ["clc:B234 儒家", "lcsh:Philosophy", "local heading", None, ""],
    "description": "提要", "rights": "公有領域", "licence": "CC0", "rating": 4.5, "votes": 7,
    "uid": "u1", "kind": "item", "alternative": ["新苑"],
    "extra": {"extent": "20 卷", "n": 3, "list": [1, None], "deep": {}, "epub": "a/說苑.epub"},
}  # fmt: skip


def lines(folder: Path, *raw: bytes | dict[str, Any], name: str = "f.jsonl") -> Path:
    path = folder / name
    encoded = [line if isinstance(line, bytes) else msgspec.json.encode(line) for line in raw]
    path.write_bytes(b"\n".join(encoded))
    return path


def record(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"src": "tests", "id": str(number), "title": f"书{number}", **more}


def problems(report: Report) -> list[tuple[str, str]]:
    return [(problem.place, problem.code) for problem in report.problems]


def test_every_field_is_kept(house: House, tmp_path: Path) -> None:
    assert house.import_file(lines(tmp_path, WHOLE)).added == 1
    kept = as_json(said(house, "宋刻:1"))
    assert kept["extra"] == WHOLE["extra"]
    assert kept["date"] == {"written": "宋", "first": 960, "last": 1279}
    assert list(kept["agents"]) == [
        {"name": "劉向", "dynasty": "漢", "written": "(漢)劉向撰"},
    ]
    assert {i["scheme"]: i["value"] for i in kept["identifiers"]} == {
        "isbn": "7-02-000220-X", "uid": "u1", "file": "說苑.epub"
    }  # fmt: skip
    same = ("description", "rights", "licence", "rating", "votes", "publisher", "title")
    assert all(kept[name] == WHOLE[name] for name in same)
    assert [s["scheme"] for s in kept["subjects"]] == ["clc", "lcsh", "local"]
    assert (kept["script"], row(house, "宋刻:1").kind) == ("Hant", "item")


def test_a_record_is_kept_as_it_was_received_to_the_byte(house: House, tmp_path: Path) -> None:
    raw = '{ "title":"书\\u4e00",  "id":"1","src":"tests", "extra":{"b":1,"a":2} }'.encode()
    house.import_file(lines(tmp_path, raw))
    assert body(house, "1") == raw


def test_members_that_nobody_knows_are_kept_in_extra(house: House, tmp_path: Path) -> None:
    house.import_file(lines(tmp_path, record(pages="12 叶", extra={"pages": "十二"}, shelf=None)))
    assert said(house, "1").extra == {"pages": "十二", "shelf": None}


def test_a_gzipped_file_says_the_same(house: House, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(gzip.compress(lines(tmp_path, record(1), record(2)).read_bytes()))
    assert house.import_file(path).added == 2


def test_a_torn_gzip_gives_what_came_before_and_names_the_place(
    house: House, tmp_path: Path
) -> None:
    whole = json_lines(tmp_path / "f", ({"extra": {"n": n**9}} for n in range(3_000)))
    path = tmp_path / "torn.gz"
    path.write_bytes(gzip.compress(whole.read_bytes())[:-2_000])
    report = house.import_file(path)
    assert report.added > 100
    assert problems(report) == [(f"line {report.added + 1}", "file-broken")]


@pytest.mark.parametrize(
    ("line", "place", "code"),
    [
        (b"{", "line 2", "json-malformed"),
        (b"[1]", "line 2", "field-invalid"),
        (b"\xff\xfe", "line 2", "json-malformed"),
        (b'{"a":' * 3_000, "line 2", "json-malformed"),
        (record(2, title="  "), "line 2", "title-missing"),
        (record(2, title="\u200b\u3000\x07\u2060\ufeff\u3164"), "line 2", "title-missing"),
        (record(2, publisher="a\x00b"), "line 2", "character-invalid"),
        (record(2, extra={"a": {"b\x00": []}}), "line 2", "character-invalid"),
        ({"title": "没有编号"}, "line 2", "identity-missing"),
        (record(2, title=7), "line 2, title", "field-invalid"),
        (record(2, creator=[["a"]]), "line 2, creator[0]", "field-invalid"),
        (record(2, kind="scroll"), "line 2, kind", "field-invalid"),
        (record(2, uid="u" * 5_000), "line 2", "field-too-long"),
        (record(2, alternative=["长" * 4_001]), "line 2", "field-too-long"),
        (record(2, extra={"intro": "长" * 200_001}), "line 2", "field-too-long"),
        (record(2, extra={"x": "x" * 1024 * 1024}), "line 2", "line-too-long"),
        (record(2, title="题" * 4_001), "line 2, title", "field-invalid"),
    ],
)
def test_a_bad_line_is_named_and_stops_nothing(
    house: House, tmp_path: Path, line: Any, place: str, code: str
) -> None:
    report = house.import_file(lines(tmp_path, record(1), line, record(3)))
    assert (report.read, report.added, report.refused) == (3, 2, 1)
    assert problems(report) == [(place, code)]


def test_a_title_in_characters_of_the_private_use_area_is_one(house: House, tmp_path: Path) -> None:
    assert house.import_file(lines(tmp_path, record(title="\ue000\U000f0000"))).added == 1


def test_a_line_that_is_too_long_in_a_torn_gzip_is_a_broken_file(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "long.gz"
    path.write_bytes(gzip.compress(b'{"title":"' + bytes(range(32, 127)) * 20_000)[:-12])
    assert [code for _, code in problems(house.import_file(path))] == ["file-broken"]


def test_empty_lines_and_a_byte_order_mark_do_not_count(house: House, tmp_path: Path) -> None:
    first = b"\xef\xbb\xbf" + msgspec.json.encode(record(1))
    report = house.import_file(lines(tmp_path, first, b"", b"  ", record(2), b""))
    assert (report.read, report.added) == (2, 2)


def test_a_title_of_957_characters_is_kept_and_listed(house: House, tmp_path: Path) -> None:
    title = "長" * 957
    house.import_file(lines(tmp_path, record(title=title)))
    house.index()
    assert said(house, "1").title == title
    assert len(house.json("/api/v1/books")["items"][0]["title"]) == 400


@pytest.mark.parametrize(
    "odd", ["a\u202eb", "a\\u0000b", "a\x1b[31mb", "a\nb", "<b>&", "\U0010ffff"]
)
def test_odd_characters_are_kept_found_and_harm_nothing(
    house: House, tmp_path: Path, odd: str
) -> None:
    house.import_file(lines(tmp_path, record(title=f"红楼{odd}", creator=[odd])))
    house.index()
    [hit] = house.json("/api/v1/search?q=红楼")["items"]
    assert hit["title"] == f"红楼{odd}"
    assert house.get(f"/books/{hit['id']}")


def test_a_long_record_can_be_read_and_indexed(house: House, tmp_path: Path) -> None:
    most = {"rights": "权" * 4_000, "lang": "zh/" * 50, "isbn": ["9" * 3_000], "uid": "u" * 4_000}
    assert house.import_file(lines(tmp_path, record(**most))).added == 1
    house.index()
    assert house.json(f"/api/v1/books/{row(house, '1').id}")["description"]["rights"]


def test_many_refusals_are_counted_and_listed_by_page(house: House, tmp_path: Path) -> None:
    report = house.import_file(lines(tmp_path, *[b"{"] * 120))
    path, token = f"/api/v1/imports/{report.id}/problems", house.token()
    first = house.json(path, query_string={"limit": 100}, headers=token)
    query = {"cursor": first["next"], "limit": 100}
    rest = house.json(path, query_string=query, headers=token)
    assert [item["place"] for item in (*first["items"], *rest["items"])] == [
        f"line {number}" for number in range(1, 121)
    ]
    assert rest["next"] is None
