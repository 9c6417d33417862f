"""Libraries move with everything below them, and what names their paths follows."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from house import House, json_lines
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from app.catalog.models import Import
from app.catalog.services.undoing import undo
from app.database import now, rfc3339
from app.errors import ConflictError
from app.identity import tree
from app.identity.models import AuditEvent, LibraryEvent
from app.identity.scope import EVERYWHERE
from app.identity.services import moving
from app.identity.services.audit import SYSTEM

Token = dict[str, str]


def go(house: House, library: str, parent: str, token: Token, version: int = 1) -> TestResponse:
    """Asks for a move."""
    headers = {**token, "If-Match": f'"v{version}"'}
    return house.send("POST", f"/api/v1/libraries/{library}/move", {"parent": parent}, headers)


def names(house: House, query: str = "") -> list[str]:
    """The ids of a list of libraries."""
    return [item["id"] for item in house.json(f"/api/v1/libraries?{query}")["items"]]


def grow(house: House, below: str, count: int) -> None:
    """So many counties below a library."""
    with house.database.transaction() as session:
        for number in range(count):
            tree.add(session, f"{below}-{number}", "县馆", "county", below)


@pytest.fixture
def national(house: House) -> Token:
    """The token of the national administrator, in a network of two provinces."""
    house.network()
    return house.token("administrator", "nation")


def test_what_is_below_goes_with_it(house: House, national: Token) -> None:
    grow(house, "north-1", 2)
    answer = go(house, "north-1", "south", national)
    assert (answer.status_code, answer.json["parent"], answer.headers["ETag"]) == (
        200, "south", '"v2"',
    )  # fmt: skip
    assert (names(house, "parent=north"), names(house, "parent=south")) == ([], ["north-1"])
    with house.database.transaction(writes=False) as session:
        paths = tree.paths(session)
    assert paths["north-1-1"].startswith(paths["north-1"])
    assert paths["north-1"].startswith(paths["south"])


@pytest.mark.parametrize("parent", ["north-1", "north", "north-1-0"])
def test_nothing_moves_below_itself_or_to_where_it_is(
    house: House, national: Token, parent: str
) -> None:
    grow(house, "north-1", 1)
    assert go(house, "north-1", parent, national).status_code == 409


def test_who_moves_decides_on_both_places(house: House, national: Token) -> None:
    for place in ("north", "south"):
        one = house.token("administrator", place)
        assert go(house, "north-1", "south", one).status_code == 403, place
    both = house.token("administrator", "north")
    librarian = house.token("librarian", "nation")
    assert go(house, "north-1", "south", librarian).status_code == 403
    assert go(house, "north", "south", both).status_code == 403, "nothing it stands below"
    assert go(house, "nation", "south", national).status_code == 403, "a root"
    assert go(house, "north-1", "south", national, version=7).status_code == 412
    assert go(house, "nobody", "south", national).status_code == 404


def test_a_move_ends_where_paths_end(house: House, national: Token) -> None:
    with house.database.transaction() as session:
        for depth in range(3, 17):
            tree.add(
                session, f"d{depth}", "馆", "special", f"d{depth - 1}" if depth > 3 else "south"
            )
    assert go(house, "north", "d15", national).status_code == 409, "its city would lie too deep"
    assert go(house, "north-1", "d15", national).status_code == 200
    assert go(house, "d16", "north-1", national).status_code == 409


def test_statements_do_not_grow_with_what_moves(house: House, national: Token) -> None:
    def cost(library: str, parent: str | None) -> int:
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(house.database.engine, "before_cursor_execute", note)
        with house.database.transaction() as session:
            moving.move(session, SYSTEM, EVERYWHERE, library, parent)
        event.remove(house.database.engine, "before_cursor_execute", note)
        return len(seen)

    few = cost("north", "south")
    grow(house, "north-1", 60)
    assert cost("north", "nation") == few < 20


def test_a_place_that_was_left_is_not_given_again(house: House, national: Token) -> None:
    with house.database.transaction(writes=False) as session:
        before = tree.paths(session)
    go(house, "north-1", "south", national)
    with house.database.transaction() as session:
        assert tree.add(session, "new", "新馆", "city", "north").path not in before.values()


def test_records_are_found_at_the_new_place_and_by_the_staff_there(
    house: House, national: Token
) -> None:
    house.record("方志", library="north-1")
    kept = house.record("内部方志", library="north-1", audience="staff")
    north, south = (house.token("cataloguer", place) for place in ("north", "south"))
    go(house, "north-1", "south", national)
    house.work()
    house.index()
    for place, token, count in (("north", north, 0), ("south", south, 2), ("nation", {}, 1)):
        found = house.json(f"/api/v1/search?q=方志&library={place}", headers=token)
        assert found["total"] == count, place
    assert house.client.get(f"/api/v1/books/{kept}", headers=north).status_code == 404
    assert house.client.get(f"/api/v1/books/{kept}", headers=south).status_code == 200


def test_marking_goes_on_after_the_last_batch(
    house: House, national: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalog.services.moving.BATCH", 2)
    records = [house.record(f"书{n}", library="north-1") for n in range(5)]
    records += [house.record("本", library="north", kind=kind) for kind in ("book", "collection")]
    records.append(house.record("别处的书", library="south"))
    go(house, "north", "south", national)
    house.work()
    versions = [house.client.get(f"/api/v1/records/{r}", headers=national) for r in records]
    assert [v.json["version"] for v in versions] == [2] * 7 + [1]


def test_an_import_is_undone_after_its_library_moved(
    house: House, national: Token, tmp_path: Path
) -> None:
    lines = json_lines(tmp_path / "a.jsonl", [{"title": "茶经"}, {"title": "水经"}])
    house.import_file(lines, library="north-1")
    again = json_lines(tmp_path / "b.jsonl", [{"title": "茶经校注"}])
    report = house.import_file(again, library="north-1")
    go(house, "north-1", "south", national)
    house.work()
    assert undo(house.database, report.id, None).restored == 1
    with house.database.transaction(writes=False) as session:
        first = session.scalars(select(Import.id).where(Import.id != report.id)).one()
    left = undo(house.database, first, None)
    assert (left.withdrawn, left.kept) == (1, 1)


def test_what_happened_is_told_with_what_was_and_what_is(house: House, national: Token) -> None:
    go(house, "north-1", "south", national)
    headers = {**national, "If-Match": '"v2"'}
    body = {"name": "南一市图书馆", "level": "county"}
    assert house.send("PATCH", "/api/v1/libraries/north-1", body, headers).status_code == 200
    told = house.json("/api/v1/libraries/north-1/history?limit=1")
    rest = house.json(f"/api/v1/libraries/north-1/history?cursor={told['next']}")
    renamed, moved = told["items"][0], rest["items"][0]
    assert (renamed["kind"], renamed["was"]["level"], renamed["now"]["name"]) == (
        "renamed", "city", "南一市图书馆",
    )  # fmt: skip
    assert (moved["kind"], moved["was"], moved["now"]) == (
        "moved", {"parent": "north"}, {"parent": "south"},
    )  # fmt: skip
    assert ("by" in moved, rest["next"]) == (False, None)
    full = house.json("/api/v1/libraries/north-1/history", headers=national)
    with house.database.transaction(writes=False) as session:
        actors = set(session.scalars(select(AuditEvent.actor).where(
            AuditEvent.action.in_(("library.moved", "library.renamed")))))  # fmt: skip
    assert {line["by"] for line in full["items"]} == actors


def test_a_librarian_renames_and_does_not_raise_their_own_library(
    house: House, national: Token
) -> None:
    mine = {**house.token("librarian", "north-1"), "If-Match": '"v1"'}
    above = {**house.token("librarian", "south"), "If-Match": '"v1"'}
    place = "/api/v1/libraries/north-1"
    assert house.send("PATCH", place, {"level": "national"}, mine).status_code == 403
    assert house.send("PATCH", place, {"name": "别名"}, above).status_code == 403
    assert house.send("PATCH", place, {"name": "别名", "code": "110100"}, mine).status_code == 200
    assert house.send("PATCH", place, {"name": "再改"}, mine).status_code == 412
    for wrong in ({"name": " \u200b "}, {"code": "1-1"}, {"level": "king"}):
        fresh = {**national, "If-Match": '"v2"'}
        assert house.send("PATCH", place, wrong, fresh).status_code == 422, wrong


def test_the_tree_is_read_as_it_was(house: House, national: Token) -> None:
    moments = [rfc3339(now())]
    go(house, "north-1", "south", national)
    moments.append(rfc3339(now()))
    house.send("PATCH", "/api/v1/libraries/north-1", {"name": "改名"},
               {**national, "If-Match": '"v2"'})  # fmt: skip
    with house.database.transaction() as session:
        tree.add(session, "late", "后来的馆", "city", "south")
    go(house, "north-1", "north", national, version=3)

    def was(parent: str, at: str) -> list[str]:
        found = house.json(f"/api/v1/libraries?parent={parent}&at={at}")
        return [item["name"] for item in found["items"]]

    assert [was("north", at) for at in moments] == [["北一市图书馆"], []]
    assert [was("south", at) for at in moments] == [[], ["北一市图书馆"]]
    assert was("south", rfc3339(now())) == ["后来的馆"]
    assert was("north", rfc3339(now())) == ["改名"]
    assert names(house, "at=2001-01-01T00:00:00Z") == []
    assert names(house, f"at={moments[0]}") == ["nation"]


def test_a_move_that_is_rolled_back_leaves_nothing(house: House, national: Token) -> None:
    with house.database.transaction() as session:
        moving.move(session, SYSTEM, EVERYWHERE, "north-1", "south")
        session.rollback()
    with house.database.transaction(writes=False) as session:
        left: Sequence[str] = session.scalars(select(LibraryEvent.id)).all()
        parent = tree.get(session, "north-1").parent_id
    assert (list(left), parent) == ([], "north")


def test_two_at_once_never_go_below_each_other(house: House, national: Token) -> None:
    begun = Barrier(2)

    def swap(library: str, parent: str) -> bool:
        begun.wait()
        try:
            house.database.run(
                lambda session: moving.move(session, SYSTEM, EVERYWHERE, library, parent)
            )
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(swap, ("north", "south"), ("south", "north")))
    assert sorted(done) == [False, True]
    with house.database.transaction(writes=False) as session:
        assert tree.astray(session) == 0


def test_what_is_added_below_a_library_that_moves_goes_with_it(
    house: House, national: Token
) -> None:
    begun = Barrier(2)

    def add() -> None:
        begun.wait()
        house.database.run(lambda session: tree.add(session, "x", "县馆", "county", "north-1"))

    def move() -> None:
        begun.wait()
        house.database.run(
            lambda session: moving.move(session, SYSTEM, EVERYWHERE, "north", "south")
        )

    with ThreadPoolExecutor(2) as pool:
        for work in [pool.submit(add), pool.submit(move)]:
            work.result()
    with house.database.transaction(writes=False) as session:
        assert tree.astray(session) == 0
