"""The pages of one's data and of merging, as a browser without scripts uses them."""

import re
from typing import Any

import pytest
from house import House
from identity.people import PASSWORD, person, received
from werkzeug.test import TestResponse

from pages.test_account import fill, sign_in

PHONE, OTHER = "13800001234", "13900005678"
SITE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def town(tmp_path: Any) -> Any:
    """Somebody with two accounts, signed in to the first."""
    made = House(tmp_path / "town", mail_url="memory:", sms_url="memory:")
    person(made, PHONE)
    person(made, OTHER)
    sign_in(made)
    yield made
    made.close()


def again(house: House, page: TestResponse, action: str, **fields: str) -> TestResponse:
    """Sends the form that an answer holds."""
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', page.text, re.DOTALL)
    assert form, page.text
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    return house.client.post(action, data=hidden | fields, headers=SITE)


def test_a_copy_is_asked_for_and_fetched(town: House) -> None:
    assert "账号关联与数据" in town.get("/account")
    asked = fill(town, "/account/data", "/account/data/exports")
    assert asked.location == "/account/data?done=export"
    assert "正在生成" in town.get(asked.location)
    town.work()
    href = re.search(r'href="(/account/data/exports/[0-9a-f]+)"', town.get("/account/data"))
    assert href
    copy = town.client.get(href[1])
    assert "attachment" in copy.headers["Content-Disposition"]
    assert copy.json["handles"][0]["value"] == "+8613800001234"  # type: ignore[index]


def test_two_accounts_become_one(town: House) -> None:
    said = {"handle": OTHER, "password": PASSWORD}
    plan = fill(town, "/account/merging", "/account/merging/password", **said)
    assert "139****5678" in plan.text
    assert "登录方式 1" in plan.text
    assert "不能撤销" in plan.text
    done = again(town, plan, "/account/merging")
    assert done.location == "/account?done=merged"
    page = town.get(done.location)
    assert "账号已合并" in page
    assert "139****5678" in page


def test_two_accounts_become_one_by_a_code(town: House) -> None:
    asked = fill(town, "/account/merging", "/account/merging/codes", handle=OTHER)
    plan = again(town, asked, "/account/merging/code", code=received(town))
    assert again(town, plan, "/account/merging").location == "/account?done=merged"


def test_what_is_refused_is_said_in_words(town: House) -> None:
    said = {"handle": OTHER, "password": "not the one it has"}
    wrong = fill(town, "/account/merging", "/account/merging/password", **said)
    assert (wrong.status_code, "账号或密码不对" in wrong.text) == (401, True)
    assert f'value="{OTHER}"' in wrong.text
    said = {"handle": PHONE, "password": PASSWORD}
    same = fill(town, "/account/merging", "/account/merging/password", **said)
    assert "这就是当前账号" in same.text
    assert 'action="/account/merging"' not in same.text


def test_nobody_merges_by_a_page_of_another(town: House) -> None:
    answer = town.client.post("/account/merging", data={"proof": "x"}, headers=SITE)
    assert answer.status_code == 403


def test_the_choice_of_a_library_says_when_there_is_none(town: House) -> None:
    assert "还没有图书馆开通这种登录方式" in town.get("/sign-in/library")
    assert "没有找到这样的图书馆" in town.get("/sign-in/library?q=nowhere")
    assert "通过图书馆登录" in town.get("/sign-in")
    empty = town.client.get("/sign-in/library/nowhere?state=x&code=y")
    assert (empty.status_code, "请重新开始" in empty.text) == (403, True)
