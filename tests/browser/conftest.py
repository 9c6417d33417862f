"""Headless Chromium, a library served on loopback, and a listener that stands for an attacker."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from house import House
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

PHONE = {"width": 390, "height": 844}
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serves a WSGI application on a free port of loopback; gives its origin."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    found = os.environ.get("KAIJUAN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("no Chromium: set KAIJUAN_CHROMIUM, or put one on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Witness:
    """Stands before the library, and remembers what a browser asked of it, with which cookies."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.seen: list[tuple[str, str]] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        """Hands the request on."""
        self.seen.append((environ["PATH_INFO"], environ.get("HTTP_COOKIE", "")))
        return self.app(environ, start)


@pytest.fixture
def witness(house: House) -> Witness:
    """What the library was asked."""
    return Witness(house.app)


@pytest.fixture
def origin(witness: Witness) -> Iterator[str]:
    """Where the library is served."""
    with served(witness) as address:
        yield address


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A phone that reads Chinese."""
    made = chromium.new_context(viewport=PHONE, locale="zh-CN", has_touch=True)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page whose errors fail the test at once."""
    made = context.new_page()
    made.set_default_timeout(10_000)
    return made


class Attacker:
    """Counts what reaches it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.origin = ""

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        """Answers anything, and remembers it."""
        self.seen.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        start("200 OK", [("Content-Type", "text/css"), ("Access-Control-Allow-Origin", "*")])
        return [b"body{}"]


@pytest.fixture
def attacker() -> Iterator[Attacker]:
    """Another host that a hostile book would like to reach."""
    made = Attacker()
    with served(made) as made.origin:
        yield made
