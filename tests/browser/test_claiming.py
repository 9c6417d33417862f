"""A reader with a phone in hand claims the card that their library gave them."""

from pathlib import Path

import pytest
from house import House
from identity.people import PASSWORD
from identity.rosters import LIBRARY, known, table, take
from playwright.sync_api import Page, expect

from app.identity.handles import normal
from app.identity.services import cards
from app.identity.services.audit import SYSTEM

pytestmark = pytest.mark.browser


def test_a_card_is_claimed_by_a_printed_code(
    house: House, origin: str, page: Page, tmp_path: Path
) -> None:
    house.network()
    take(house, table(tmp_path / "a", "A1,王小明,,,,"))
    with house.database.transaction() as session:
        card = normal("A1", LIBRARY)
        code, _ = cards.slip_by_command(session, house.adapters.sealer, SYSTEM, card)
    page.goto(f"{origin}/sign-in")
    page.get_by_role("link", name="领取读者证账号").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("办证图书馆的编号").fill(LIBRARY)
    page.get_by_label("读者证号").fill("A1")
    page.get_by_role("button", name="我有图书馆打印的激活码").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("激活码").fill(code)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="领取读者证账号").click()
    expect(page).to_have_url(f"{origin}/account?done=card")
    expect(page.get_by_role("status")).to_have_text("读者证已在您的账号上。")
    assert known(house, "A1").claimed_at is not None
