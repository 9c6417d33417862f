"""Staff find what was done in their libraries and those below; readers' doings are not in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from house import House
from sqlalchemy import event, text

from app.database import now, rfc3339
from app.identity.services import audit


@pytest.fixture
def libraries(house: House) -> House:
    """One event in each library of a network, and one in none."""
    house.network()
    done = (
        ("root", "account:1", "role.given", "nation"),
        ("north", "account:2", "role.given", "north"),
        ("city", "account:3", "role.taken", "north-1"),
        ("south", "account:4", "role.given", "south"),
        ("nobody", "library:x", "backup.restored", None),
        ("gone", "library:y", "library.gone", "no-longer"),
    )
    for actor, subject, action, library in done:
        with house.database.transaction() as session:
            audit.note(session, audit.Actor(actor), action, subject, library, of=actor)
    return house


@pytest.fixture
def statements(house: House) -> Iterator[list[str]]:
    """What is asked of the database that mentions the events."""
    seen: list[str] = []

    def keep(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "audit_events" in statement:
            seen.append(statement)

    event.listen(house.database.engine, "before_cursor_execute", keep)
    yield seen
    event.remove(house.database.engine, "before_cursor_execute", keep)


def actors(house: House, where: str, **query: str) -> list[str]:
    """What a librarian there sees of what accounts did."""
    token = house.token("librarian", where)
    found = house.json("/api/v1/audit", headers=token, query_string=query)
    return [line["actor"] for line in found["items"] if line["actor"]]


@pytest.mark.parametrize(
    ("library", "seen"),
    [
        ("nation", ["nobody", "south", "city", "north", "root"]),
        ("north", ["city", "north"]),
        ("north-1", ["city"]),
        ("south", ["south"]),
    ],
)
def test_it_is_cut_to_the_subtree(libraries: House, library: str, seen: list[str]) -> None:
    assert actors(libraries, library) == seen


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ({"actor": "north"}, ["north"]),
        ({"subject": "account:3"}, ["city"]),
        ({"action": "role.given"}, ["south", "north", "root"]),
        ({"library": "north"}, ["city", "north"]),
        ({"since": "2999-01-01T00:00:00Z"}, []),
        ({"until": "2999-01-01T00:00:00+08:00", "actor": "root"}, ["root"]),
        ({"until": "2000-01-01T00:00:00Z"}, []),
    ],
)
def test_it_is_narrowed(libraries: House, query: dict[str, str], seen: list[str]) -> None:
    assert actors(libraries, "nation", **query) == seen


def test_another_root_does_not_see_what_is_of_no_library(libraries: House) -> None:
    with libraries.database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO libraries (id, name, level, path, added_at)"
                " VALUES ('other', '别处', 'special', '000z', 0)"
            )
        )
    assert actors(libraries, "other") == []


def test_pages_follow_each_other_in_one_statement_each(
    libraries: House, statements: list[str]
) -> None:
    token, seen, cursor = libraries.token("librarian", "nation"), [], ""
    for _ in range(5):
        page = libraries.json(
            "/api/v1/audit", headers=token, query_string={"limit": "1", "cursor": cursor}
        )
        seen += [line["actor"] for line in page["items"]]
        cursor = page["next"]
    assert seen == ["nobody", "south", "city", "north", "root"]
    assert cursor is None
    if libraries.database.is_sqlite:
        assert len(statements) == 5


def test_a_line_says_who_did_what_and_when(libraries: House) -> None:
    began = rfc3339(now())
    headers = libraries.token("librarian", "north-1")
    (line,) = libraries.json("/api/v1/audit", headers=headers)["items"]
    assert {name: line[name] for name in ("subject", "action", "library", "detail")} == {
        "subject": "account:3",
        "action": "role.taken",
        "library": "north-1",
        "detail": {"of": "city"},
    }
    assert line["at"] < began


@pytest.mark.parametrize(
    ("role", "library", "query", "status"),
    [
        ("cataloguer", "nation", "", 403),
        ("reviewer", "nation", "", 403),
        ("librarian", "north", "?library=south", 403),
        ("librarian", "north", "?library=nowhere", 404),
        ("librarian", "north", "?since=yesterday", 422),
        ("librarian", "north", "?since=2026-01-01T00:00:00", 422),
        ("librarian", "north", "?cursor=AAAA", 404),
    ],
)
def test_who_may_not_does_not(
    libraries: House, role: str, library: str, query: str, status: int
) -> None:
    token = libraries.token(role, library)
    assert libraries.client.get(f"/api/v1/audit{query}", headers=token).status_code == status
    assert libraries.client.get("/api/v1/audit").status_code == 401


def test_what_readers_read_and_seek_is_not_audited(house: House) -> None:
    record = house.record("红楼梦")
    reader = {"Cookie": f"kaijuan={house.secret('session', None)}"}
    before = count(house)
    for path in ("/api/v1/search?q=红楼", f"/api/v1/books/{record}", f"/books/{record}", "/"):
        house.client.get(path, headers=reader)
    assert count(house) == before


def count(house: House) -> int:
    with house.database.transaction(writes=False) as session:
        return session.scalar(text("SELECT count(*) FROM audit_events")) or 0


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "ix_audit_events_at_id"),
        ({"actor": "root"}, "ix_audit_events_actor_at_id"),
        ({"subject": "account:1"}, "ix_audit_events_subject_at_id"),
        ({"action": "role.given"}, "ix_audit_events_action_at_id"),
    ],
)
def test_an_index_gives_the_order(
    libraries: House, statements: list[str], query: dict[str, str], index: str
) -> None:
    actors(libraries, "nation", **query)
    (statement,) = [s for s in statements if s.startswith("SELECT audit_events.id")]
    with libraries.database.engine.connect() as connection:
        marks = statement.count("?")
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("",) * marks).all()
    steps = [row[3] for row in plan]
    assert index in steps[0], steps
    assert not any("TEMP B-TREE" in step for step in steps), steps
