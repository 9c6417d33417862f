"""The pages of signing in and of one's account, as a browser without scripts uses them."""

import re
from typing import Any

import pytest
from house import House
from identity.people import PASSWORD, Device, link, person, received
from werkzeug.test import TestResponse

from app.database import now, random_id
from app.identity.models import Passkey
from app.pages.routes.entering import AGREED, own_path

PHONE, MAIL = "13800001234", "wang@example.org"
DEVICES = "/account/devices"


@pytest.fixture
def town(tmp_path: Any) -> Any:
    """A library whose messages stay in memory."""
    made = House(tmp_path / "town", mail_url="memory:", sms_url="memory:")
    yield made
    made.close()


def fill(house: House, page: str, action: str, **fields: str) -> TestResponse:
    """Loads a page and sends its form to ``action`` with these fields."""
    text = house.get(page)
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', text, re.DOTALL)
    assert form, f"{page} has no form to {action}"
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    return house.client.post(
        action, data=hidden | fields, headers={"Sec-Fetch-Site": "same-origin"}
    )


def sign_in(house: House, handle: str = PHONE, **fields: str) -> TestResponse:
    """By the form."""
    return fill(house, "/sign-in", "/sign-in", handle=handle, password=PASSWORD, **fields)


def test_a_person_signs_up_without_a_script(town: House) -> None:
    asked = fill(town, "/sign-up?next=/subjects", "/sign-up", handle=PHONE)
    assert asked.status_code == 303
    text = town.get(asked.location)
    assert "138****1234" in text
    done = fill(
        town, asked.location, "/sign-up/confirm",
        code=received(town), name="王小明", password=PASSWORD, agreed=AGREED,
    )  # fmt: skip
    assert (done.status_code, done.location) == (303, "/subjects")
    page = town.get("/account")
    assert "王小明" in page
    assert "138****1234" in page
    assert PHONE not in page


def test_a_person_signs_in_and_out(town: House) -> None:
    person(town, PHONE)
    assert town.client.get("/account").location == "/sign-in?next=%2Faccount"
    assert sign_in(town, next="/account").location == "/account"
    assert fill(town, "/account", "/sign-out").location == "/"
    assert town.client.get("/account").status_code == 303


def test_a_refusal_says_what_to_do_and_keeps_what_was_written(town: House) -> None:
    answer = fill(town, "/sign-in", "/sign-in", handle=PHONE, password="nothing that it is")
    assert answer.status_code == 401
    assert "账号或密码不对" in answer.text
    assert f'value="{PHONE}"' in answer.text
    assert "nothing that it is" not in answer.text


def test_a_person_signs_in_by_a_code_and_recovers(town: House) -> None:
    person(town, MAIL)
    asked = fill(town, "/sign-in-by-code", "/sign-in-by-code", handle=MAIL)
    done = fill(town, asked.location, "/sign-in-by-code/confirm", code=received(town))
    assert done.location == "/"
    asked = fill(town, "/recover", "/recover", handle=MAIL)
    weak = fill(town, asked.location, "/recover/confirm", code="000000", password="12345678")
    assert (weak.status_code, "太常见" in weak.text) == (422, True)
    good = {"code": received(town), "password": "another one, not common"}
    assert fill(town, asked.location, "/recover/confirm", **good).status_code == 303


def test_who_recovers_is_told_what_else_still_opens_the_account(town: House) -> None:
    account = person(town, MAIL)
    with town.database.transaction() as session:
        session.add(
            Passkey(
                id=random_id(), account_id=account, credential=b"-", public_key=b"-",
                sign_count=0, is_synced=False, label="不认识的", added_at=now(),
            )
        )  # fmt: skip
    asked = fill(town, "/recover", "/recover", handle=MAIL)
    good = {"code": received(town), "password": "another one, not common"}
    done = fill(town, asked.location, "/recover/confirm", **good)
    assert done.location == "/account/devices?done=recovered"
    page = town.client.get(done.location).text
    assert "1 个通行密钥和 0 个设备密码仍可登录" in page
    assert "不认识的" in page


def test_who_comes_by_a_link_sets_up_the_second_step(town: House) -> None:
    account = person(town, PHONE, role="administrator", password=None)
    town.send("POST", "/api/v1/session", {"secret": link(town, account)})
    begun = fill(town, "/account", "/account/second-factor")
    key = re.search(r"<code>([A-Z2-7 ]+)</code>", begun.text)
    token = re.search(r'name="form_token" value="([^"]+)"', begun.text)
    assert key
    assert token
    device = Device(key[1].replace(" ", ""))
    data = {"form_token": token[1], "code": device.code()}
    done = town.client.post(
        "/account/second-factor/confirm", data=data, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert len(re.findall(r"<li><code>[a-z2-7-]{19}</code>", done.text)) == 10
    town.client.delete_cookie("kaijuan")
    town.send("POST", "/api/v1/session", {"secret": link(town, account)})
    assert town.client.get("/account").status_code == 303
    step = fill(
        town,
        "/sign-in/second-factor",
        "/sign-in/second-factor",
        code=device.code(),
        next="/account",
    )
    assert step.location == "/account"
    assert "两步验证已开启" in town.get("/account")


def test_everything_on_the_account_page_works(town: House) -> None:
    person(town, PHONE)
    sign_in(town)
    renamed = fill(town, "/account", "/account/name", name="<b>李</b>")
    assert renamed.location == "/account?done=name"
    assert "&lt;b&gt;李&lt;/b&gt;" in town.get(renamed.location)
    asked = fill(town, "/account", "/account/handles", handle=MAIL)
    added = fill(town, asked.location, "/account/handles/confirm", code=received(town))
    assert added.location == "/account?done=handle"
    assert fill(town, "/account", "/account/handles/remove").location.endswith("handle-removed")
    again = fill(town, "/account", "/account/handles/remove")
    assert "trouble.conflict" in again.location
    changed = {"old": PASSWORD, "password": "another one, not common"}
    assert fill(town, "/account", "/account/password", **changed).location.endswith("password")
    other = town.app.test_client()
    body = {"handle": MAIL, "password": changed["password"]}
    assert other.post("/api/v1/session/password", json=body).status_code == 201
    assert fill(town, DEVICES, DEVICES + "/sessions").location == DEVICES + "?done=session"
    assert other.get("/api/v1/me").status_code == 401
    assert "15 天" in town.get("/account")
    assert "账号将注销" in fill(town, "/account", "/account/closing").text
    assert town.client.get("/account").status_code == 303


def test_pages_of_accounts_are_kept_by_nobody(town: House) -> None:
    person(town, PHONE)
    for path in ("/sign-in", "/sign-up", "/recover", "/sign-in-by-code"):
        assert town.client.get(path).headers["Cache-Control"] == "no-store"
    sign_in(town)
    assert town.client.get("/account").headers["Cache-Control"] == "no-store"


# Attacks


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/%5cevil\\x", "javascript:x",
     "/a\r\nSet-Cookie: x", "/\t/evil.example", "evil", "", "/ /evil", "\\\\evil", "/\x7f"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(town: House, path: str) -> None:
    assert own_path(path) == "/"
    person(town, PHONE)
    assert sign_in(town, next=path).location == "/"
    assert (
        "evil.example"
        not in town.client.get("/sign-in", query_string={"next": path}).text.split("<footer")[0]
    )


def test_one_is_sent_on_within_the_site() -> None:
    for path in ("/", "/books/1?x=y#z", "/search?q=%E7%BA%A2", "/account"):
        assert own_path(path) == path


def forms(house: House) -> list[str]:
    """Every address of a page that takes a form."""
    found = house.app.extensions["kaijuan.endpoints"].values()
    pages = {e.rule for e in found if e.method == "POST" and e.name.startswith("pages.")}
    pages.remove("/oauth2/logout")  # other systems post there: it leads on to a page that asks
    return [re.sub(r"<[^>]*>", "sign-up", rule) for rule in pages]


def test_no_form_is_taken_that_no_page_of_ours_showed(town: House) -> None:
    person(town, PHONE)
    sign_in(town)
    assert len(forms(town)) >= 15
    for path in forms(town):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin"}, {}):
            answer = town.client.post(path, data={"handle": PHONE}, headers=headers)
            assert answer.status_code == 403, (path, headers)
    assert town.client.get("/account").status_code == 200


def test_a_form_of_another_browser_is_not_taken(town: House) -> None:
    person(town, PHONE)
    token = re.search(r'name="form_token" value="([^"]+)"', town.get("/sign-in"))
    assert token
    other = town.app.test_client()
    data = {"form_token": token[1], "handle": PHONE, "password": PASSWORD}
    same = {"Sec-Fetch-Site": "same-origin"}
    assert other.post("/sign-in", data=data, headers=same).status_code == 403
    other.get("/sign-in")
    assert other.post("/sign-in", data=data, headers=same).status_code == 403
    assert town.client.post("/sign-in", data=data, headers=same).status_code == 303


def test_what_stands_in_an_address_is_shown_only_where_it_is_known(town: House) -> None:
    person(town, PHONE)
    sign_in(town)
    page = town.get("/account?done=<script>&trouble=<script>")
    assert "<script>" not in page
