"""Reading what few may read at once, in a browser: a place is kept, and lost in words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from house import House
from pages.books import epub
from pages.books import page as chapter
from playwright.sync_api import BrowserContext, Page, expect
from reader.test_uses import limit, opened, reader
from sqlalchemy import update

from app.database import now
from app.identity import accounts
from app.identity.models import Use

from .conftest import Witness

pytestmark = pytest.mark.browser


@pytest.fixture
def book(house: House, tmp_path: Path) -> str:
    """A book that one reader may have open at a time."""
    texts = {f"{n}.xhtml": chapter(f"<h1>{n}</h1>") for n in ("one", "two", "three")}
    record = house.book(epub(tmp_path / "book.epub", texts))
    limit(house, record, at_once=1)
    return record


@pytest.fixture
def at(house: House, origin: str, book: str, context: BrowserContext, page: Page) -> Page:
    """The book, open before a reader who is signed in."""
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者")
        secret = accounts.issue(session, account.id, "session", life=timedelta(days=1))
    context.add_cookies([{"name": "kaijuan", "value": secret, "url": origin}])
    page.clock.install()
    page.goto(f"{origin}/read/{book}")
    expect(page.frame_locator("iframe:not(.waiting)").locator("h1")).to_have_text("one")
    return page


def test_whoever_looks_at_a_long_chapter_keeps_their_place(
    at: Page, witness: Witness, house: House, book: str
) -> None:
    def asked() -> int:
        return sum(path.endswith("/manifest") for path, _ in witness.seen)

    before = asked()
    at.clock.fast_forward("05:01")
    expect(at.frame_locator("iframe:not(.waiting)").locator("h1")).to_have_text("one")
    at.wait_for_timeout(200)
    assert asked() == before + 1
    assert opened(house, book, reader(house)).status_code == 403


def test_who_lost_their_place_to_another_is_told_when_one_comes_free(
    at: Page, house: House, book: str
) -> None:
    with house.database.transaction() as session:
        session.execute(update(Use).values(ended_at=now()))
    assert opened(house, book, reader(house)).status_code == 200
    at.get_by_role("button", name="目录").click()
    at.get_by_role("button", name="three").click()
    expect(at.get_by_text("1 个名额都在使用中，最迟")).to_be_visible()
