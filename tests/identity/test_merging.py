"""Two accounts of one person become one: what moves, what ends, who is refused, at once or not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from house import House
from sqlalchemy import func, select, update

from app.database import now
from app.errors import ConflictError, NoRoomError
from app.identity import accounts
from app.identity.handles import normal
from app.identity.models import (
    Account,
    AuditEvent,
    Credential,
    Grant,
    Handle,
    Identity,
    Minor,
    Password,
    TeenMode,
)
from app.identity.services import attaching, homes, merging
from app.identity.services.audit import SYSTEM
from identity.people import AWAY, PASSWORD, Browser, enrol, person, received

MINE, OTHER, MAIL = "13800001234", "13900005678", "wang@example.org"


class Twice:
    """A person with two accounts, signed in to the first."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.first, self.second = person(house, MINE), person(house, OTHER)
        self.browser = Browser(house)
        self.browser.sign_in(MINE)

    def show(self, **more: Any) -> Any:
        """What merging would do."""
        body = {"handle": OTHER, "password": PASSWORD, **more}
        answer = self.browser.post("/me/merging/password", **body)
        assert answer.status_code == 200, answer.text
        return answer.json

    def merge(self, proof: str | None = None) -> Any:
        return self.browser.post("/me/merging", proof=proof or self.show()["proof"])


@pytest.fixture
def wang(town: House) -> Twice:
    return Twice(town)


def rows(house: House, model: Any, account: str) -> int:
    with house.database.transaction(writes=False) as session:
        wanted = select(func.count()).where(model.account_id == account)
        return session.scalar(wanted) or 0


def settle(house: House, account_id: str, home: str | None, assurance: int) -> None:
    with house.database.transaction() as session:
        homes.settle(session, session.get_one(Account, account_id), home, assurance)


def test_what_the_other_signed_in_by_opens_the_one_that_stays(wang: Twice) -> None:
    assert wang.merge().status_code == 200
    handles = wang.browser.json("/me")["handles"]
    assert [one["mask"] for one in handles] == ["138****1234", "139****5678"]
    again = Browser(wang.house, AWAY)
    assert again.sign_in(OTHER).json["account"] == wang.first  # type: ignore[index]
    place = wang.browser.post("/me/exports").headers["Location"].removeprefix("/api/v1")
    wang.house.work()
    copy: Any = wang.browser.send("GET", place).json
    assert {one["value"] for one in copy["handles"]} == {"+8613800001234", "+8613900005678"}


def test_what_is_merged_is_named_before_it_is_done(wang: Twice) -> None:
    wang.house.network()
    settle(wang.house, wang.first, "north", 0)
    settle(wang.house, wang.second, "south", 1)
    plan = wang.show()
    assert (plan["handles"], plan["moved"]["handles"]) == (["139****5678"], 1)
    assert plan["ended"]["passwords"] == 1
    assert (plan["home"], plan["refusals"]) == ("south", [])
    assert rows(wang.house, Handle, wang.second) == 1


def test_what_opened_the_other_alone_opens_nothing(wang: Twice) -> None:
    elsewhere = Browser(wang.house, AWAY)
    elsewhere.sign_in(OTHER)
    wang.merge()
    assert elsewhere.send("GET", "/me").status_code == 401
    assert rows(wang.house, Credential, wang.second) == rows(wang.house, Password, wang.second) == 0


def test_a_tombstone_answers_where_the_account_went(wang: Twice) -> None:
    wang.house.network()
    settle(wang.house, wang.first, "north", 0)
    wang.merge()
    staff = wang.house.token("librarian", "north")
    place = "/api/v1/libraries/north/readers/"
    gone = wang.house.client.get(place + wang.second, headers=staff)
    assert (gone.status_code, gone.json["successor"]) == (410, wang.first)  # type: ignore[index]
    elsewhere = wang.house.token("librarian", "south")
    hidden = wang.house.client.get(place.replace("north", "south") + wang.second, headers=elsewhere)
    assert hidden.status_code == 404


def test_of_several_merged_one_after_another_each_knows_the_last(wang: Twice) -> None:
    third = person(wang.house, MAIL)
    wang.merge()
    other = Browser(wang.house)
    other.sign_in(MAIL)
    body = {"handle": MINE, "password": PASSWORD}
    proof = other.post("/me/merging/password", **body).json["proof"]  # type: ignore[index]
    assert other.post("/me/merging", proof=proof).status_code == 200
    with wang.house.database.transaction(writes=False) as session:
        merged = select(Account.merged_into).where(Account.merged_into.is_not(None))
        assert session.scalars(merged).all() == [third, third]


def test_homes_and_how_well_one_is_known_are_counted_right(wang: Twice) -> None:
    wang.house.network()
    settle(wang.house, wang.second, "south", 2)
    wang.merge()
    with wang.house.database.transaction(writes=False) as session:
        kept = session.get_one(Account, wang.first)
        assert (kept.home_id, kept.assurance) == ("south", 2)
        assert homes.wrong(session) == 0


def test_it_is_written_down_on_both(wang: Twice) -> None:
    wang.merge()
    with wang.house.database.transaction(writes=False) as session:
        wanted = select(AuditEvent.subject).where(
            AuditEvent.action.in_(("account.merged", "account.took-over"))
        )
        found = set(session.scalars(wanted))
    assert found == {f"account:{wang.first}", f"account:{wang.second}"}


def test_the_others_password_and_second_factor_are_asked_for(wang: Twice) -> None:
    body = {"handle": OTHER, "password": "not the one it has"}
    assert wang.browser.post("/me/merging/password", **body).status_code == 401
    elsewhere = Browser(wang.house, AWAY)
    elsewhere.sign_in(OTHER)
    device, _ = enrol(elsewhere)
    body["password"] = PASSWORD
    missing = wang.browser.post("/me/merging/password", **body)
    assert missing.json["faults"][0]["code"] == "factor-needed"  # type: ignore[index]
    assert wang.browser.post("/me/merging/password", **body, factor="000000").status_code == 422
    assert wang.show(factor=device.code())["refusals"] == []


def test_a_code_that_was_sent_to_the_other_proves_it(wang: Twice) -> None:
    ticket = wang.browser.post("/me/merging/codes", handle=OTHER).json["ticket"]  # type: ignore[index]
    code = received(wang.house)
    thief = Browser(wang.house, AWAY)
    person(wang.house, MAIL)
    thief.sign_in(MAIL)
    assert thief.post("/me/merging/code", ticket=ticket, code=code).status_code == 422
    plan = wang.browser.post("/me/merging/code", ticket=ticket, code=code).json
    assert wang.merge(plan["proof"]).status_code == 200  # type: ignore[index]


def test_a_code_to_sign_in_merges_nothing(wang: Twice) -> None:
    ticket, code = Browser(wang.house).ask("sign-in", OTHER)
    answer = wang.browser.post("/me/merging/code", ticket=ticket, code=code)
    assert answer.status_code == 422


def test_a_proof_is_of_one_session_and_ten_minutes(wang: Twice) -> None:
    proof = wang.show()["proof"]
    other = Browser(wang.house)
    other.sign_in(MINE)
    assert other.post("/me/merging", proof=proof).status_code == 422
    with time_machine.travel(now() + timedelta(minutes=11)):
        assert wang.merge(proof).status_code == 422
    with time_machine.travel(now() + timedelta(minutes=20)):
        body = {"handle": OTHER, "password": PASSWORD}
        assert wang.browser.post("/me/merging/password", **body).status_code == 403


def test_a_proof_is_void_when_the_other_changed_its_password(wang: Twice) -> None:
    proof = wang.show()["proof"]
    owner = Browser(wang.house, AWAY)
    owner.sign_in(OTHER)
    change = {"old": PASSWORD, "password": "another password, not common"}
    assert owner.send("PUT", "/me/password", change).status_code == 200
    assert wang.merge(proof).status_code == 409


def test_who_has_roles_is_not_merged_away(wang: Twice) -> None:
    wang.house.network()
    with wang.house.database.transaction() as session:
        accounts.grant(session, wang.second, "cataloguer", "north")
    plan = wang.show()
    assert plan["refusals"] == ["grants"]
    assert wang.merge(plan["proof"]).status_code == 409
    assert rows(wang.house, Grant, wang.first) == 0


def test_two_verified_persons_are_two(wang: Twice) -> None:
    settle(wang.house, wang.first, None, 3)
    settle(wang.house, wang.second, None, 3)
    plan = wang.show()
    assert plan["refusals"] == ["two-persons"]
    assert wang.merge(plan["proof"]).status_code == 409


def test_a_suspended_account_does_not_slip_into_another(wang: Twice) -> None:
    with wang.house.database.transaction() as session:
        suspended = update(Account).where(Account.id == wang.second)
        session.execute(suspended.values(suspended_at=now()))
    assert wang.show()["refusals"] == ["suspended"]


@pytest.mark.parametrize("whose", ["first", "second"])
def test_a_childs_account_is_merged_in_neither_direction(wang: Twice, whose: str) -> None:
    with wang.house.database.transaction() as session:
        session.add(Minor(account_id=getattr(wang, whose), born_year=2014))
    plan = wang.show()
    assert plan["refusals"] == ["minors"]
    assert wang.merge(plan["proof"]).status_code == 409


def test_a_verified_name_moves_with_the_person(wang: Twice) -> None:
    settle(wang.house, wang.second, None, 3)
    seen = {"lookup": "x" * 64, "key_version": 1, "mask": "1***8", "method": "number"}
    with wang.house.database.transaction() as session:
        session.add(Identity(account_id=wang.second, verified_at=now(), **seen))
    assert wang.merge().status_code == 200
    assert rows(wang.house, Identity, wang.first) == 1


def test_what_both_have_stays_as_the_one_that_stays_has_it(wang: Twice) -> None:
    with wang.house.database.transaction() as session:
        session.add_all(
            TeenMode(account_id=who, minutes=minutes, by_guardian=False, set_at=now())
            for who, minutes in ((wang.first, 30), (wang.second, 60))
        )
    plan = wang.show()
    assert plan["doubled"] == {"teen_modes": 1}
    assert wang.merge(plan["proof"]).status_code == 200
    with wang.house.database.transaction(writes=False) as session:
        assert [one.minutes for one in session.scalars(select(TeenMode))] == [30]


def test_what_fails_half_way_has_not_happened(wang: Twice, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise NoRoomError("/", 0, 1)

    proof = wang.show()["proof"]
    monkeypatch.setattr(merging, "_bury", die)
    assert wang.merge(proof).status_code == 503
    monkeypatch.undo()
    assert rows(wang.house, Handle, wang.second) == rows(wang.house, Password, wang.second) == 1
    assert wang.merge(proof).status_code == 200


def test_nothing_is_added_to_an_account_that_was_merged(wang: Twice) -> None:
    wang.merge()
    sealer = wang.house.adapters.sealer
    with pytest.raises(ConflictError), wang.house.database.transaction() as session:
        attaching.attach(session, sealer, SYSTEM, wang.second, normal(MAIL), verified=True)
    assert rows(wang.house, Handle, wang.second) == 0


def test_an_account_is_not_merged_into_itself(wang: Twice) -> None:
    assert wang.show(handle=MINE)["refusals"] == ["same"]


def test_of_two_merges_of_the_same_two_one_is_done(wang: Twice) -> None:
    mine = wang.show()["proof"]
    other = Browser(wang.house, AWAY)
    other.sign_in(OTHER)
    body = {"handle": MINE, "password": PASSWORD}
    theirs = other.post("/me/merging/password", **body).json["proof"]  # type: ignore[index]
    tries = [(wang.browser, mine), (other, theirs)] * 2

    def merge(one: tuple[Browser, str]) -> int:
        return one[0].post("/me/merging", proof=one[1]).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(merge, tries))
    assert answers[0] == 200
    assert set(answers[1:]) <= {401, 409}
    with wang.house.database.transaction(writes=False) as session:
        closed = session.scalars(select(Account).where(Account.closed_at.is_not(None))).all()
        owners = set(session.scalars(select(Handle.account_id)))
    assert (len(closed), owners) == (1, {closed[0].merged_into})


def test_who_signs_in_while_it_is_merged_lands_in_one_account(wang: Twice) -> None:
    proof = wang.show()["proof"]
    visitors = [Browser(wang.house, AWAY) for _ in range(4)]
    with ThreadPoolExecutor(5) as pool:
        signing = [pool.submit(each.sign_in, OTHER) for each in visitors]
        merged = pool.submit(wang.merge, proof).result()
        answers = {one.result().status_code for one in signing}
    assert merged.status_code == 200
    assert answers <= {201, 401}
    for each in visitors:
        seen = each.send("GET", "/me")
        assert seen.status_code == 401 or seen.json["account"] == wang.first  # type: ignore[index]
    assert rows(wang.house, Handle, wang.second) == 0
