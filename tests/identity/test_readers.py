"""The readers of a library and of those below it: listed, counted, searched, suspended, moved."""

from typing import Any
from urllib.parse import quote

import pytest
from house import House
from sqlalchemy import select

from app.identity.models import AuditEvent

from .network import Person, reader

PHONE = "13800000001"


@pytest.fixture
def librarian(house: House) -> Person:
    """Runs the library of the northern province; two readers there, others around it."""
    house.network()
    for name, home in (
        ("张三", "north"),
        ("李四", "north-1"),
        ("王五", "south"),
        ("赵六", "nation"),
    ):
        reader(house, name, home)
    reader(house, "無家", None)
    return Person(house, "librarian@north")


def names(page: Any) -> list[str]:
    """Who is listed."""
    return [item["name"] for item in page["items"]]


def all_pages(person: Person, path: str) -> list[str]:
    """Who is listed on all the pages together, one at a time."""
    found, cursor = [], ""
    while True:
        page = person.get(f"{path}limit=1{cursor}")
        found += names(page)
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def test_readers_of_below_are_listed_by_place_then_newest(house: House, librarian: Person) -> None:
    reader(house, "周七", "north")
    assert names(librarian.get("north/readers")) == ["周七", "张三", "李四"]
    assert all_pages(librarian, "north/readers?") == ["周七", "张三", "李四"]
    assert names(librarian.get("north-1/readers")) == ["李四"]
    assert librarian.get("north/readers/count") == {"readers": 3, "verified": 0}


def test_a_library_beside_or_above_is_out_of_reach(librarian: Person) -> None:
    for path in ("readers", "readers/count", "readers?q=王", "staff", "readers/x"):
        for library in ("south", "nation"):
            assert librarian.status("GET", f"{library}/{path}") == 403
        assert librarian.status("GET", f"nowhere/{path}") == 404


def test_a_reader_of_another_library_is_not_there(house: House, librarian: Person) -> None:
    theirs = reader(house, "南方", "south", phone=PHONE)
    for path in (f"north/readers/{theirs}", "north/readers/nobody"):
        assert librarian.status("GET", path) == 404
    for account in (theirs, "nobody"):
        for method in ("PUT", "DELETE"):
            assert librarian.status(method, f"north/readers/{account}/suspension") == 404
    assert librarian.get(f"north/readers?q={PHONE}")["items"] == []


def test_a_reader_is_shown_by_masks_alone(house: House, librarian: Person) -> None:
    account = reader(house, "周七", "north-1", assurance=3, phone=PHONE, card="A1234567")
    shown = librarian.get(f"north/readers/{account}")
    assert shown["handles"] == [
        {"kind": "card", "mask": "****4567"}, {"kind": "phone", "mask": "138****0001"},
    ]  # fmt: skip
    assert (shown["home"], shown["assurance"], shown["state"]) == ("north-1", 3, "open")
    assert PHONE not in librarian.send("GET", f"north/readers/{account}").text


def test_names_are_found_by_their_beginning_however_written(
    house: House, librarian: Person
) -> None:
    for name, home in (
        ("張三豐", "north-1"),
        ("小张", "north"),
        ("Ａｎｎａ Li", "north"),
        ("张飞", "south"),
    ):
        reader(house, name, home)
    assert names(librarian.get("north/readers?q=张三")) == ["张三", "張三豐"]
    assert names(librarian.get("north/readers?q=anna")) == ["Ａｎｎａ Li"]
    assert all_pages(librarian, "north/readers?q=張&") == ["张三", "張三豐"]
    assert names(librarian.get("north/readers?q=·")) == []


def test_handles_are_found_whole_and_as_people_write_them(house: House, librarian: Person) -> None:
    reader(house, "周七", "north", phone=PHONE, card="A1234567")
    for asked in (PHONE, "138 0000 0001", "a1234567", "＋86 138-0000-0001"):
        page = librarian.get(f"north/readers?limit=1&q={quote(asked)}")
        assert (names(page), page["next"]) == (["周七"], None), asked
    assert names(librarian.get("north/readers?q=1380000")) == []


def test_who_is_found_by_number_and_by_name_is_shown_once(house: House, librarian: Person) -> None:
    reader(house, "8000001 first", "north", card="8000001")
    reader(house, "8000001 second", "north-1")
    expected = ["8000001 first", "8000001 second"]
    assert names(librarian.get("north/readers?q=8000001")) == expected
    assert all_pages(librarian, "north/readers?q=8000001&") == expected


def test_a_card_is_found_at_its_own_library_alone(house: House, librarian: Person) -> None:
    reader(house, "周七", "north-1", card="A1234567")
    assert names(librarian.get("north-1/readers?q=A1234567")) == ["周七"]
    assert names(librarian.get("north/readers?q=A1234567")) == []


def test_a_cursor_serves_its_own_question_alone(librarian: Person) -> None:
    cursor = librarian.get("north/readers?limit=1")["next"]
    for other in ("north-1/readers?", "north/readers?q=张&"):
        assert librarian.status("GET", f"{other}cursor={cursor}") == 404


def test_a_reader_is_suspended_and_resumed(house: House, librarian: Person) -> None:
    person = Person(house)
    house_reader = reader(house, "周七", "north-1")
    for method, state in (("PUT", "suspended"), ("PUT", "suspended"), ("DELETE", "open")):
        assert librarian.status(method, f"north/readers/{house_reader}/suspension") == 204
        assert librarian.get(f"north/readers/{house_reader}")["state"] == state
    assert actions(house, house_reader) == ["reader.suspended", "reader.resumed"]
    assert person.status("PUT", f"north/readers/{house_reader}/suspension") == 403


def test_a_reader_moves_where_both_homes_are_managed(house: House, librarian: Person) -> None:
    account = reader(house, "周七", "north-1", assurance=3)
    path = f"north/readers/{account}/home"
    assert librarian.status("PUT", path, {"library": "south"}) == 403
    assert librarian.status("PUT", path, {"library": "nowhere"}) == 404
    assert librarian.status("PUT", path, {"library": "north"}) == 204
    assert librarian.get("north-1/readers/count") == {"readers": 1, "verified": 0}
    assert librarian.get("north/readers/count") == {"readers": 3, "verified": 1}
    assert actions(house, account) == ["reader.moved", "reader.moved"]


def test_a_cataloguer_sees_no_readers(house: House, librarian: Person) -> None:
    cataloguer = Person(house, "cataloguer@nation")
    assert cataloguer.status("GET", "north/readers") == 403
    assert house.client.get("/api/v1/libraries/north/readers").status_code == 401


def actions(house: House, account_id: str) -> list[str]:
    """What was done to an account, as the audit has it."""
    with house.database.transaction(writes=False) as session:
        wanted = select(AuditEvent.action).where(AuditEvent.subject == f"account:{account_id}")
        return list(session.scalars(wanted.order_by(AuditEvent.id)))
