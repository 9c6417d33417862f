"""What is kept for staff: seen by those who may edit at its library, never by a sibling."""

import random
from pathlib import Path

import pytest
from archives import epub
from house import House
from sqlalchemy import select

from app.catalog import composing
from app.catalog.models import HeldPublication, RecordRow
from app.catalog.services import changes, placing
from app.database import now
from app.identity import access, tree
from app.identity.models import Library

TITLE = "内部资料"
LISTS = ("books?limit=100", "search?q=内部资料&limit=50", "suggest?q=内部&limit=10")
BESIDE = ("/cover", "/manifest", "/positions", "/download", "/editions", "")


@pytest.fixture(params=[1, 2])
def seeded(request: pytest.FixtureRequest, house: House, tmp_path: Path) -> House:
    """A tree grown at random, a staff record of a book at each of its libraries."""
    dice = random.Random(request.param)
    with house.database.transaction() as session:
        names = [tree.add(session, "l0", "馆", "national", None).id]
        for number in range(1, 6):
            above = dice.choice([None, *names])
            names.append(tree.add(session, f"l{number}", "馆", "city", above).id)
    book = house.book(epub(tmp_path / "a.epub", title="公开的书"))
    for name in names:
        hold(house, house.record(TITLE, library=name, audience="staff"), book)
    house.index()
    return house


def hold(house: House, record: str, book: str) -> None:
    """Has a record hold what another one holds."""
    with house.database.transaction() as session:
        wanted = select(HeldPublication.sha256).where(HeldPublication.record_id == book)
        digest = session.scalars(wanted).one()
        session.add(HeldPublication(record_id=record, sha256=digest, filename="书", held_at=now()))
        changes.set_media(session, changes.load(session, record), composing.Media("epub", True))


def staff_records(house: House) -> dict[str, str]:
    """The path of its library by each record that is kept for staff."""
    with house.database.transaction(writes=False) as session:
        wanted = select(RecordRow.id, Library.path).join(
            Library, Library.id == RecordRow.library_id
        )
        rows = session.execute(wanted.where(RecordRow.audience == "staff"))
        return {row.id: row.path for row in rows}


def path_of(house: House, library: str) -> str:
    """The path of a library."""
    with house.database.transaction(writes=False) as session:
        return tree.get(session, library).path


def test_nobody_sees_what_a_sibling_keeps_for_its_staff(seeded: House) -> None:
    kept = staff_records(seeded)
    for library in (None, *(f"l{n}" for n in range(6))):
        token = seeded.token("cataloguer", library) if library else seeded.token("operator", "l0")
        mine = path_of(seeded, library) if library else "none"
        theirs = {record for record, path in kept.items() if path.startswith(mine)}
        for place in LISTS:
            items = seeded.json(f"/api/v1/{place}", headers=token)["items"]
            seen = {item["id"] for item in items} & set(kept)
            assert seen <= theirs, place
            assert seen == theirs or "suggest" in place, place
        seen_of_each(seeded, token, theirs, set(kept))


def seen_of_each(house: House, token: dict[str, str], theirs: set[str], kept: set[str]) -> None:
    """That each record, and all beside it, is there for those who may see it alone."""
    for record in kept:
        for beside in BESIDE:
            answer = house.client.get(f"/api/v1/books/{record}{beside}", headers=token)
            answer.close()
            there = (200, 302)  # where a store has addresses of its own, downloads lead to them
            assert answer.status_code in (there if record in theirs else (404,)), beside
        page = house.client.get(f"/books/{record}", headers=token)
        assert page.status_code == (200 if record in theirs else 404)
        if record in theirs:
            items = house.json(f"/api/v1/books/{record}/editions", headers=token)["items"]
            assert {item["id"] for item in items} == theirs


def test_the_public_sees_nothing_of_it(seeded: House) -> None:
    for place in LISTS:
        items = seeded.json(f"/api/v1/{place}")["items"]
        assert not {item["id"] for item in items} & set(staff_records(seeded)), place
    for record in staff_records(seeded):
        assert seeded.client.get(f"/api/v1/books/{record}").status_code == 404


def test_a_record_that_moves_is_seen_where_it_is_now(house: House) -> None:
    house.network()
    record = house.record(TITLE, library="north", audience="staff")
    with house.database.transaction() as session:
        row = changes.load(session, record)
        changes.edit(session, row, {}, None, place=placing.Place(library_id="south"))
    house.index()
    for library, total in (("north", 0), ("south", 1), ("nation", 1)):
        token = house.token("cataloguer", library)
        assert house.json("/api/v1/search?q=内部资料", headers=token)["total"] == total
        assert house.json("/api/v1/books", headers=token)["items"][:1] != [] or not total


@pytest.mark.parametrize("token", ["staff", "staff:", "nobody", "all", ""])
def test_words_that_are_no_tokens_admit_nobody(token: str) -> None:
    assert not access.admits((token,), "staff", "0001")
    assert not access.admits((token, "public"), token, "0001")
    assert access.staff_paths((token,)) == ()
