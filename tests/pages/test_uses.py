"""Places on the pages: why not now and until when, one's own, giving one back without a script."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from archives import epub
from house import House
from reader.test_uses import limit, opened, reader

from app.identity import accounts

SITE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def book(house: House, tmp_path: Path) -> str:
    """A book that one reader may have open at a time."""
    record = house.book(epub(tmp_path / "a.epub", title="江西通志"))
    limit(house, record, at_once=1)
    return record


def sign_in(house: House) -> None:
    """Has the browser be a reader's."""
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者")
        life = timedelta(days=1)
        secret = accounts.issue(session, account.id, "session", life=life, device="微信 · Android")
    house.client.set_cookie("kaijuan", secret)


def test_a_page_says_how_many_may_and_until_when_it_is_ones_own(house: House, book: str) -> None:
    sign_in(house)
    assert "这份资源同时可供 1 人使用。" in house.get(f"/books/{book}")
    assert opened(house, book, {}).status_code == 200
    page = house.get(f"/books/{book}")
    assert re.search(r"您正在使用，最迟 \d{4}-\d\d-\d\d \d\d:\d\d（北京时间）归还。", page)
    assert 'href="/account/uses"' in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", r"1 个名额都在使用中，最迟 \d{4}-\d\d-\d\d \d\d:\d\d（北京时间）会有空位。"),
        ("en", r"All 1 places are taken. One comes free at \d{4}-\d\d-\d\d \d\d:\d\d"),
    ],
)
def test_pages_say_in_words_why_not_now_and_when(
    house: House, book: str, language: str, words: str
) -> None:
    opened(house, book, reader(house))
    sign_in(house)
    html = {"Accept": "text/html"}
    for path, status in ((f"/books/{book}", 200), (f"/read/{book}", 403)):
        answer = house.client.get(f"{path}?lang={language}", headers=html)
        assert answer.status_code == status
        assert re.search(words, answer.text), path
        assert "`reason`" not in answer.text


def test_a_place_is_given_back_without_a_script(house: House, book: str) -> None:
    sign_in(house)
    assert "没有占用任何名额。" in house.get("/account/uses")
    opened(house, book, {})
    page = house.get("/account/uses")
    assert "江西通志" in page
    assert "微信 · Android" in page
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert house.client.post("/account/uses", data=hidden).status_code == 403, "no page of ours"
    done = house.client.post("/account/uses", data=hidden, headers=SITE)
    assert (done.status_code, done.location) == (303, "/account/uses?done=given")
    assert "名额已归还" in house.get(done.location)
    assert opened(house, book, reader(house)).status_code == 200
    wrong = {**hidden, "use": "0" * 32}
    assert house.client.post("/account/uses", data=wrong, headers=SITE).status_code == 404


def test_ones_places_are_ones_own(house: House, book: str) -> None:
    assert house.client.get("/account/uses").location == "/sign-in?next=%2Faccount%2Fuses"
    sign_in(house)
    opened(house, book, {})
    sign_in(house)
    assert "江西通志" not in house.get("/account/uses")
