"""Signing on to other systems, in a browser."""

from __future__ import annotations

import re

import pytest
from house import House
from identity.people import PASSWORD, person
from playwright.sync_api import Browser, Page, expect
from signon.cas_systems import READER, system

from browser.conftest import PHONE, Attacker

pytestmark = pytest.mark.browser


def sign_in(page: Page) -> None:
    """By a password, on the page for it."""
    page.get_by_label("手机号、邮箱或读者证号").fill(READER)
    page.get_by_label("密码").first.fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_reader_comes_back_to_the_system_with_a_ticket(
    house: House, origin: str, attacker: Attacker, chromium: Browser, script: bool, method: str
) -> None:
    """The other host is the system here. Where it is posted without script, a button is left."""
    system(house, attacker.origin + "/app")
    person(house, READER)
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", java_script_enabled=script)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{origin}/cas/login?service={attacker.origin}/app&method={method}")
    sign_in(page)
    if method == "POST" and not script:
        page.get_by_role("button", name="继续").click()
    page.wait_for_url(re.compile("^" + re.escape(attacker.origin)))
    assert attacker.seen[0] == f"{method} /app"
    assert ("ticket=ST-" in page.url) == (method == "GET")
    context.close()


def test_a_reader_agrees_and_goes_on(
    house: House, origin: str, attacker: Attacker, page: Page
) -> None:
    system(house, attacker.origin + "/app", name="外馆门户", is_trusted=False)
    person(house, READER)
    page.goto(f"{origin}/cas/login?service={attacker.origin}/app")
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("外馆门户")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="同意", exact=True).click()
    page.wait_for_url(re.compile("ticket=ST-"))


def test_the_pages_of_refusals_and_of_signing_out_fit_a_phone(
    house: House, origin: str, page: Page
) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in ("/cas/login?service=https://" + "a" * 60 + ".example/", "/cas/logout"):
        page.goto(origin + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert complaints == []
