"""A duplicate is merged: nothing that it held is lost."""

from pathlib import Path
from typing import Any

import pytest
from archives import epub
from house import House

from .test_records import change, made


def merged(house: House, one: str, other: str, version: int = 1, **headers: str) -> Any:
    """The answer to merging one record into another."""
    token = headers or house.token()
    return change(house, token, f"{one}/merge", {"into": other}, version)


def book(house: House, record: str) -> Any:
    """A book as readers see it."""
    return house.json(f"/api/v1/books/{record}")


def test_the_book_of_a_duplicate_goes_over(house: House, tmp_path: Path) -> None:
    one = house.book(epub(tmp_path / "a.epub", title="重复的书"))
    other = made(house, house.token())
    before, version = book(house, one), book(house, one)["version"]
    assert merged(house, one, other, version).status_code == 200
    after = book(house, other)
    assert (after["files"], after["version"], "cover" in after["links"]) == (
        before["files"], 2, "cover" in before["links"],
    )  # fmt: skip
    house.index()
    [found] = house.json("/api/v1/search?q=江西通志&available=true")["items"]
    assert (found["id"], found["format"]) == (other, "epub")
    assert house.client.get(f"/api/v1/books/{other}/manifest").status_code == 200


def test_a_merged_record_comes_back_without_what_it_gave(house: House, tmp_path: Path) -> None:
    one, other = house.book(epub(tmp_path / "a.epub")), made(house, house.token())
    version = book(house, one)["version"]
    merged(house, one, other, version)
    back = change(house, house.token(), f"{one}/restore", {}, version + 1)
    assert back.status_code == 200
    assert "files" not in book(house, one)
    assert house.client.get(f"/books/{one}").status_code == 200
    assert merged(house, one, other, version + 2).status_code == 200


def test_two_that_hold_the_same_book_are_merged(house: House, tmp_path: Path) -> None:
    one = house.book(epub(tmp_path / "a.epub"))
    two = house.book(epub(tmp_path / "b.epub", title="另一书", identifier="urn:x:2"))
    merged(house, one, two, book(house, one)["version"])
    assert len(book(house, two)["files"]) == 2


def test_the_parts_of_a_duplicate_go_over(house: House) -> None:
    token = house.token()
    one, other = made(house, token, kind="journal"), made(house, token, kind="journal")
    issue = made(house, token, kind="issue", parent=one)
    assert merged(house, one, other).status_code == 200
    [item] = house.json(f"/api/v1/journals/{other}/issues")["items"]
    assert (item["id"], item["parent"]) == (issue, other)
    assert house.json(f"/api/v1/issues/{issue}")["version"] == 2


@pytest.mark.parametrize("place", [{"state": "draft"}, {"audience": "staff"}, {"policy": "staff"}])
def test_a_record_is_merged_only_into_one_for_the_same_readers(
    house: House, place: dict[str, str]
) -> None:
    token = house.token()
    one, other = made(house, token), made(house, token, **place)
    assert merged(house, one, other).status_code == 409
    expected = 200 if "state" in place else 409
    assert merged(house, other, one).status_code == expected


def test_a_draft_leaves_readers_no_tombstone(house: House) -> None:
    token = house.token()
    draft, other, shown = made(house, token, state="draft"), made(house, token), made(house, token)
    change(house, token, f"{draft}/withdraw", {"reason": "未定"})
    answer = house.client.get(f"/api/v1/books/{draft}")
    assert (answer.status_code, "未定" in answer.text) == (404, False)
    assert house.client.get(f"/books/{draft}").status_code == 404
    merged(house, shown, other)
    assert house.client.get(f"/api/v1/books/{shown}").status_code == 410
