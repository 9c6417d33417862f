"""Systems that sign people on by CAS, and what they and their readers do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from house import House
from identity.people import Browser, person
from lxml import etree
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request, Response

from app.identity import tree
from app.signon.schemas import CasSettings, Scope
from app.signon.services import keeping

NS = {"cas": "http://www.yale.edu/tp/cas"}
PORTAL = "https://portal.example.org/app"
ARCHIVE = "https://archive.example.net/"
READER = "reader@example.org"
VALIDATE = "/cas/p3/serviceValidate"


def system(house: House, *services: str, name: str = "门户", **settings: Any) -> str:
    """Registers a system at these addresses, and answers its id."""
    usual = {"scopes": (Scope.PROFILE,), "is_trusted": True}
    known = CasSettings(services or (PORTAL,), **(usual | settings))
    with house.database.transaction() as session:
        library = tree.default(session).id
        return keeping.add(session, keeping.COMMAND, library, name, known)[0].id


def signed_in(house: House, handle: str = READER) -> Browser:
    """The browser of a reader who is signed in."""
    person(house, handle)
    browser = Browser(house)
    assert browser.sign_in(handle).status_code == 201
    return browser


def login(browser: Browser, service: str = PORTAL, **asked: str) -> TestResponse:
    """What the browser is answered that was sent to us by a system."""
    said = {"service": service, **asked} if service else asked
    return browser.client.get("/cas/login", query_string=said)


def ticket(browser: Browser, service: str = PORTAL, **asked: str) -> str:
    """The ticket that the browser brings back to the system."""
    answer = login(browser, service, **asked)
    assert answer.status_code == 303, answer.text
    there = urlsplit(answer.location)
    assert answer.location.startswith(service)
    return parse_qs(there.query)["ticket"][0]


def ask(house: House, path: str = VALIDATE, **asked: str) -> etree._Element:
    """What a system is answered, as a document."""
    answer = house.client.get(path, query_string=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return etree.fromstring(answer.data)


def validate(house: House, ticket: str, service: str = PORTAL, **asked: str) -> etree._Element:
    """What a system is answered that shows a ticket."""
    return ask(house, asked.pop("path", VALIDATE), ticket=ticket, service=service, **asked)


def user(answer: etree._Element) -> str | None:
    """Who it is, where the ticket was good."""
    return answer.findtext("cas:authenticationSuccess/cas:user", namespaces=NS)


def refusal(answer: etree._Element) -> str | None:
    """The code of a refusal."""
    found = answer.xpath("cas:authenticationFailure/@code | cas:proxyFailure/@code", namespaces=NS)
    return str(found[0]) if found else None


class Callback:
    """A system's proxy callback: keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        """Proxy-granting tickets by their IOUs."""
        self.asked = 0
        self.answer = Response("")

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        self.asked += 1
        if "pgtIou" in request.args:
            self.sent[request.args["pgtIou"]] = request.args["pgtId"]
        return self.answer(environ, start)


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The origin of a server of this machine that serves a WSGI application."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
