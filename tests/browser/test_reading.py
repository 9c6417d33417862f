"""Reading a real EPUB, served by the application, in a browser."""

from pathlib import Path

import pytest
from house import House
from pages.books import epub
from pages.books import page as chapter
from playwright.sync_api import FrameLocator, Page, expect

from app.catalog.services import changes, placing

pytestmark = pytest.mark.browser

LONG = "".join(f"<p>第{n}段。天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。</p>" for n in range(80))
CHAPTERS = {
    "one.xhtml": chapter(
        "<h1>第一回</h1><p><a href='two.xhtml#deep'>见下回</a></p>" + LONG,
        "<link rel='stylesheet' href='style.css'/><style>h1 { letter-spacing: 3px }</style>",
    ),
    "two.xhtml": chapter(f"<h1>第二回</h1>{LONG}<p id='deep'>深处</p>{LONG}"),
    "three.xhtml": chapter("<h1 style='color: rgb(1, 2, 3)'>第三回</h1>"),
}


@pytest.fixture
def book(house: House, tmp_path: Path) -> str:
    style = {"style.css": "h1 { text-indent: 7px }"}
    return house.book(epub(tmp_path / "book.epub", CHAPTERS, other=style))


@pytest.fixture
def text(page: Page, origin: str, book: str) -> FrameLocator:
    page.goto(f"{origin}/read/{book}")
    frame = page.frame_locator("iframe:not(.waiting)")
    expect(frame.locator("h1")).to_have_text("第一回")
    return frame


def test_a_chapter_wears_the_styles_of_its_book(text: FrameLocator) -> None:
    expect(text.locator("h1")).to_have_css("text-indent", "7px")
    expect(text.locator("h1")).to_have_css("letter-spacing", "3px")


def test_style_attributes_are_kept(page: Page, text: FrameLocator) -> None:
    page.get_by_role("button", name="目录").click()
    page.get_by_role("button", name="three").click()
    expect(text.locator("h1")).to_have_css("color", "rgb(1, 2, 3)")


def test_the_frame_has_never_scripts_and_our_origin_together(
    page: Page, text: FrameLocator
) -> None:
    expect(text.locator("h1")).to_be_visible()
    assert page.locator("iframe").get_attribute("sandbox") == "allow-same-origin"


def test_chapters_follow_each_other(page: Page, text: FrameLocator) -> None:
    page.get_by_role("button", name="下一章").click()
    expect(text.locator("h1")).to_have_text("第二回")
    page.get_by_role("button", name="上一章").click()
    expect(text.locator("h1")).to_have_text("第一回")
    expect(page.get_by_role("button", name="上一章")).to_be_disabled()


def test_keys_turn_screens_and_then_chapters(page: Page, text: FrameLocator) -> None:
    for _ in range(40):
        page.keyboard.press("ArrowRight")
        if text.locator("h1").inner_text() == "第二回":
            break
    expect(text.locator("h1")).to_have_text("第二回")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#percent")).to_have_text("33%")


def test_taps_at_the_sides_turn_and_one_in_the_middle_hides_the_bars(
    page: Page, text: FrameLocator
) -> None:
    page.touchscreen.tap(370, 400)
    expect(page.locator("#percent")).not_to_have_text("0%")
    page.touchscreen.tap(195, 400)
    expect(page.get_by_role("banner")).to_be_hidden()


def test_a_link_leads_into_another_chapter(text: FrameLocator) -> None:
    text.get_by_role("link", name="见下回").click()
    expect(text.locator("#deep")).to_be_in_viewport()


def test_the_place_is_remembered(page: Page, text: FrameLocator) -> None:
    text.get_by_role("link", name="见下回").click()
    expect(text.locator("#deep")).to_be_in_viewport()
    page.wait_for_timeout(600)
    page.reload()
    expect(text.locator("#deep")).to_be_in_viewport()


def test_display_settings_hold_for_the_next_visit(page: Page, text: FrameLocator) -> None:
    page.get_by_role("button", name="显示设置").click()
    page.get_by_text("夜间").click()
    page.get_by_role("button", name="增大字号").click()
    page.get_by_text("黑体").click()
    page.reload()
    expect(text.locator("html")).to_have_css("background-color", "rgb(23, 24, 26)")
    expect(text.locator("body")).to_have_css("zoom", "1.25")


def test_vertical_text_is_read_from_right_to_left(
    page: Page, origin: str, house: House, tmp_path: Path
) -> None:
    body = chapter("<h1>竖排</h1>" + LONG, "<style>body { writing-mode: vertical-rl }</style>")
    found = house.book(epub(tmp_path / "v.epub", {"one.xhtml": body}, title="竖排"))
    page.goto(f"{origin}/read/{found}")
    text = page.frame_locator("iframe:not(.waiting)")
    expect(text.locator("h1")).to_be_in_viewport()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#percent")).not_to_have_text("0%")
    expect(text.locator("h1")).not_to_be_in_viewport()


def test_a_chapter_that_does_not_come_can_be_asked_for_again(
    page: Page, text: FrameLocator
) -> None:
    page.route("**/two.xhtml", lambda route: route.abort())
    page.get_by_role("button", name="下一章").click()
    expect(page.get_by_role("alert").get_by_text("没能打开这一部分")).to_be_visible()
    page.unroute("**/two.xhtml")
    page.get_by_role("button", name="重试").click()
    expect(text.locator("h1")).to_have_text("第二回")


def test_an_address_that_ended_is_asked_for_again(page: Page, text: FrameLocator) -> None:
    refused = []

    def refuse_once(route: object) -> None:
        if refused:
            route.continue_()  # type: ignore[attr-defined]
        else:
            refused.append(1)
            route.fulfill(status=403)  # type: ignore[attr-defined]

    page.route("**/two.xhtml", refuse_once)
    page.get_by_role("button", name="下一章").click()
    expect(text.locator("h1")).to_have_text("第二回")


def test_a_withdrawn_book_says_so(page: Page, origin: str, house: House, book: str) -> None:
    house.withdraw(book)
    page.goto(f"{origin}/read/{book}")
    expect(page.get_by_role("heading", level=1)).to_have_text("资源已撤回")


def test_a_book_that_closes_while_it_is_read_says_why(
    page: Page, text: FrameLocator, house: House, book: str
) -> None:
    expect(text.locator("h1")).to_have_text("第一回")
    with house.database.transaction() as session:
        row = changes.load(session, book)
        changes.edit(session, row, {}, None, place=placing.Place(policy="signed-in"))
    page.route("**/three.xhtml", lambda route: route.fulfill(status=403))
    page.get_by_role("button", name="目录").click()
    page.get_by_role("button", name="three").click()
    expect(page.get_by_text("请先登录读者账户。")).to_be_visible()
    way_in = page.get_by_role("link", name="登录")
    assert way_in.get_attribute("href") == f"/sign-in?next=%2Fread%2F{book}"
