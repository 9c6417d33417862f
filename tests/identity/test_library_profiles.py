"""What a library says of itself: contacts, address, opening times, look."""

from typing import Any

import pytest
from house import House
from werkzeug.test import TestResponse

PLACE = "/api/v1/libraries/north-1/profile"
PROFILE: dict[str, Any] = {
    "contacts": {"phone": "010 1234-5678", "email": "desk@library.example"},
    "address": {"text": "某路一号", "postcode": "100000", "latitude": 39.9, "longitude": 116.4},
    "opening": [
        {"day": 1, "opens": "09:00", "closes": "12:00"},
        {"day": 1, "opens": "13:00", "closes": "24:00"},
    ],
    "look": {"colour": "#8a1f11", "motto": "开卷有益", "website": "https://library.example/"},
}


def say(house: House, body: Any, version: int = 1, library: str = "north-1") -> TestResponse:
    """Sets the profile as a librarian of this library."""
    headers = {**house.token("librarian", library), "If-Match": f'"v{version}"'}
    return house.send("PUT", PLACE, body, headers)


@pytest.fixture(autouse=True)
def _network(house: House) -> None:
    house.network()


def test_what_was_said_is_read_by_everybody(house: House) -> None:
    empty = house.client.get(PLACE)
    assert (empty.json, empty.headers["ETag"]) == ({}, '"v1"')
    assert say(house, PROFILE).headers["ETag"] == '"v2"'
    told = house.client.get(PLACE)
    assert (told.json, told.headers["ETag"]) == (PROFILE, '"v2"')


def test_nothing_is_written_over_what_was_not_read(house: House) -> None:
    assert say(house, PROFILE).status_code == 200
    assert say(house, {}).status_code == 412
    token = house.token("librarian", "north-1")
    assert house.send("PUT", PLACE, {}, token).status_code == 428
    assert say(house, {}, 2).status_code == 200
    assert house.json(PLACE) == {}


def test_only_its_own_librarians_and_those_above_speak_for_it(house: House) -> None:
    assert say(house, PROFILE, library="south").status_code == 403
    assert say(house, PROFILE, library="north").status_code == 200
    assert house.client.get("/api/v1/libraries/nobody/profile").status_code == 404


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("look", {"colour": "red"}),
        ("look", {"colour": "#FFF"}),
        ("look", {"website": "javascript:alert(1)"}),
        ("look", {"website": "https://user:word@library.example/"}),
        ("look", {"website": "https://"}),
        ("look", {"website": 'https://a.example/" onload=x'}),
        ("look", {"website": "http://[::1"}),
        ("look", {"motto": "长" * 81}),
        ("address", {"latitude": 91, "longitude": 0}),
        ("address", {"latitude": 39.9}),
        ("address", {"text": "一\n二"}),
        ("contacts", {"email": "a b@c"}),
        ("contacts", {"phone": "call me"}),
        ("opening", [{"day": 8, "opens": "09:00", "closes": "10:00"}]),
        ("opening", [{"day": 1, "opens": "10:00", "closes": "09:00"}]),
        ("opening", [{"day": 1, "opens": "24:00", "closes": "24:00"}]),
        ("opening", [{"day": 1, "opens": "9:00", "closes": "10:00"}]),
        (
            "opening",
            [
                {"day": 2, "opens": "13:00", "closes": "18:00"},
                {"day": 2, "opens": "09:00", "closes": "13:30"},
            ],
        ),
        ("unknown", {}),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(house: House, part: str, wrong: Any) -> None:
    answer = say(house, {part: wrong})
    assert answer.status_code == 422
    assert answer.json["faults"][0]["place"].startswith(f"body.{part}")
