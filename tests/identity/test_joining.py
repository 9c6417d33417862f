"""Libraries ask to join, are let in or refused, suspended and resumed."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from house import House, environ_of
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.cli import main
from app.identity import tree
from app.identity.models import AuditEvent, LibraryApplication, LibraryState
from app.identity.services.joining import STEPS

Token = dict[str, str]
ASKED: dict[str, Any] = {
    "name": "北二市图书馆", "level": "city", "parent": "north", "code": "110200",
    "contact": {"name": "某馆长", "email": "head@library.example", "phone": "010 12345678"},
    "message": "有地方志三千册。",
}  # fmt: skip


@pytest.fixture
def north(house: House) -> Token:
    """The token of a provincial administrator."""
    house.network()
    return house.token("administrator", "north")


def ask(house: House, **other: Any) -> str:
    """Applies, and returns the id of the application."""
    answer = house.send("POST", "/api/v1/applications", ASKED | other)
    assert answer.status_code == 201, answer.text
    found: str = answer.json["id"]
    assert answer.headers["Location"] == f"/api/v1/applications/{found}"
    return found


def step(house: House, library: str, name: str, token: Token, reason: str = "") -> TestResponse:
    """Takes a step."""
    body = {"step": name, "reason": reason}
    return house.send("POST", f"/api/v1/libraries/{library}/steps", body, token)


def state(house: House, library: str) -> Any:
    """How the application of a library stands."""
    return house.json(f"/api/v1/applications/{library}")


def test_nobody_sees_who_asks_but_who_decides(house: House, north: Token) -> None:
    library = ask(house)
    south = house.token("administrator", "south")
    for place in ("", "/profile", "/history"):
        url = f"/api/v1/libraries/{library}{place}"
        assert house.client.get(url, headers=north).status_code == 404, place
    assert "北二" not in house.get("/api/v1/libraries?parent=north")
    assert step(house, library, "approve", south).status_code == 404
    assert house.json("/api/v1/applications", headers=south)["items"] == []
    one = house.json("/api/v1/applications", headers=north)["items"][0]
    assert (one["id"], one["contact"], one["code"], one["message"]) == (
        library, ASKED["contact"], "110200", ASKED["message"],
    )  # fmt: skip
    assert house.client.get("/api/v1/applications").status_code == 401
    librarian = house.token("librarian", "north")
    assert house.client.get("/api/v1/applications", headers=librarian).status_code == 403


def test_applications_are_listed_by_page_the_oldest_first(house: House, north: Token) -> None:
    asked = [ask(house, name=f"第{number}馆") for number in range(3)]
    first = house.json("/api/v1/applications?limit=2", headers=north)
    rest = house.json(f"/api/v1/applications?limit=2&cursor={first['next']}", headers=north)
    assert [one["id"] for one in first["items"] + rest["items"]] == asked
    assert rest["next"] is None


def test_a_library_joins_step_by_step_and_its_contact_is_forgotten(
    house: House, north: Token
) -> None:
    library = ask(house)
    assert step(house, library, "join", north).status_code == 409
    assert step(house, library, "approve", north).json["state"] == "setting-up"
    assert house.json(f"/api/v1/libraries/{library}")["state"] == "setting-up"
    mine = house.token("administrator", library)
    assert step(house, library, "join", mine).status_code == 403, "nobody lets themselves in"
    assert "state" not in step(house, library, "join", north).json
    with house.database.transaction(writes=False) as session:
        assert session.get(LibraryApplication, library) is None
        wanted = select(AuditEvent.action).where(AuditEvent.library_id == library)
        done = list(session.scalars(wanted.order_by(AuditEvent.id)))
    assert done == ["library.applied", "library.approved", "library.joined"]
    told = house.json(f"/api/v1/libraries/{library}/history")["items"]
    assert [line["kind"] for line in told] == ["joined", "approved", "applied"]


def test_who_is_refused_learns_why(house: House, north: Token) -> None:
    library = ask(house)
    assert step(house, library, "refuse", north).status_code == 422
    assert step(house, library, "refuse", north, "请先报省馆。").json["state"] == "refused"
    assert state(house, library)["reason"] == "请先报省馆。"
    assert house.client.get(f"/api/v1/libraries/{library}").status_code == 404
    assert house.json("/api/v1/applications", headers=north)["items"] == []
    assert house.client.get("/api/v1/applications/north").status_code == 404, "it never asked"


def test_a_contact_is_kept_sealed_and_told_to_no_log(
    house: House, north: Token, capfd: pytest.CaptureFixture[str]
) -> None:
    ask(house)
    with house.database.transaction(writes=False) as session:
        kept = session.scalars(select(LibraryApplication.contact)).one()
        told = b"".join(session.scalars(select(AuditEvent.detail)))
    assert b"library.example" not in kept
    assert b"library.example" not in told
    assert "library.example" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "wrong",
    [
        {"contact": {"name": "某人"}},
        {"contact": {"name": "某人", "email": "nowhere"}},
        {"contact": {"name": " ", "phone": "12345"}},
        {"name": "\u200b"},
        {"level": "king"},
        {"code": "1-1"},
        {"message": "a\u0000b"},
        {"state": "joined"},
    ],
)
def test_an_application_that_cannot_be_is_refused(
    house: House, north: Token, wrong: dict[str, Any]
) -> None:
    assert house.send("POST", "/api/v1/applications", ASKED | wrong).status_code == 422


def test_nobody_asks_for_a_place_that_is_not(house: House, north: Token) -> None:
    waiting = ask(house)
    for parent in ("nowhere", waiting):
        answer = house.send("POST", "/api/v1/applications", ASKED | {"parent": parent})
        assert answer.status_code == 404, parent


def test_asking_again_and_again_is_refused(house: House, north: Token) -> None:
    proxy = {"REMOTE_ADDR": "203.0.113.7"}
    answers = [
        house.client.post("/api/v1/applications", json=ASKED, environ_base=proxy).status_code
        for _ in range(21)
    ]
    assert answers == [201] * 20 + [429]


def test_a_suspended_librarys_staff_do_nothing_more_and_its_records_stay(
    house: House, north: Token
) -> None:
    record = house.record("县志", library="north-1")
    mine = house.token("cataloguer", "north-1")
    book = f"/api/v1/records/{record}"
    assert house.client.get(book, headers=mine).status_code == 200
    assert step(house, "north-1", "suspend", north).status_code == 422, "without a reason"
    assert step(house, "north-1", "suspend", north, "数据有误").json["state"] == "suspended"
    assert house.client.get(book, headers=mine).status_code == 403
    assert house.client.get(f"/api/v1/books/{record}").status_code == 200
    assert house.client.get(book, headers=north).status_code == 200, "those above go on"
    assert house.json("/api/v1/libraries?parent=north")["items"][0]["state"] == "suspended"
    assert "reason" not in house.json("/api/v1/libraries/north-1/history")["items"][0]
    assert step(house, "north-1", "resume", north).status_code == 200
    assert house.client.get(book, headers=mine).status_code == 200


def test_what_is_below_a_suspended_library_goes_on(house: House, north: Token) -> None:
    national = house.token("administrator", "nation")
    record = house.record("市志", library="north-1")
    below = house.token("cataloguer", "north-1")
    assert step(house, "north", "suspend", north, "试").status_code == 403, "not by itself"
    assert step(house, "north", "suspend", national, "试").status_code == 200
    assert house.client.get(f"/api/v1/records/{record}", headers=below).status_code == 200
    assert step(house, "north-1", "suspend", north, "试").status_code == 403, "its roles rest"


def test_every_state_has_exactly_the_steps_of_the_table(house: House, north: Token) -> None:
    national = house.token("administrator", "nation")
    for before in LibraryState:
        for name, taken in STEPS.items():
            with house.database.transaction() as session:
                tree.get(session, "north").state = before
            answer = step(house, "north", name, national, "因")
            fits = before in taken.before
            assert answer.status_code == (200 if fits else 409), (before, name)


def test_applications_are_decided_by_command_too(house: House, tmp_path: Path) -> None:
    house.network()
    library = ask(house)
    environ = environ_of(tmp_path / "data")

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["library", *arguments, "--json"], env=environ)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert library in said("applications")
    assert "library.example" not in said("applications")
    said("approve", library)
    assert '"state":"joined"' in said("join", library)
    assert library not in said("applications")
