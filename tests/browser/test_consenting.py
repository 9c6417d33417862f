"""Agreeing that a system may know and do something, in a browser, with script and without."""

from __future__ import annotations

import re

import pytest
from house import House
from identity.people import PASSWORD, person
from playwright.sync_api import Browser, Page, expect
from signon.systems import READER, System, changed

from browser.conftest import PHONE, Attacker

pytestmark = pytest.mark.browser
DESK = {"width": 1440, "height": 900}


def asked(house: House, origin: str, to: Attacker) -> str:
    """Where a system sends its readers; the other host is the system here."""
    system = System(house, redirect_uris=(to.origin + "/app",))
    return origin + changed(system.asks(system.client()), redirect_uri=to.origin + "/app")


def sign_in(page: Page) -> None:
    """By a password, on the page for it."""
    page.get_by_label("手机号、邮箱或读者证号").fill(READER)
    page.get_by_label("密码").first.fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_a_reader_signs_in_agrees_and_comes_back_with_a_code(
    house: House,
    origin: str,
    attacker: Attacker,
    chromium: Browser,
    script: bool,
    size: dict[str, int],
) -> None:
    person(house, READER)
    context = chromium.new_context(viewport=size, locale="zh-CN", java_script_enabled=script)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(asked(house, origin, attacker))
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("馆际互借")
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.get_by_role("button", name="同意", exact=True).click()
    page.wait_for_url(re.compile("^" + re.escape(attacker.origin) + "/app.*code="))
    context.close()


def test_a_reader_refuses_and_the_system_is_told(
    house: House, origin: str, attacker: Attacker, page: Page
) -> None:
    person(house, READER)
    page.goto(asked(house, origin, attacker))
    sign_in(page)
    page.get_by_role("button", name="不同意").click()
    page.wait_for_url(re.compile("error=access_denied"))


def test_the_page_of_what_was_agreed_to_fits_a_phone(
    house: House, origin: str, attacker: Attacker, page: Page
) -> None:
    person(house, READER)
    page.goto(asked(house, origin, attacker))
    sign_in(page)
    page.get_by_role("button", name="同意", exact=True).click()
    page.wait_for_url(re.compile("code="))
    page.goto(origin + "/account/approvals")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name=re.compile("^撤回")).click()
    expect(page.get_by_role("status")).to_contain_text("已撤回")
