"""Mending a mistyped Chinese word by titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import spelling
from search.spelling import nearest_in_titles, nearest_piece

FEW = st.text("红楼梦西游记", min_size=1, max_size=9)


def test_a_wrong_character_is_mended_by_the_shortest_title_that_is_near() -> None:
    titles = ["红楼梦研究", "红楼梦", "西游记"]
    assert nearest_in_titles("红搂梦", titles) == "红楼梦"
    assert nearest_in_titles("水浒传", titles) is None


@given(run=FEW, title=FEW)
def test_no_title_is_passed_over_that_is_near_enough(run: str, title: str) -> None:
    distance, piece = nearest_piece(run, title)
    near = distance <= max(1, len(run) // 4) and piece != run and len(piece) > 1
    assert nearest_in_titles(run, [title]) == (piece if near else None)


def test_only_what_may_be_near_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def measure(_: str, title: str) -> tuple[int, str]:
        measured.append(title)
        return 99, ""

    monkeypatch.setattr(spelling, "nearest_piece", measure)
    run = "甲乙丙丁戊己庚辛"
    nearest_in_titles(run, ["甲乙丙丁戊己", "甲乙丙丁戊", "子丑寅卯"])
    assert measured == ["甲乙丙丁戊己"]
