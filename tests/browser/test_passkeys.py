"""Passkeys in a real browser, with the authenticator that Chromium has for tests."""

from collections.abc import Iterator

import pytest
from house import House
from identity.people import PASSWORD, person
from playwright.sync_api import CDPSession, Page, expect

pytestmark = pytest.mark.browser

PHONE = "13800001234"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

NOT_OFFERED = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
"""Of itself the browser takes the passkey before the button can be pressed."""


@pytest.fixture
def home(house: House, origin: str) -> str:
    """The library under the one name that passkeys take on this machine."""
    person(house, PHONE)
    return origin.replace("127.0.0.1", "localhost")


@pytest.fixture
def device(page: Page) -> Iterator[CDPSession]:
    """A phone that knows its owner."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    yield session
    session.detach()


def by_password(page: Page, home: str) -> None:
    """Signs in, on the way to the page of devices."""
    page.goto(f"{home}/sign-in?next=/account/devices")
    page.get_by_label("手机号、邮箱或读者证号").fill(PHONE)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def add_one(page: Page, home: str) -> None:
    """Adds a passkey, and signs out."""
    by_password(page, home)
    page.get_by_role("button", name="添加通行密钥").click()
    expect(page.get_by_role("status")).to_contain_text("通行密钥已添加")
    page.goto(f"{home}/account")
    page.get_by_role("button", name="退出登录").click()
    expect(page).to_have_url(f"{home}/")


def test_a_passkey_that_the_browser_offers_by_itself_needs_no_button(
    page: Page, home: str, device: CDPSession
) -> None:
    add_one(page, home)
    page.goto(f"{home}/sign-in?next=/account/devices")
    expect(page).to_have_url(f"{home}/account/devices")
    expect(page.get_by_role("region", name="通行密钥")).to_contain_text("最近使用")


def test_a_person_adds_a_passkey_and_signs_in_by_it(
    page: Page, home: str, device: CDPSession
) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(NOT_OFFERED)
    add_one(page, home)
    page.goto(f"{home}/sign-in?next=/account/devices")
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page).to_have_url(f"{home}/account/devices")
    expect(page.get_by_role("region", name="通行密钥")).to_contain_text("最近使用")
    assert complaints == []


def test_a_device_without_one_says_so_and_the_password_goes_on(
    page: Page, home: str, device: CDPSession
) -> None:
    page.goto(f"{home}/sign-in?next=/account/devices")
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page.get_by_role("alert").filter(has_text="没有成功")).to_be_visible()
    by_password(page, home)
    expect(page).to_have_url(f"{home}/account/devices")
