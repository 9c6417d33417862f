"""Letting in an app on a television: the whole of it, and what is tried with it and refused."""

import re
from datetime import timedelta
from typing import Any

import pytest
from house import House
from identity.people import SITE, Browser, person
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.database import now
from app.identity.models import AuditEvent
from app.signon.models import DeviceRequest
from app.signon.services import device_flow
from signon import ends
from signon.systems import System

PHONE, MAIL = "13800001234", "wang@example.org"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def television(house: House) -> str:
    """The id of an app."""
    return ends.system(house, has_device_flow=True)


@pytest.fixture
def reader(house: House) -> Browser:
    """Somebody who is signed in."""
    person(house, PHONE)
    browser = Browser(house)
    assert browser.sign_in(PHONE).status_code == 201
    return browser


def ask(house: House, client: str, status: int = 200, **form: str) -> dict[str, Any]:
    """What an app is answered that asks to be let in."""
    form = {"client_id": client, "scope": "openid profile", **form}
    environ = {"REMOTE_ADDR": "192.0.2.33"}
    answer = house.app.test_client().post(
        "/oauth2/device_authorization", data=form, environ_base=environ
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json  # type: ignore[no-any-return]


def poll(house: House, client: str, code: str, status: int = 400) -> Any:
    """What the app is answered that asks whether it was let in: its tokens, or an error."""
    answer = ends.trade(house, status, client_id=client, grant_type=GRANT, device_code=code)
    return answer if status == 200 else answer["error"]


def hidden(page: TestResponse, action: str) -> dict[str, str]:
    """What a form of the page sends of itself."""
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', page.text, re.DOTALL)
    assert form, page.text
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))


def enter(browser: Browser, code: str) -> TestResponse:
    """The person enters the code."""
    form = hidden(browser.client.get("/device"), "/device")
    environ = {"REMOTE_ADDR": browser.address}
    return browser.client.post(
        "/device", data=form | {"code": code}, headers=SITE, environ_base=environ
    )


def decide(browser: Browser, code: str, answer: str = "approve") -> TestResponse:
    """The person enters the code and decides."""
    page = enter(browser, code)
    form = hidden(page, "/device/answer")
    return browser.client.post("/device/answer", data=form | {"answer": answer}, headers=SITE)


def patient(house: House) -> None:
    """The app waits for as long as it is to."""
    with house.database.transaction() as session:
        session.execute(update(DeviceRequest).values(asked_at=None))


def test_a_television_is_let_in(house: House, television: str, reader: Browser) -> None:
    asked = ask(house, television)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", asked["user_code"])
    assert (asked["interval"], asked["expires_in"]) == (5, 600)
    assert asked["verification_uri"].endswith("/device")
    assert poll(house, television, asked["device_code"]) == "authorization_pending"
    page = enter(reader, asked["user_code"])
    for shown in ("读者门户", "本馆", "192.0.2.0", asked["user_code"]):
        assert shown in page.text
    assert decide(reader, asked["user_code"]).location == "/device?done=approved"
    given = poll(house, television, asked["device_code"], 200)
    account = reader.json("/me")["account"]
    assert ends.claims(house, given["id_token"], "JWT")["sub"] == account
    assert given["scope"].split() == ["openid", "profile"]
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert house.client.get("/oauth2/userinfo", headers=bearer).json["sub"] == account  # type: ignore[index]


def test_a_client_that_others_wrote_is_let_in(house: House, reader: Browser) -> None:
    app = System(house, is_public=True, has_device_flow=True)
    asked = app.post("device_authorization_endpoint", scope="openid profile").json()
    decide(reader, asked["user_code"])
    client = app.client()
    given = client.fetch_token(
        app.metadata["token_endpoint"], grant_type=GRANT, device_code=asked["device_code"]
    )
    assert app.read(given["id_token"])["sub"] == reader.json("/me")["account"]
    again = client.refresh_token(app.metadata["token_endpoint"], given["refresh_token"])
    assert again["access_token"] != given["access_token"]


def test_case_dashes_and_width_do_not_matter(
    house: House, television: str, reader: Browser
) -> None:
    code = ask(house, television)["user_code"]
    wide = "".join(chr(ord(one) + 0xFEE0) for one in code.replace("-", ""))
    for form in (code.lower(), code.replace("-", ""), code.replace("-", " "), wide):
        assert enter(reader, form).status_code == 200, form


def test_a_link_brings_the_code_and_nothing_more(
    house: House, television: str, reader: Browser
) -> None:
    asked = ask(house, television)
    path = "/device?" + asked["verification_uri_complete"].partition("?")[2]
    stranger = Browser(house)
    assert stranger.client.get(path).location.startswith("/sign-in?next=")
    page = reader.client.get(path)
    assert f'value="{asked["user_code"]}"' in page.text
    assert poll(house, television, asked["device_code"]) == "authorization_pending"


def test_who_asks_too_soon_is_slowed_down(house: House, television: str) -> None:
    code = ask(house, television)["device_code"]
    found = [poll(house, television, code) for _ in range(3)]
    assert found == ["authorization_pending", "slow_down", "slow_down"]
    with house.database.transaction(writes=False) as session:
        assert session.scalars(select(DeviceRequest.pause)).one() == 15
    patient(house)
    assert poll(house, television, code) == "authorization_pending"


def test_a_refusal_is_told_once(house: House, television: str, reader: Browser) -> None:
    asked = ask(house, television)
    assert decide(reader, asked["user_code"], "refuse").location == "/device?done=refused"
    assert enter(reader, asked["user_code"]).status_code == 422
    assert poll(house, television, asked["device_code"]) == "access_denied"
    assert poll(house, television, asked["device_code"]) == "invalid_grant"


def test_a_device_code_works_once(house: House, television: str, reader: Browser) -> None:
    asked = ask(house, television)
    decide(reader, asked["user_code"])
    poll(house, television, asked["device_code"], 200)
    assert poll(house, television, asked["device_code"]) == "invalid_grant"
    assert enter(reader, asked["user_code"]).status_code == 422


def test_codes_expire(house: House, television: str, reader: Browser) -> None:
    asked = ask(house, television)
    page = enter(reader, asked["user_code"])
    with house.database.transaction() as session:
        session.execute(update(DeviceRequest).values(expires_at=now()))
    form = hidden(page, "/device/answer") | {"answer": "approve"}
    late = reader.client.post("/device/answer", data=form, headers=SITE)
    assert late.status_code == 422
    assert poll(house, television, asked["device_code"]) == "expired_token"


def test_what_is_long_over_is_forgotten(house: House, television: str) -> None:
    ask(house, television)
    for hours, left in ((0, 1), (1, 0)):
        with house.database.transaction() as session:
            session.execute(update(DeviceRequest).values(expires_at=now() - timedelta(hours=hours)))
            device_flow.purge(session)
        with house.database.transaction(writes=False) as session:
            assert len(session.scalars(select(DeviceRequest)).all()) == left


def test_another_app_gets_nothing_for_the_code(
    house: House, television: str, reader: Browser
) -> None:
    asked, other = ask(house, television), ends.system(house, has_device_flow=True)
    decide(reader, asked["user_code"])
    assert poll(house, other, asked["device_code"]) == "invalid_grant"
    assert poll(house, television, asked["user_code"]) == "invalid_grant"
    assert poll(house, television, asked["device_code"], 200)


def test_an_app_that_has_a_secret_shows_it(house: House) -> None:
    client = ends.system(house, has_device_flow=True, secret="of the app")
    assert ask(house, client, 401)["error"] == "invalid_client"
    assert ask(house, client, client_secret="of the app")["device_code"]


def test_an_app_asks_only_for_what_it_may(house: House) -> None:
    plain = ends.system(house)
    assert ask(house, plain, 400)["error"] == "unauthorized_client"
    assert poll(house, plain, "x") == "unauthorized_client"
    small = ends.system(house, has_device_flow=True, scopes=("openid",))
    assert ask(house, small, 400, scope="phone")["error"] == "invalid_scope"


def test_codes_cannot_be_guessed(house: House, television: str, reader: Browser) -> None:
    mine = ask(house, television)["user_code"]
    found = [enter(reader, f"BBBB-BBB{one}").status_code for one in "BCDFGHJKLM"]
    found += [enter(reader, mine).status_code for _ in range(10)]
    assert set(found) == {422, 200}
    assert enter(reader, mine).status_code == 429, "a right code does not begin the count anew"


def test_nobody_is_made_to_let_an_app_in(house: House, television: str, reader: Browser) -> None:
    asked = ask(house, television)
    form = {"code": asked["user_code"], "answer": "approve"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, SITE):
        assert reader.client.post("/device/answer", data=form, headers=headers).status_code == 403
    assert Browser(house).client.post("/device/answer", data=form, headers=SITE).status_code == 401
    assert poll(house, television, asked["device_code"]) == "authorization_pending"


def test_the_person_is_warned_of_codes_that_others_gave_them(
    house: House, television: str, reader: Browser
) -> None:
    page = enter(reader, ask(house, television)["user_code"])
    assert "那是诈骗" in page.text


def test_who_signs_out_meanwhile_lets_nobody_in(
    house: House, television: str, reader: Browser
) -> None:
    asked = ask(house, television)
    decide(reader, asked["user_code"])
    reader.send("DELETE", "/session")
    assert poll(house, television, asked["device_code"]) == "access_denied"


def test_neither_code_is_kept_nor_written_down(
    house: House, television: str, reader: Browser
) -> None:
    asked = ask(house, television)
    decide(reader, asked["user_code"])
    with house.database.transaction(writes=False) as session:
        row = session.scalars(select(DeviceRequest)).one()
        events = session.scalars(select(AuditEvent)).all()
    kept = str([vars(one) for one in (row, *events)])
    assert "client.signed-on" in kept
    for code in (asked["device_code"], asked["user_code"], asked["user_code"].replace("-", "")):
        assert code not in kept


def test_asking_to_be_let_in_is_limited(tmp_path: Any) -> None:
    house = House(tmp_path / "small", limits="device-requests.address=2/60")
    client = ends.system(house, has_device_flow=True)
    for _ in range(2):
        ask(house, client)
    assert ask(house, client, 429)["error"] == "temporarily_unavailable"
    house.close()
