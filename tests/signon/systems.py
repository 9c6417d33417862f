"""A system that people sign on to, on the client that others wrote (Authlib's), and its users."""

from __future__ import annotations

import html
import re
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from house import House
from identity.people import SITE, Browser, person
from joserfc import jwt
from joserfc.jwk import KeySet
from requests.adapters import BaseAdapter
from werkzeug.test import TestResponse

from app.identity import tree
from app.signon.schemas import OidcSettings, Scope
from app.signon.services import keeping

ISSUER = "http://127.0.0.1:8000"
CALLBACK = "https://loans.example.org/signed-on"
VERIFIER = "a-verifier-of-tests-that-is-as-long-as-it-must-be"
READER = "reader@example.org"


class Wire(BaseAdapter):
    """Carries what a client sends to the application, as a server would."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._client = house.app.test_client(use_cookies=False)

    def send(self, request: Any, *_args: Any, **_options: Any) -> requests.Response:
        """The answer of the application."""
        headers = {name: str(value) for name, value in request.headers.items()}
        answer = self._client.open(
            request.url, method=request.method, headers=headers, data=request.body
        )
        made = requests.Response()
        made.status_code, made.raw, made.request = answer.status_code, BytesIO(answer.data), request
        made.headers.update(dict(answer.headers))
        made.url = request.url
        return made

    def close(self) -> None:
        """Nothing is held."""


class System:
    """A registered client, and what it does to have somebody sign on."""

    def __init__(self, house: House, *, is_public: bool = False, **settings: Any) -> None:
        self.house = house
        told = OidcSettings(**{"redirect_uris": (CALLBACK,), "scopes": tuple(Scope), **settings})
        with house.database.transaction() as session:
            owner = tree.default(session).id
            row, secret = keeping.add(
                session, keeping.COMMAND, owner, "馆际互借", told, is_public=is_public
            )
            self.id, self.secret = row.id, secret
        self.known = requests.Session()
        self.known.mount(ISSUER, Wire(house))
        self.metadata = self.known.get(f"{ISSUER}/.well-known/openid-configuration").json()

    def client(self, scope: str = "openid profile", **options: Any) -> OAuth2Session:
        """Authlib's client, as its handbook has it."""
        made = OAuth2Session(
            self.id, self.secret, scope=scope, redirect_uri=CALLBACK,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self.secret else "none",
            **options,
        )  # fmt: skip
        made.mount(ISSUER, Wire(self.house))
        return made

    def asks(self, client: OAuth2Session, **more: str) -> str:
        """Where the browser is sent to."""
        address = self.metadata["authorization_endpoint"]
        url, _state = client.create_authorization_url(address, code_verifier=VERIFIER, **more)
        return str(url)

    def trade(self, client: OAuth2Session, back: str, **more: str) -> dict[str, Any]:
        """What the system gets for the code that the browser brings back."""
        given = {"code_verifier": VERIFIER, **more}
        address = self.metadata["token_endpoint"]
        return dict(client.fetch_token(address, authorization_response=back, **given))

    def sign_on(self, browser: Browser, scope: str = "openid profile") -> dict[str, Any]:
        """All of it."""
        client = self.client(scope)
        return self.trade(client, through(browser, self.asks(client)))

    def post(self, where: str, **form: str) -> requests.Response:
        """What the system asks of an endpoint of ours."""
        auth = (self.id, self.secret) if self.secret else None
        if not self.secret:
            form["client_id"] = self.id
        return self.known.post(self.metadata[where], data=form, auth=auth)

    def read(self, token: str, nonce: str | None = None) -> CodeIDToken:
        """An ID token, checked as Authlib checks it, by the keys that are published."""
        keys = KeySet.import_key_set(self.known.get(self.metadata["jwks_uri"]).json())
        read = jwt.decode(token, keys, ["RS256"])
        wanted = {"iss": {"values": [ISSUER]}, "aud": {"values": [self.id]}}
        params = {"nonce": nonce, "client_id": self.id}
        claims = CodeIDToken(read.claims, read.header, wanted, params)
        claims.validate()
        return claims


def reader(house: House, handle: str = READER) -> Browser:
    """Somebody who is signed in."""
    person(house, handle)
    browser = Browser(house)
    assert browser.sign_in(handle).status_code == 201
    return browser


def visit(browser: Browser, url: str) -> TestResponse:
    """What a browser is answered that is sent there."""
    parts = urlsplit(url)
    return browser.client.get(f"{parts.path}?{parts.query}")


def agree(browser: Browser, page: TestResponse, answer: str = "yes", **form: str) -> TestResponse:
    """Says yes, or no, to what the page of consent asks."""
    fields = dict(re.findall(r'name="(form_token|next)" value="([^"]+)"', page.text))
    given = {name: html.unescape(value) for name, value in fields.items()}
    return browser.client.post("/consent", data={**given, "answer": answer, **form}, headers=SITE)


def onwards(answer: TestResponse) -> str:
    """Where a page leads that goes on by itself."""
    return answer.headers["Refresh"].partition("url=")[2]


def through(browser: Browser, url: str) -> str:
    """Where the browser ends that is sent to us, its person agreeing to what is asked."""
    answer = visit(browser, url)
    if answer.location.startswith("/consent"):
        said = agree(browser, visit(browser, answer.location))
        answer = visit(browser, onwards(said))
    assert answer.status_code == 303, answer.text
    return answer.location


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def changed(url: str, **values: str | None) -> str:
    """The address with other parameters; without those that are ``None``."""
    given = {**query_of(url), **values}
    kept = {name: value for name, value in given.items() if value is not None}
    return f"{urlsplit(url).path}?{urlencode(kept)}"
