"""One installation as the other's identity provider, by OpenID Connect and by CAS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from house import House
from identity.people import PASSWORD, person

from app.identity import tree
from app.outgoing.ports import Incoming, Outgoing
from app.signon.schemas import CasSettings, OidcSettings
from app.signon.services import keeping
from signon.elsewhere import SITE, Traveller, provider

THERE = "https://there.example.org"
READER = "reader@example.org"


class Line:
    """Carries what one installation asks to the other."""

    def __init__(self, house: House) -> None:
        self._client = house.app.test_client(use_cookies=False)

    def ask(self, asked: Outgoing) -> Incoming:
        there = urlsplit(asked.url)
        answer = self._client.open(
            f"{there.path}?{there.query}",
            method=asked.method,
            base_url=THERE,
            headers=dict(asked.headers),
            data=asked.body,
        )
        return Incoming(answer.status_code, answer.data)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[House, House]]:
    """The installation that is come in to, and the one that vouches."""
    here = House(tmp_path / "here", mail_url="memory:", sms_url="memory:")
    there = House(tmp_path / "there", public_url=THERE, mail_url="memory:", sms_url="memory:")
    here.network()
    here.open_doors(replace(here.adapters, web=Line(there)))
    yield here, there
    here.close()
    there.close()


def register(there: House, settings: OidcSettings | CasSettings) -> tuple[str, str | None]:
    """Has the other installation know this one as a system."""
    with there.database.transaction() as session:
        library = tree.default(session).id
        row, secret = keeping.add(session, keeping.COMMAND, library, "开卷", settings)
        return row.id, secret


def vouched(there: House, sent_to: str) -> str:
    """Signs in there, and is sent back to this address."""
    browser = there.app.test_client()
    person(there, READER)
    body = {"handle": READER, "password": PASSWORD}
    at = {"base_url": THERE, "headers": SITE}
    assert browser.post("/api/v1/session/password", json=body, **at).status_code == 201
    asked = urlsplit(sent_to)
    answer = browser.get(f"{asked.path}?{asked.query}", base_url=THERE)
    assert answer.status_code in (302, 303), answer.text
    return answer.location


def test_our_own_provider_lets_readers_in_by_openid_connect(pair: tuple[House, House]) -> None:
    here, there = pair
    first = OidcSettings(redirect_uris=("https://later.example.org",), is_trusted=True)
    client, secret = register(there, first)
    known = provider(here, address=THERE, client_id=client, secret=secret)
    callback = f"http://127.0.0.1:8000/sign-in/library/{known}"
    told = OidcSettings(redirect_uris=(callback,), is_trusted=True)
    with there.database.transaction() as session:
        keeping.edit(session, keeping.COMMAND, client, None, settings=told)
    reader = Traveller(here)
    back = urlsplit(vouched(there, reader.depart(known)))
    came = reader.client.get(f"{back.path}?{back.query}")
    assert (came.status_code, reader.me["home"]) == (303, "north")


def test_our_own_provider_lets_readers_in_by_cas(pair: tuple[House, House]) -> None:
    here, there = pair
    cas = provider(here, protocol="cas", address=THERE + "/cas", client_id="", secret=None)
    register(there, CasSettings((f"http://127.0.0.1:8000/sign-in/library/{cas}",), is_trusted=True))
    reader = Traveller(here)
    back = urlsplit(vouched(there, reader.depart(cas)))
    came = reader.client.get(f"{back.path}?{back.query}")
    assert (came.status_code, reader.me["home"]) == (303, "north")
