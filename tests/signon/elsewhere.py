"""Libraries' own sign-on, as a test would have it: honest, or saying what it should not."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode, urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
from house import House
from joserfc import jws
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from app.identity.scope import EVERYWHERE
from app.identity.services.audit import SYSTEM
from app.outgoing.memory import MemoryWeb
from app.outgoing.ports import Incoming, Outgoing
from app.signon.schemas import Protocol
from app.signon.services import providers
from app.signon.services.providers import NewProvider

ISSUER, CAS = "https://idp.example.org", "https://cas.example.org/cas"
CLIENT, SECRET = "kaijuan", "a secret of tests"
SITE = {"Sec-Fetch-Site": "same-origin"}


def town(house: House) -> MemoryWeb:
    """Lets a library reach other systems that a test makes up."""
    house.network()
    web = MemoryWeb()
    house.open_doors(replace(house.adapters, web=web))
    return web


def provider(house: House, library: str = "north", **said: Any) -> str:
    """The id of a library's new provider."""
    new = NewProvider(
        **{"protocol": Protocol.OIDC, "name": "读者认证", "address": ISSUER,
           "client_id": CLIENT, "secret": SECRET, "assurance": 2, **said}
    )  # fmt: skip
    with house.database.transaction() as session:
        made = providers.add(session, house.adapters.sealer, SYSTEM, EVERYWHERE, library, new)
        return made.id


class Elsewhere:
    """An OpenID Connect provider. What ``claims``, ``metadata`` and ``header`` hold, it says."""

    def __init__(self, web: MemoryWeb, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.key = self.new_key("first")
        self.published = [self.key]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.token: Any = None
        web.answers[issuer + "/.well-known/openid-configuration"] = self._metadata
        web.answers[issuer + "/keys"] = lambda _: said(
            {"keys": [key.as_dict(private=False) for key in self.published]}
        )
        web.answers[issuer + "/token"] = self._token

    @staticmethod
    def new_key(name: str) -> ECKey:
        return ECKey.generate_key("P-256", {"kid": name, "use": "sig", "alg": "ES256"})

    def code(self, sent_to: str, subject: str = "reader-1") -> str:
        """What it gives the browser that comes asking."""
        asked = dict(parse_qsl(urlsplit(sent_to).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked | {"sub": subject}
        return code

    def _metadata(self, _: Outgoing) -> Incoming:
        ends = {n: f"{self.issuer}/{n}" for n in ("authorization", "token")}
        about = {f"{name}_endpoint": where for name, where in ends.items()}
        about |= {"issuer": self.issuer, "jwks_uri": self.issuer + "/keys"}
        return said(about | self.metadata)

    def _token(self, asked: Outgoing) -> Incoming:
        form = {name: one[0] for name, one in parse_qs((asked.body or b"").decode()).items()}
        known = self.codes.pop(form["code"], None)
        verifier = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest())
        if known is None or verifier.decode().rstrip("=") != known["code_challenge"]:
            return Incoming(400, b'{"error":"invalid_grant"}')
        basic = b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode()
        if basic != f"{CLIENT}:{SECRET.replace(' ', '+')}":
            return Incoming(401, b'{"error":"invalid_client"}')
        return said({"id_token": self.token or self.signed(known), "access_token": "x"})

    def signed(self, known: dict[str, str]) -> str:
        at = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": known["sub"], "iat": at,
                  "exp": at + 300, "nonce": known["nonce"]}  # fmt: skip
        header = {"alg": "ES256", "kid": self.key.kid} | self.header
        payload = json.dumps(claims | self.claims).encode()  # what no library would sign, too
        return jws.serialize_compact(header, payload, self.key)


class Traveller:
    """A browser without scripts that goes through a library."""

    def __init__(self, house: House) -> None:
        self.house, self.client = house, house.app.test_client()

    def fill(self, page: str, action: str, **fields: str) -> TestResponse:
        """Sends the form of a page to ``action``."""
        text = self.client.get(page).text
        forms = re.findall(rf'<form[^>]*action="{action}".*?</form>', text, re.DOTALL)
        wanted = next(f for f in forms if fields.get("provider", "") in f)
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', wanted))
        return self.client.post(action, data=hidden | fields, headers=SITE)

    def depart(self, provider_id: str, **fields: str) -> str:
        """Where the browser is sent."""
        said = self.fill("/sign-in/library", "/sign-in/library", provider=provider_id, **fields)
        assert said.status_code == 200, said.text
        return str(said.headers["Refresh"]).removeprefix("0; url=")

    def back(self, provider_id: str, sent_to: str, **brought: str) -> TestResponse:
        """Comes back with the state that it was sent with."""
        query = dict(parse_qsl(urlsplit(sent_to).query))
        state = query.get("state") or dict(parse_qsl(urlsplit(query["service"]).query))["state"]
        return self.client.get(
            f"/sign-in/library/{provider_id}", query_string={"state": state, **brought}
        )

    def through(self, elsewhere: Elsewhere, provider_id: str, subject: str = "r") -> TestResponse:
        """There and back."""
        sent_to = self.depart(provider_id)
        return self.back(provider_id, sent_to, code=elsewhere.code(sent_to, subject))

    @property
    def me(self) -> Any:
        """Who is signed in."""
        answer = self.client.get("/api/v1/me")
        return answer.json if answer.status_code == 200 else None


def said(about: Any) -> Incoming:
    """An answer in JSON."""
    return Incoming(200, msgspec.json.encode(about))


def cas_answer(inside: str, before: str = "") -> Incoming:
    """What a CAS server answers."""
    body = f'{before}<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">{inside}'
    return Incoming(200, f"{body}</cas:serviceResponse>".encode())


def vouches(user: str) -> str:
    """That somebody is signed in there."""
    inside = f"<cas:user>{user}</cas:user>"
    return f"<cas:authenticationSuccess>{inside}</cas:authenticationSuccess>"
