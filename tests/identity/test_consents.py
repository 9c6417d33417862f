"""What people agree to: asked at sign-up and when a text changes, with its history."""

from __future__ import annotations

from dataclasses import replace

import pytest
from house import House

from app.identity.documents import DOCUMENTS, TO_SIGN_UP, Purpose
from app.identity.services import consents

from .people import AGREED, Browser, person

PHONE = "13800001234"


@pytest.mark.parametrize(
    "given", [{}, {"terms": AGREED["terms"]}, {**AGREED, "privacy": "an old one"}]
)
def test_nobody_signs_up_without_consent(browser: Browser, given: dict[str, str]) -> None:
    ticket, code = browser.ask("sign-up", PHONE)
    body = {"ticket": ticket, "code": code, "name": "王", "agreed": given}
    answer = browser.post("/accounts", **body)
    assert (answer.status_code, answer.json["faults"][0]["code"]) == (422, "consent")  # type: ignore[index]
    assert browser.post("/accounts", **{**body, "agreed": AGREED}).status_code == 201
    told = browser.json("/me/consents")
    assert {one["purpose"] for one in told["items"]} == {"terms", "privacy"}
    assert told["due"] == []


def test_a_text_that_changes_is_asked_about_again(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(browser.house, PHONE)
    browser.sign_in(PHONE)
    newer = {**DOCUMENTS, "privacy": replace(DOCUMENTS["privacy"], version="newer")}
    monkeypatch.setattr(consents, "DOCUMENTS", newer)
    assert browser.json("/me/consents")["due"] == ["privacy"]
    old = {"version": DOCUMENTS["privacy"].version}
    assert browser.send("PUT", "/me/consents/privacy", old).status_code == 422
    answer = browser.send("PUT", "/me/consents/privacy", {"version": "newer"})
    assert answer.json["due"] == []  # type: ignore[index]
    versions = [o["version"] for o in answer.json["items"] if o["purpose"] == "privacy"]  # type: ignore[index]
    assert versions == ["newer", DOCUMENTS["privacy"].version]


def test_agreeing_again_changes_nothing(browser: Browser) -> None:
    person(browser.house, PHONE)
    browser.sign_in(PHONE)
    before = browser.json("/me/consents")
    body = {"version": DOCUMENTS["terms"].version}
    assert browser.send("PUT", "/me/consents/terms", body).json == before


def test_what_an_account_needs_is_withdrawn_by_closing_it(browser: Browser) -> None:
    person(browser.house, PHONE)
    browser.sign_in(PHONE)
    assert browser.send("DELETE", "/me/consents/terms").status_code == 405
    assert browser.send("PUT", "/me/consents/real-name", {"version": "x"}).status_code == 404


def test_the_texts_are_pages_in_chinese_and_in_english(house: House) -> None:
    for item in house.json("/api/v1/documents")["items"]:
        chinese = house.get(item["address"])
        english = house.get(item["address"] + "?lang=en")
        assert item["version"] in chinese
        assert item["version"] in english
        assert item["title"] in chinese
        assert item["title"] not in english.split("<footer")[0]
        house.client.delete_cookie("kaijuan_lang")


def test_a_version_is_told_by_every_word_of_both_languages() -> None:
    versions = {one.version for one in DOCUMENTS.values()}
    assert len(versions) == len(Purpose)
    assert all(len(one.texts["zh"].blocks) == len(one.texts["en"].blocks)
               for one in DOCUMENTS.values())  # fmt: skip
    assert set(TO_SIGN_UP) < set(Purpose)
