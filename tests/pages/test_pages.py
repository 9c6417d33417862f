"""The faces, over HTTP."""

import io
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from house import House
from sqlalchemy import event

from app.catalog.composing import summary_decoder
from app.catalog.description import Date, Identifier, Subject, Title
from app.catalog.queries import records
from app.pages import render
from app.pages.words import TABLE, Language, Words

from .books import epub, page

ENGLISH = {"Accept-Language": "en"}
HTML = {"Accept": "text/html"}
TEMPLATES = Path(render.__file__).parent


def statements(house: House, path: str) -> int:
    """How many SELECT statements a page takes."""
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(house.database.engine, "before_cursor_execute", note)
    house.get(path)
    event.remove(house.database.engine, "before_cursor_execute", note)
    return len([statement for statement in seen if statement.startswith("SELECT")])


def test_an_empty_library_says_how_to_fill_it(house: House) -> None:
    assert "书架还是空的" in house.get("/")
    assert "kaijuan import records" in house.get("/")


def test_the_home_page_shows_what_is_new_and_counts_it(house: House) -> None:
    house.record("红楼梦")
    text = house.get("/")
    assert "红楼梦" in text
    assert "馆藏书目 1 种" in text


def test_what_is_new_is_of_all_kinds_and_comes_newest_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.pages.routes.home.SHELF", 3)
    for title, kind in (("甲", "book"), ("乙", "journal"), ("丙", "book"), ("丁", "item")):
        house.record(title, kind=kind)
    house.record("戊", audience="staff")
    with house.database.transaction(writes=False) as session:
        found = records.arrivals(session, ("public",), 3)
    assert [summary_decoder.decode(summary).title for summary in found] == ["丁", "丙", "乙"]
    assert list(dict.fromkeys(re.findall(r"[甲乙丙丁戊]", house.get("/")))) == ["丁", "丙", "乙"]


@pytest.mark.embedded
def test_what_is_new_is_read_by_its_index_alone(house: House) -> None:
    asked: list[tuple[str, object]] = []
    with house.database.transaction(writes=False) as session:
        event.listen(
            house.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4])
        )
        records.arrivals(session, ("public",), 12)
        [(statement, values)] = asked
        explain = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        plan = [row.detail for row in explain if "records" in row.detail]
    assert plan
    assert all("USING INDEX ix_records_new" in step for step in plan)


def test_the_home_page_counts_main_classes(house: House) -> None:
    house.subjects(("I", "文学", None), ("K", "历史、地理", None))
    house.record("红楼梦", subjects=(Subject("clc", code="I242.4"),))
    text = house.get("/")
    assert "/subjects/clc/I" in text
    assert "/subjects/clc/K" not in text


def test_the_home_page_asks_the_database_as_often_for_many_books_as_for_one(house: House) -> None:
    house.record("红楼梦")
    few = statements(house, "/")
    for number in range(12):
        house.record(f"红楼梦 {number}")
    assert statements(house, "/") == few <= 4


def test_pages_speak_the_language_that_is_asked_for(house: House) -> None:
    assert '<html lang="zh-Hans">' in house.get("/")
    assert '<html lang="en">' in house.get("/", headers=ENGLISH)
    assert '<html lang="en">' in house.get("/?lang=en")
    assert '<html lang="en">' in house.get("/subjects"), "remembered"


def test_no_page_has_anything_inline(house: House) -> None:
    found = house.record("红楼梦")
    for path in ("/", "/search?q=红", f"/books/{found}", "/subjects", "/source", "/report"):
        text = house.get(path)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), path


def test_pages_may_load_our_own_files_only(house: House) -> None:
    policy = house.client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in policy


def test_a_page_that_did_not_change_is_not_sent_again(house: House) -> None:
    etag = house.client.get("/").headers["ETag"]
    assert house.client.get("/", headers={"If-None-Match": etag}).status_code == 304


def test_what_was_found_is_marked(house: House) -> None:
    house.record("红楼梦")
    assert "<mark>红楼</mark>梦" in house.get("/search?q=紅樓")


def test_a_title_with_markup_is_shown_as_written(house: House) -> None:
    found = house.record("<script>alert(1)</script>红楼")
    for path in ("/", f"/books/{found}", "/search?q=红楼"):
        assert "<script>alert" not in house.get(path)


def test_filters_can_be_added_and_removed(house: House) -> None:
    house.record("红楼梦", languages=("zh",))
    house.record("红楼梦", languages=("en",))
    assert "language=en" in house.get("/search?q=红楼")
    narrowed = house.get("/search?q=红楼&language=en")
    assert "共 1 条" in narrowed
    assert 'href="/search?q=%E7%BA%A2%E6%A5%BC"' in narrowed, "the filter's own link removes it"


def test_filters_are_named_as_readers_know_them(house: House) -> None:
    house.subjects(("I", "文学", None))
    house.record("红楼梦", subjects=(Subject("clc", code="I242.4"),))
    assert '主题<span aria-hidden="true">：</span>文学' in house.get("/search?subject=clc:I")


def test_results_go_on_where_they_ended(house: House) -> None:
    for number in range(21):
        house.record(f"红楼梦 {number}")
    match = re.search(r'href="([^"]*cursor=[^"]*)"', house.get("/search?q=红楼"))
    assert match
    assert house.get(match[1].replace("&amp;", "&")).count('class="hit"') == 1


def test_finding_nothing_helps(house: House) -> None:
    text = house.get("/search?q=没有这样的书&kind=journal")
    assert "没有找到相符的记录" in text
    assert "去掉筛选条件" in text


def test_a_book_page_shows_what_was_catalogued(house: House) -> None:
    found = house.record(
        "红楼梦",
        date=Date("宋", 960, 1279),
        other_titles=(Title("石头记"),),
        identifiers=(Identifier("isbn", "9787020002207"),),
        subjects=(Subject("lcsh", "Domestic fiction"),),
    )
    text = house.get(f"/books/{found}")
    for said in (
        "宋",
        "约 960–1279 年",
        "石头记",
        "ISBN 9787020002207",
        "lcsh%3ADomestic+fiction",
    ):
        assert said in text
    assert "没有可以打开的全文" in text


def test_a_record_has_one_address(house: House) -> None:
    found = house.record("学报", kind="journal")
    for path in (f"/records/{found}", f"/books/{found}"):
        answer = house.client.get(path)
        assert (answer.status_code, answer.location) == (308, f"/journals/{found}")


def test_a_readable_book_can_be_opened_and_downloaded(house: House, tmp_path: Path) -> None:
    found = house.book(epub(tmp_path / "b.epub", {"one.xhtml": page("<p>一</p>")}))
    text = house.get(f"/books/{found}")
    assert f'href="/read/{found}"' in text
    assert f"/api/v1/books/{found}/download" in text
    assert f'data-manifest="/api/v1/books/{found}/manifest"' in house.get(f"/read/{found}")


def test_a_withdrawn_book_answers_with_its_tombstone(house: House) -> None:
    found = house.record("撤回的书")
    house.withdraw(found)
    answer = house.client.get(f"/books/{found}", headers=HTML)
    assert answer.status_code == 410
    assert "资源已撤回" in answer.text


def test_a_person_gets_a_page_and_a_program_a_document(house: House) -> None:
    assert "没有找到" in house.client.get("/nowhere", headers=HTML).text
    answer = house.client.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.content_type == "application/problem+json"


def test_every_type_of_problem_has_its_page(house: House) -> None:
    for slug in re.findall(r'href="/problems/([^"]+)"', house.get("/problems")):
        assert f"/problems/{slug}" in house.get(f"/problems/{slug}")


def test_subjects_can_be_walked_down_and_up(house: House) -> None:
    house.subjects(("I", "文学", None), ("I2", "中国文学", "I"))
    house.record("红楼梦", subjects=(Subject("clc", code="I242.4"),))
    assert "/subjects/clc/I2" in house.get("/subjects/clc/I")
    below = house.get("/subjects/clc/I2")
    assert 'href="/subjects/clc/I"' in below
    assert "查看本类 1 条" in below


def test_the_source_that_runs_can_be_had(house: House) -> None:
    answer = house.client.get("/source/kaijuan.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        names = archive.getnames()
    assert "kaijuan/app/pages/render.py" in names
    assert not [name for name in names if "/secrets/" in name or name.endswith(".sqlite")]


def test_the_source_is_the_whole_of_what_is_kept_in_the_repository(house: House) -> None:
    answer = house.client.get("/source/kaijuan.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        names = {name.removeprefix("kaijuan/") for name in archive.getnames()}
    top = Path(__file__).parents[2]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=top, capture_output=True)
    kept = {name for name in listed.stdout.decode().split("\0") if (top / name).is_file()}
    assert kept - names == set()


def test_a_report_names_the_page_it_is_about(house: House) -> None:
    assert "/books/1" in house.get("/report?about=/books/1")
    assert "javascript:" not in house.get("/report?about=javascript:alert(1)")


def test_the_api_can_be_read(house: House) -> None:
    text = house.get("/api/docs")
    assert "/api/v1/search" in text
    assert 'id="schema-SearchAnswer"' in text


def test_static_files_are_kept_for_good_under_their_version(house: House) -> None:
    address = re.search(r'href="(/static/[^"]+site\.css)"', house.get("/"))
    assert address
    answer = house.client.get(address[1], headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert house.client.get("/static/x/passwd").status_code == 404


@pytest.mark.parametrize("words", [Words(Language.CHINESE), Words(Language.ENGLISH)])
def test_every_word_that_a_template_asks_for_is_in_the_table(words: Words) -> None:
    sources = "".join(p.read_text() for p in TEMPLATES.rglob("*") if p.suffix in (".html", ".py"))
    asked = set(re.findall(r"\bt\('([\w.-]+)'[,)]", sources)) | set(
        re.findall(r'words\("([\w.-]+)"', sources)
    )
    assert asked
    named = re.findall(r"{(\w+)}", str(TABLE))
    assert all(words(key, **dict.fromkeys(named, "")) for key in asked)
    assert all(chinese and english for chinese, english in TABLE.values())
