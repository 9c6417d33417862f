"""Letting in a television, and signing out where a system asks for it, in a browser."""

from __future__ import annotations

import re

import pytest
from house import House
from identity.people import person
from playwright.sync_api import Browser, Page, expect
from signon import ends
from signon.cas_systems import READER
from signon.test_device_flow import ask, poll

from browser.conftest import PHONE, Attacker
from browser.test_signing_on import sign_in

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1440])
def test_a_television_is_let_in_without_a_script(
    house: House, origin: str, chromium: Browser, width: int
) -> None:
    television = ends.system(house, has_device_flow=True)
    person(house, READER)
    asked = ask(house, television)
    screen = {**PHONE, "width": width}
    context = chromium.new_context(viewport=screen, locale="zh-CN", java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{origin}/device?user_code={asked['user_code']}")
    sign_in(page)
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("读者门户")
    expect(page.get_by_role("code")).to_have_text(asked["user_code"])
    page.get_by_role("button", name="同意登录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已同意")
    assert poll(house, television, asked["device_code"], 200)
    context.close()


def test_every_step_fits_a_phone(house: House, origin: str, page: Page) -> None:
    television = ends.system(house, has_device_flow=True)
    person(house, READER)
    code = ask(house, television, scope="openid profile phone offline_access")["user_code"]
    page.goto(f"{origin}/device?user_code=BBBB-BBBB")
    sign_in(page)
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("设备上的代码").fill(code)
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("button", name="拒绝")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{origin}/oauth2/logout?client_id={television}")
    expect(page.get_by_role("heading", level=1)).to_have_text("要退出登录吗？")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_who_signs_out_comes_back_to_the_system(
    house: House, origin: str, attacker: Attacker, page: Page
) -> None:
    """The other host is the system here."""
    back = attacker.origin + "/left"
    client = ends.system(house, post_logout_redirect_uris=(back,))
    person(house, READER)
    page.goto(f"{origin}/sign-in")
    sign_in(page)
    page.goto(f"{origin}/oauth2/logout?client_id={client}&post_logout_redirect_uri={back}&state=s")
    page.get_by_role("button", name="退出登录").last.click()
    page.wait_for_url(re.compile(re.escape(back + "?state=s")))
    page.goto(f"{origin}/account")
    assert "/sign-in" in page.url
