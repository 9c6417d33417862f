"""The faces in a browser."""

import re
from pathlib import Path

import pytest
from house import House
from playwright.sync_api import Page, expect

from browser.conftest import served

pytestmark = pytest.mark.browser


def test_a_reader_finds_a_book_by_its_beginning(house: House, origin: str, page: Page) -> None:
    house.record("红楼梦")
    page.goto(origin)
    page.get_by_role("combobox").press_sequentially("hlm")
    page.get_by_role("option", name="红楼梦").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("红楼梦")
    page.get_by_role("link", name="红楼梦").first.click()
    expect(page).to_have_title("红楼梦 · 开卷")


def test_suggestions_can_be_chosen_by_keys(house: House, origin: str, page: Page) -> None:
    house.record("红楼梦")
    page.goto(origin)
    box = page.get_by_role("combobox")
    box.press_sequentially("红")
    expect(page.get_by_role("option")).to_have_count(1)
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "q-suggestions-0")
    box.press("Enter")
    expect(page).to_have_url(f"{origin}/search?q=%E7%BA%A2%E6%A5%BC%E6%A2%A6")


def test_no_page_is_wider_than_a_phone(house: House, origin: str, page: Page) -> None:
    found = house.record("一个" * 200)
    for path in ("/", "/search?q=一个", f"/books/{found}", "/subjects", "/api/docs", "/source"):
        page.goto(origin + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_the_first_key_leads_past_the_header(origin: str, page: Page) -> None:
    page.goto(origin)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()


def test_a_page_breaks_no_rule_of_its_own(house: House, origin: str, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    found = house.record("红楼梦")
    for path in ("/", "/search?q=红", f"/books/{found}", "/subjects"):
        page.goto(origin + path)
    assert complaints == []


def test_a_sign_in_link_works_once(house: House, origin: str, page: Page) -> None:
    link = f"{origin}/sign-in#{house.secret('link', None)}"
    page.goto(link)
    page.get_by_role("button", name="在这台设备上登录").click()
    expect(page).to_have_url(f"{origin}/")
    page.goto(link)
    page.get_by_role("button", name="在这台设备上登录").click()
    expect(page.get_by_role("alert")).to_contain_text("已经用过")


def test_a_person_signs_up_and_sees_the_account(tmp_path: Path, page: Page) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    house = House(tmp_path / "town", sms_url="memory:")
    with served(house.app) as origin:
        page.goto(f"{origin}/account")
        page.get_by_role("link", name="注册").click()
        page.get_by_label("手机号或邮箱").fill("138 0000 1234")
        page.get_by_role("button", name="发送验证码").click()
        house.work()
        text = house.adapters.sms.sent[-1].text  # type: ignore[attr-defined]
        page.get_by_label("6 位验证码").fill(re.findall(r"\d{6}", text)[0])
        page.get_by_label("称呼").fill("王小明")
        page.get_by_label("我已阅读并同意").check()
        page.get_by_role("button", name="注册").click()
        expect(page).to_have_url(f"{origin}/account")
        expect(page.get_by_role("heading", level=1)).to_have_text("王小明")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="退出登录").click()
        expect(page).to_have_url(f"{origin}/")
    house.close()
    assert complaints == []
