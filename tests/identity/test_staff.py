"""Roles: given and withdrawn within what the giver may do there, whatever is tried."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from house import House
from sqlalchemy import select, update

from app.database import now
from app.identity import accounts
from app.identity.models import Account, AuditEvent, Grant, Library
from app.identity.roles import Role
from app.web.idempotency import KeptAnswer

from .network import Person


@pytest.fixture(autouse=True)
def network(house: House) -> None:
    """A nation, two provinces, a city in the first."""
    house.network()


def roles(house: House, person: Person) -> list[str]:
    """What somebody has, written ``role@library``."""
    with house.database.transaction(writes=False) as session:
        mine = session.scalars(select(Grant).where(Grant.account_id == person.id)).all()
        return sorted(f"{grant.role}@{grant.library_id}" for grant in mine)


def set_library(house: House, library_id: str, **values: Any) -> None:
    """Changes a library behind everybody's back."""
    with house.database.transaction() as session:
        session.execute(update(Library).where(Library.id == library_id).values(**values))


def test_a_librarian_gives_and_withdraws_roles_at_and_below_the_library(house: House) -> None:
    giver, colleague = Person(house, "librarian@north"), Person(house)
    for role in (Role.CONTRIBUTOR, Role.CATALOGUER, Role.REVIEWER, Role.LIBRARIAN):
        assert giver.gives(colleague, role, "north-1") == 201
        assert giver.gives(colleague, role, "north-1") == 201, "doing it again changes nothing"
        assert giver.withdraws(colleague, role, "north-1") == 204
    assert giver.gives(colleague, "reviewer", "north") == 201
    assert roles(house, colleague) == ["reviewer@north"]
    assert giver.status("DELETE", f"north/staff/{colleague.id}") == 204
    assert giver.status("DELETE", f"north/staff/{colleague.id}") == 404


def test_what_was_given_works_at_once_and_what_was_withdrawn_no_longer(house: House) -> None:
    giver, colleague = Person(house, "librarian@north"), Person(house)
    assert colleague.status("GET", "north-1/readers") == 403
    assert giver.gives(colleague, "librarian", "north") == 201
    assert colleague.status("GET", "north-1/readers") == 200
    assert giver.withdraws(colleague, "librarian", "north") == 204
    assert colleague.status("GET", "north-1/readers") == 403


def test_nothing_is_given_or_withdrawn_beside_or_above(house: House) -> None:
    giver = Person(house, "librarian@north")
    for library in ("south", "nation"):
        for role in Role:
            other = Person(house, f"{role}@{library}")
            assert giver.gives(other, role, library) == 403
            assert giver.withdraws(other, role, library) == 403
            assert roles(house, other) == [f"{role}@{library}"]


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.OPERATOR])
def test_no_role_is_given_that_may_more_than_the_giver(house: House, role: str) -> None:
    giver, other = Person(house, "librarian@north"), Person(house)
    for library in ("north", "north-1"):
        assert giver.gives(other, role, library) == 403
    refused = giver.send("POST", "north/staff", {"name": "新人", "role": role})
    assert refused.status_code == 403
    with house.database.transaction(writes=False) as session:
        assert session.scalar(select(Account.id).where(Account.name == "新人")) is None


def test_powers_of_two_places_do_not_add_up(house: House) -> None:
    giver = Person(house, "librarian@north", "operator@south", "administrator@north-1")
    other = Person(house)
    assert giver.gives(other, "operator", "north") == 403
    assert giver.gives(other, "librarian", "south") == 403
    assert giver.gives(other, "administrator", "north-1") == 201


def test_giving_needs_the_right_to_manage_staff_there(house: House) -> None:
    other = Person(house)
    for role in (Role.CONTRIBUTOR, Role.CATALOGUER, Role.REVIEWER, Role.OPERATOR):
        assert Person(house, f"{role}@nation").gives(other, role, "north") == 403
    split = Person(house, "reviewer@nation", "librarian@north-1")
    assert split.gives(other, "reviewer", "north") == 403


def test_nobody_raises_or_strips_themselves(house: House) -> None:
    person = Person(house, "administrator@nation", "reviewer@north", "operator@north-1")
    before = roles(house, person)
    for library in ("nation", "north", "north-1"):
        for role in Role:
            assert person.gives(person, role, library) == 403
            assert person.withdraws(person, role, library) == 403
        assert person.status("DELETE", f"{library}/staff/{person.id}") == 403
    assert roles(house, person) == before


def test_who_may_more_at_that_place_is_left_alone(house: House) -> None:
    giver = Person(house, "librarian@north")
    above = Person(house, "administrator@nation", "cataloguer@north-1")
    assert giver.gives(above, "reviewer", "north-1") == 403
    assert giver.withdraws(above, "cataloguer", "north-1") == 403
    deputy = Person(house, "administrator@north-1", "cataloguer@north-1")
    assert giver.withdraws(deputy, "cataloguer", "north-1") == 403
    assert giver.withdraws(deputy, "administrator", "north-1") == 403
    assert giver.status("DELETE", f"north-1/staff/{deputy.id}") == 403
    assert giver.gives(deputy, "reviewer", "north") == 201, "at north they may nothing"
    equal = Person(house, "librarian@north")
    assert giver.withdraws(equal, "librarian", "north") == 204


def test_a_role_of_another_release_is_nobodys_to_give_and_the_highest_to_take(
    house: House,
) -> None:
    giver, chief = Person(house, "librarian@nation"), Person(house, "administrator@nation")
    other = Person(house)
    for person in (giver, chief):
        for unknown in ("overseer", "", "Administrator", "administrator ", "x" * 40):
            assert person.gives(other, unknown, "north") == 422
    with house.database.transaction() as session:
        session.add(Grant(account_id=other.id, role="overseer", library_id="north"))
    assert other.status("GET", "north/readers") == 403
    assert giver.gives(other, "cataloguer", "north") == 403
    assert giver.status("DELETE", f"north/staff/{other.id}") == 403
    assert chief.withdraws(other, "overseer", "north") == 204


def test_what_a_suspended_library_gave_holds_nothing(house: House) -> None:
    giver, other = Person(house, "librarian@north"), Person(house, "reviewer@north")
    set_library(house, "north", state="suspended")
    assert giver.gives(other, "cataloguer", "north") == 403
    assert giver.gives(other, "cataloguer", "north-1") == 403
    assert giver.withdraws(other, "reviewer", "north") == 403
    assert giver.status("GET", "north-1/readers") == 403
    chief = Person(house, "librarian@nation")
    assert chief.withdraws(other, "reviewer", "north") == 204, "it is mended from above"
    set_library(house, "north", state="joined")
    assert giver.gives(other, "cataloguer", "north-1") == 201


def test_an_account_that_is_suspended_or_closed_may_and_gets_nothing(house: House) -> None:
    chief = Person(house, "administrator@nation")
    suspended, closed = Person(house, "librarian@north"), Person(house)
    with house.database.transaction() as session:
        session.get_one(Account, suspended.id).suspended_at = now()
        session.get_one(Account, closed.id).closed_at = now()
    assert suspended.gives(Person(house), "reviewer", "north") in (401, 403)
    assert chief.gives(suspended, "reviewer", "north") == 409
    assert chief.gives(closed, "reviewer", "north") == 404
    assert chief.gives("nobody", "reviewer", "north") == 404


def test_a_session_from_before_counts_for_what_holds_now(house: House) -> None:
    """The caller is known before the transaction that writes: what comes between is seen."""
    giver, other = Person(house, "librarian@north"), Person(house)
    found = accounts.find

    def find_then_strip(*given: Any) -> Any:
        known = found(*given)
        with house.database.transaction() as session:
            session.execute(
                update(Grant).where(Grant.account_id == giver.id).values(role="reviewer")
            )
        return known

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "find", find_then_strip)
        assert giver.gives(other, "reviewer", "north-1") == 403
    assert roles(house, other) == []


def test_two_who_strip_each_other_at_once_do_not_both_succeed(house: House) -> None:
    pair = [Person(house, "administrator@nation") for _ in range(2)]

    def strip(number: int) -> int:
        client = house.app.test_client()
        path = f"/api/v1/libraries/nation/staff/{pair[1 - number].id}"
        return client.delete(path, headers=pair[number].headers).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(strip, range(2))) == [204, 403]


def test_systems_are_no_staff(house: House) -> None:
    giver = Person(house, "librarian@north")
    with house.database.transaction() as session:
        system = accounts.add_account(session, "系统", kind="service").id
    assert giver.gives(system, "reviewer", "north") == 409


def test_who_is_invited_signs_in_once_and_has_the_role(house: House) -> None:
    giver = Person(house, "librarian@north")
    made = giver.send("POST", "north-1/staff", {"name": "新人", "role": "reviewer"})
    assert made.status_code == 201
    told = made.get_json()
    link = {"secret": told["link"].partition("#")[2]}
    assert house.send("POST", "/api/v1/session", link).status_code == 201
    assert house.json("/api/v1/me")["roles"] == ["reviewer"]
    house.client.delete_cookie("kaijuan")
    assert house.send("POST", "/api/v1/session", link).status_code == 401
    again = giver.send("POST", "north-1/staff", {"account": told["account"], "role": "reviewer"})
    assert again.get_json()["link"] is None, "nobody gets a link into an account that is there"


@pytest.mark.parametrize(
    "body", [{"role": "reviewer"}, {"role": "reviewer", "account": "x", "name": "y"}]
)
def test_either_an_account_or_a_new_person(house: House, body: Any) -> None:
    assert Person(house, "librarian@north").status("POST", "north/staff", body) == 422


def test_the_staff_is_listed_with_that_below_and_who_gave_it(house: House) -> None:
    giver, colleague = Person(house, "librarian@north"), Person(house, name="同事")
    giver.gives(colleague, "reviewer", "north-1")
    Person(house, "librarian@south")
    page = giver.get("north/staff?below=true&limit=1")
    rest = giver.get(f"north/staff?below=true&limit=1&cursor={page['next']}")
    assert [item["account"] for item in page["items"]] == [giver.id]
    assert rest["next"] is None
    [item] = rest["items"]
    assert (item["account"], item["name"], item["role"]) == (colleague.id, "同事", "reviewer")
    assert (item["library"], item["given_by"], item["orphaned"]) == ("north-1", giver.id, False)
    assert [item["account"] for item in giver.get("north/staff")["items"]] == [giver.id]


def test_what_somebody_gave_stays_and_is_marked_when_they_go(house: House) -> None:
    chief, giver = Person(house, "administrator@nation"), Person(house, "librarian@north")
    colleague = Person(house)
    giver.gives(colleague, "reviewer", "north-1")
    assert chief.withdraws(giver, "librarian", "north") == 204
    [item] = chief.get("north-1/staff")["items"]
    assert (item["given_by"], item["orphaned"]) == (giver.id, True)
    assert roles(house, colleague) == ["reviewer@north-1"]


def test_everything_is_audited_and_nothing_that_was_refused(house: House) -> None:
    giver, other = Person(house, "librarian@north"), Person(house)
    giver.gives(other, "administrator", "north")
    giver.gives(other, "reviewer", "north")
    giver.gives(other, "reviewer", "north")
    giver.withdraws(other, "reviewer", "north")
    with house.database.transaction(writes=False) as session:
        wanted = select(AuditEvent).where(AuditEvent.subject == f"account:{other.id}")
        events = session.scalars(wanted.order_by(AuditEvent.id)).all()
    assert [(e.action, e.actor, e.library_id, e.detail) for e in events] == [
        ("role.given", giver.id, "north", b'{"role":"reviewer"}'),
        ("role.withdrawn", giver.id, "north", b'{"role":"reviewer"}'),
    ]


def test_a_reader_who_may_more_elsewhere_is_not_suspended_from_below(house: House) -> None:
    librarian = Person(house, "librarian@north")
    chief = Person(house, "administrator@nation")
    deputy = Person(house, "reviewer@north-1")
    for person in (chief, deputy, librarian):
        path = f"nation/readers/{person.id}/home"
        set_home(house, person)
        assert chief.status("PUT", path, {"library": "north"}) == 204
    assert librarian.status("PUT", f"north/readers/{chief.id}/suspension") == 403
    assert librarian.status("PUT", f"north/readers/{librarian.id}/suspension") == 403
    assert librarian.status("PUT", f"north/readers/{deputy.id}/suspension") == 204
    assert deputy.status("GET", "north-1/staff") in (401, 403)


def set_home(house: House, person: Person) -> None:
    """Makes somebody a reader of the national library."""
    with house.database.transaction() as session:
        account = session.get_one(Account, person.id)
        account.home_id = "nation"


def test_no_secret_is_kept_with_an_answer(house: House) -> None:
    giver = Person(house, "librarian@north")
    headers = {**giver.headers, "Idempotency-Key": "a key of this test"}
    body = {"name": "新人", "role": "reviewer"}
    assert house.send("POST", "/api/v1/libraries/north/staff", body, headers).status_code == 201
    with house.database.transaction(writes=False) as session:
        assert session.scalars(select(KeptAnswer)).all() == []


def test_a_session_without_a_second_factor_gives_nothing(house: House) -> None:
    giver, other = Person(house, "administrator@nation"), Person(house)
    with house.database.transaction() as session:
        life = accounts.SESSION_LIFE
        secret = accounts.issue(session, giver.id, "session", life=life, methods="pwd")
    cookie = {"Cookie": f"kaijuan={secret}"}
    house.client = house.app.test_client(use_cookies=False)
    body = {"account": other.id, "role": "contributor"}
    headers = {**cookie, "Sec-Fetch-Site": "same-origin"}
    answer = house.send("POST", "/api/v1/libraries/north/staff", body, headers)
    assert (answer.status_code, roles(house, other)) == (403, [])
