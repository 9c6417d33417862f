"""Systems that people are signed on to by OpenID Connect, and how they learn that it is over."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from house import House
from identity.people import Browser
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import func, select, update

from app.database import now, random_id
from app.identity import accounts, tree
from app.outgoing.memory import MemoryWeb
from app.outgoing.ports import Incoming, Outgoing
from app.signon.issuing import open_tokens
from app.signon.models import Client, SignOn
from app.signon.schemas import OidcSettings, Scope
from app.signon.telling import Teller

APP = "https://app.example.org"
CALLBACK, TOLD, BACK = f"{APP}/signed-on", f"{APP}/told", f"{APP}/left?from=library"


def connected(house: House) -> MemoryWeb:
    """Other systems, of which only this test knows; the one above takes what it is told."""
    web = MemoryWeb()
    web.answers[TOLD] = fine
    house.adapters = replace(house.adapters, web=web)
    house.open_doors()
    return web


def fine(_asked: Outgoing) -> Incoming:
    """Whatever it is."""
    return Incoming(200, b"")


def system(house: House, told: str | None = TOLD, secret: str = "", **settings: Any) -> str:
    """Registers a system, and answers its id; one without a secret is an app."""
    known = OidcSettings(**{
        "redirect_uris": (CALLBACK,), "post_logout_redirect_uris": (BACK,),
        "backchannel_logout_uri": told, "is_trusted": True, "scopes": tuple(Scope), **settings,
    })  # fmt: skip
    client_id = random_id()
    with house.database.transaction() as session:
        session.add(
            Client(
                id=client_id, protocol="oidc", name="读者门户", library_id=tree.default(session).id,
                settings=msgspec.json.encode(known), added_at=now(),
                secret=accounts.digest(secret) if secret else None,
            )
        )  # fmt: skip
    return client_id


def sign_on(browser: Browser, client_id: str, scope: str = "openid") -> dict[str, Any]:
    """What the system is given for the person of this browser."""
    verifier = token_urlsafe(48)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "scope": scope,
        "state": "s", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    answer = browser.client.get("/oauth2/authorize", query_string=asked)
    assert answer.location.startswith(CALLBACK), answer.location
    code = parse_qs(urlsplit(answer.location).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return trade(browser.house, client_id=client_id, code_verifier=verifier, **form)


def trade(house: House, status: int = 200, **form: str) -> dict[str, Any]:
    """What the token endpoint answers."""
    answer = house.app.test_client().post("/oauth2/token", data=form)
    assert answer.status_code == status, answer.text
    return answer.json  # type: ignore[no-any-return]


def claims(house: House, token: str, kind: str) -> dict[str, Any]:
    """What a token says, found in order by the keys that are published."""
    keys = KeySet.import_key_set(house.json("/oauth2/jwks"))
    read = jwt.decode(token, keys, ["RS256"])
    assert read.header["typ"] == kind
    return read.claims


def teller(house: House) -> Teller:
    """Who tells, as the worker has it."""
    return Teller(house.database, house.adapters.web, open_tokens(house.settings).sign)


def tell(house: House) -> None:
    """Tells whatever is to be told now."""
    telling = teller(house)
    while telling():
        pass


def form_of(asked: Outgoing) -> dict[str, str]:
    """The form that a system was sent."""
    return {name: values[0] for name, values in parse_qs((asked.body or b"").decode()).items()}


def noted(house: House) -> int:
    """How many sign-ons are noted, going on or to be told of."""
    with house.database.transaction(writes=False) as session:
        return session.scalar(select(func.count()).select_from(SignOn)) or 0


def later(house: House) -> None:
    """Time goes by: whatever waits to be told is due."""
    with house.database.transaction() as session:
        session.execute(update(SignOn).values(tell_at=now()))
