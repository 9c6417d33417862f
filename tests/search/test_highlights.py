"""What matched, marked in what was written."""

from collections.abc import Sequence

import pytest

from search import highlights
from search.analysis.words import read_words
from search.highlights import highlight, mark


@pytest.mark.parametrize(
    ("words", "text", "marked"),
    [
        ("红楼梦", "《紅樓夢》", "《<mark>紅樓夢</mark>》"),
        ("红楼梦研究", "《红楼梦》研究", "《<mark>红楼梦》研究</mark>"),
        ("红楼 楼梦", "红楼梦", "<mark>红楼梦</mark>"),
        ("cafe", "Le Cafe\u0301 noir", "Le <mark>Cafe\u0301</mark> noir"),
        ("happiness", "Happy & free", "<mark>Happy</mark> &amp; free"),
        ("art", "Party art", "Party <mark>art</mark>"),
        ("株式", "㍿", "<mark>㍿</mark>"),
        ("梦", "<i>夢</i>", "&lt;i&gt;<mark>夢</mark>&lt;/i&gt;"),
    ],
)
def test_matches_are_marked(words: str, text: str, marked: str) -> None:
    assert mark(read_words(words).items, text) == marked


def test_a_long_text_is_cut_around_its_match() -> None:
    marked = mark(read_words("红楼").items, "前" * 500 + "红楼" + "后" * 500)
    assert marked.startswith("…前")
    assert marked.endswith("后…")
    assert "<mark>红楼</mark>" in marked
    assert len(marked) < 250


def test_only_fields_and_values_with_a_match_are_given() -> None:
    fields = {"title": "红楼梦", "agents": ("曹雪芹", "高鹗"), "text": ""}
    assert highlight(read_words("高鹗").items, fields) == {"agents": ["<mark>高鹗</mark>"]}


def test_of_a_long_text_only_what_is_shown_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[int] = []

    def end(offsets: Sequence[int], place: int) -> int:
        places.append(place)
        return offsets[place]

    monkeypatch.setattr(highlights, "_end", end)
    marked = mark(read_words("红楼").items, "红楼，梦" * 10_000)
    assert marked.count("<mark>") == len(places) - 1 < 100
