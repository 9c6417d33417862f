"""Library cards: claimed by their readers, added to accounts, put on and taken off at the desk."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from house import House
from sqlalchemy import select, update

from app.database import now
from app.identity import accounts
from app.identity.handles import normal
from app.identity.models import Account, AuditEvent, Card, Code, Handle
from app.identity.queries import policies
from app.identity.services import cards, homes, undoing
from app.identity.services.audit import SYSTEM

from .people import AGREED, PASSWORD, Browser, person, received
from .rosters import LIBRARY, card, known, table, take

OWN, OTHERS = "13800001111", "13800002222"
A1 = {"library": LIBRARY, "card": "A1"}


@pytest.fixture
def net(town: House, tmp_path: Path) -> House:
    """A library that knows two readers: one with a phone, one without."""
    town.network()
    take(town, table(tmp_path / "a", f"A1,王小明,{OWN},,,2099-12-31", "A2,李四,,,,"))
    return town


def ask(house: House, browser: Browser, **named: str) -> tuple[str, str]:
    """A ticket, and the code that came for it."""
    answer = browser.post("/cards/codes", **(A1 | named))
    assert answer.status_code == 202, answer.text
    return answer.json["ticket"], received(house)  # type: ignore[index]


def claim(browser: Browser, **shown: Any) -> Any:
    """What claiming answers."""
    return browser.post("/cards/claims", **{**A1, "agreed": AGREED, **shown})


def staff(house: House, library: str = LIBRARY) -> dict[str, str]:
    """The headers of a librarian's token."""
    return house.token("librarian", library)


def desk(house: House, what: str, headers: dict[str, str], **body: str) -> Any:
    """What the desk of the library is answered."""
    path = f"/api/v1/libraries/{LIBRARY}/cards{what}"
    return house.send("POST", path, body, headers)


def slip(house: House, number: str = "A2") -> str:
    """The code of a slip."""
    answer = desk(house, "/slips", staff(house), card=number)
    assert answer.status_code == 201, answer.text
    return str(answer.json["code"])


def actions(house: House) -> list[str]:
    with house.database.transaction(writes=False) as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_a_reader_claims_their_card_by_a_code_to_the_phone_that_the_library_has(
    net: House, browser: Browser
) -> None:
    ticket, code = ask(net, browser)
    answer = claim(browser, ticket=ticket, code=code)
    assert (answer.status_code, answer.json["home"]) == (201, LIBRARY)
    found = known(net, "A1")
    assert (answer.json["account"], found.contact) == (found.id, None)
    assert found.claimed_at is not None
    assert {one["kind"] for one in answer.json["handles"]} == {"card", "phone"}
    assert "card.claimed" in actions(net)


def test_a_reader_claims_their_card_by_a_slip_and_comes_back_by_a_password(
    net: House, browser: Browser
) -> None:
    code = slip(net)
    without = claim(browser, card="A2", code=code)
    assert without.status_code == 422
    done = claim(browser, card="A2", code=code.lower(), password=PASSWORD)
    assert done.status_code == 201, done.text
    again = Browser(net).post("/session/password", handle="A2", library=LIBRARY, password=PASSWORD)
    assert again.status_code == 201, again.text
    assert claim(Browser(net), card="A2", code=code, password=PASSWORD).status_code == 422


def test_a_session_begun_by_a_slip_has_no_power_over_others(net: House, browser: Browser) -> None:
    code = slip(net)
    with net.database.transaction() as session:
        accounts.grant(session, known(net, "A2").id, "librarian", LIBRARY)
    assert claim(browser, card="A2", code=code, password=PASSWORD).json["proven"] is False
    assert desk(net, "/slips", staff(net), card="A2").status_code == 409


def test_a_code_for_one_card_claims_no_other(net: House, browser: Browser, tmp_path: Path) -> None:
    take(net, table(tmp_path / "b", f"A3,赵六,{OTHERS},,,"))
    ticket, code = ask(net, browser)
    assert claim(browser, card="A3", ticket=ticket, code=code).status_code == 422
    assert claim(browser, card="A2", code=slip(net, "A3"), password=PASSWORD).status_code == 422
    assert card(net, "A3").claimed_at is None  # type: ignore[union-attr]


@pytest.mark.parametrize("number", ["A2", "B9", "A1"])
def test_the_answer_tells_nothing_of_a_card(net: House, browser: Browser, number: str) -> None:
    answer = browser.post("/cards/codes", library=LIBRARY, card=number)
    assert (answer.status_code, sorted(answer.json or {})) == (202, ["seconds", "ticket"])
    wrong = claim(browser, card=number, ticket=answer.json["ticket"], code="000000")  # type: ignore[index]
    assert (wrong.status_code, wrong.json["faults"][0]["code"]) == (422, "code-wrong")
    by_slip = claim(browser, card=number, code="00000000", password=PASSWORD)
    assert by_slip.json["faults"] == wrong.json["faults"]


@pytest.mark.parametrize("row", [f"A1,王小明,{OWN},,挂失,", f"A1,王小明,{OWN},,,2020-01-01"])
def test_a_card_that_is_not_valid_is_not_claimed(
    net: House, browser: Browser, tmp_path: Path, row: str
) -> None:
    ticket, code = ask(net, browser)
    take(net, table(tmp_path / "b", row))
    assert claim(browser, ticket=ticket, code=code).status_code == 422
    assert ask(net, browser)[1] == ""
    assert desk(net, "/slips", staff(net), card="A1").status_code == 409


def test_a_phone_that_a_library_gave_is_nobodys_handle(net: House, browser: Browser) -> None:
    assert browser.ask("sign-in", OWN)[1] == ""
    ticket, code = browser.ask("sign-up", OWN)
    body = {"ticket": ticket, "code": code, "name": "小明", "agreed": AGREED}
    made = browser.post("/accounts", **body)
    assert made.status_code == 201, made.text
    assert made.json["account"] != known(net, "A1").id  # type: ignore[index]


def test_a_phone_of_an_account_that_a_library_gives_opens_nothing_of_it(
    net: House, browser: Browser, tmp_path: Path
) -> None:
    victim = person(net, OTHERS)
    take(net, table(tmp_path / "b", f"A3,他人,{OTHERS},,,"))
    assert known(net, "A3").id != victim
    with net.database.transaction(writes=False) as session:
        owners = session.scalars(select(Handle.account_id).where(Handle.kind == "phone")).all()
    assert owners == [victim]
    ticket, code = ask(net, browser, card="A3")
    refused = claim(browser, card="A3", ticket=ticket, code=code)
    assert (refused.status_code, known(net, "A3").claimed_at) == (409, None)


def test_a_library_cannot_reach_an_account_by_changing_what_it_says_of_its_card(
    net: House, browser: Browser, tmp_path: Path
) -> None:
    ticket, code = ask(net, browser)
    claim(browser, ticket=ticket, code=code)
    take(net, table(tmp_path / "b", f"A1,换了人,{OTHERS},,,"))
    found = known(net, "A1")
    assert (found.name, found.contact) == ("王**", None)
    assert ask(net, Browser(net))[1] == ""
    assert desk(net, "/slips", staff(net), card="A1").status_code == 409


def test_who_has_an_account_adds_the_card_to_it_and_the_librarys_own_ends(
    net: House, browser: Browser
) -> None:
    account = person(net, OWN)
    browser.sign_in(OWN)
    made = known(net, "A1").id
    ticket, code = ask(net, browser)
    answer = browser.post("/me/cards", **A1, ticket=ticket, code=code)
    assert answer.status_code == 201, answer.text
    found = known(net, "A1")
    assert (found.id, found.home_id, found.assurance) == (account, LIBRARY, 2)
    with net.database.transaction(writes=False) as session:
        ended = session.get_one(Account, made)
        assert (ended.name, ended.home_id, ended.merged_into) == ("", None, account)
        assert ended.closed_at is not None
        assert homes.wrong(session) == 0


def test_one_account_has_cards_of_several_libraries(
    net: House, browser: Browser, tmp_path: Path
) -> None:
    account = person(net, OWN)
    browser.sign_in(OWN)
    take(net, table(tmp_path / "b", f"A1,王小明,{OWN},,,"), library="south")
    for library in (LIBRARY, "south"):
        ticket, code = ask(net, browser, library=library)
        shown = {"library": library, "card": "A1", "ticket": ticket, "code": code}
        assert browser.post("/me/cards", **shown).status_code == 201
    assert {known(net, "A1").id, known(net, "A1", "south").id} == {account}
    assert known(net, "A1", "south").home_id == LIBRARY


def test_adding_a_card_asks_for_proof_and_a_fresh_session(net: House, browser: Browser) -> None:
    person(net, OTHERS)
    assert browser.post("/me/cards", **A1, code="000000").status_code == 401
    browser.sign_in(OTHERS)
    assert browser.post("/me/cards", **A1, code="00000000").status_code == 422
    taken = {"Authorization": f"Bearer {net.secret('token', 'librarian', LIBRARY)}"}
    assert net.send("POST", "/api/v1/me/cards", {**A1, "code": "000000"}, taken).status_code == 403


def test_a_child_adds_a_card_only_with_a_guardian(net: House, browser: Browser) -> None:
    person(net, OTHERS)
    browser.sign_in(OTHERS)
    assert browser.send("PUT", "/me/birth-year", {"year": now().year - 10}).status_code == 204
    ticket, code = ask(net, browser)
    answer = browser.post("/me/cards", **A1, ticket=ticket, code=code)
    assert (answer.status_code, answer.json["permission"]) == (403, "guardian")  # type: ignore[index]
    assert known(net, "A1").claimed_at is None


def test_what_stood_before_a_claimed_card_changed_goes_back_without_the_contact(
    net: House, browser: Browser, tmp_path: Path
) -> None:
    changed = take(net, table(tmp_path / "b", f"A1,王小明,{OTHERS},,,2098-12-31"))
    ticket, code = ask(net, browser)
    assert claim(browser, ticket=ticket, code=code).status_code == 201
    with net.database.transaction(writes=False) as session:
        (kept,) = session.scalars(select(Card.before).where(Card.before.is_not(None)))
    was = msgspec.json.decode(kept or b"")
    assert (was["contact"], was["contact_kind"]) == (None, None)
    done = undoing.undo(net.database, SYSTEM, changed.id or "")
    found = known(net, "A1")
    assert (done.restored, done.kept, found.contact) == (1, 0, None)
    assert found.expires_at.year == 2099
    assert found.claimed_at is not None


def test_of_two_desks_that_put_one_new_card_on_at_once_one_does(net: House) -> None:
    first, second = person(net, OWN), person(net, OTHERS)
    headers, number = staff(net), normal("C1", LIBRARY)
    with net.database.transaction() as session:
        homes.settle(session, session.get_one(Account, second), LIBRARY, 1)
    with ThreadPoolExecutor(1) as pool:
        with net.database.transaction() as session:
            cards.bind(session, net.adapters.sealer, SYSTEM, number, first)
            late = pool.submit(desk, net, "", headers, card="C1", account=second)
            time.sleep(0.2)  # for it to come as far as the key
        assert late.result().status_code == 409
    assert known(net, "C1").id == first


def test_tries_on_a_card_are_limited(net: House, browser: Browser) -> None:
    # Counted in one of two places, where Redis is slow: at most twice as many pass.
    tried = [claim(browser, card="A2", code=f"{n:08}", password=PASSWORD) for n in range(21)]
    assert [one.status_code for one in tried[:10]] == [422] * 10
    assert tried[-1].status_code == 429
    asked = [browser.post("/cards/codes", **A1).status_code for _ in range(11)]
    assert (asked[:5], asked[-1]) == ([202] * 5, 429)


def test_a_card_signs_in_only_while_it_is_valid(
    net: House, browser: Browser, tmp_path: Path
) -> None:
    claim(browser, card="A2", code=slip(net), password=PASSWORD)
    signing = {"handle": "A2", "library": LIBRARY, "password": PASSWORD}
    for row, status in (("A2,,,,挂失,", 401), ("A2,,,,,2020-01-01", 401), ("A2,,,,,", 201)):
        take(net, table(tmp_path / "b", row))
        assert Browser(net).post("/session/password", **signing).status_code == status, row


def test_somebody_at_the_desk_tells_the_code_of_their_account(net: House, browser: Browser) -> None:
    account = person(net, OTHERS)
    browser.sign_in(OTHERS)
    code = browser.post("/me/cards/desk-codes").json["code"]  # type: ignore[index]
    given = desk(net, "", staff(net), card="A1", code=code)
    assert (given.status_code, given.json["account"], given.json["claimed"]) == (200, account, True)
    assert known(net, "A1").assurance == 2
    again = desk(net, "", staff(net), card="A2", code=code)
    assert again.status_code == 404


def test_a_new_card_is_put_on_the_account_of_ones_own_reader(net: House) -> None:
    account = known(net, "A2").id
    given = desk(net, "", staff(net), card="N1", account=account)
    assert (given.status_code, given.json["account"]) == (200, account)
    assert desk(net, "", staff(net), card="A1", account=account).status_code == 200
    assert known(net, "A1").id == account
    elsewhere = person(net, OTHERS)
    assert desk(net, "", staff(net), card="N2", account=elsewhere).status_code == 404


def test_a_card_of_somebody_else_is_not_given_away(net: House, browser: Browser) -> None:
    claim(browser, card="A2", code=slip(net), password=PASSWORD)
    reader = known(net, "A1").id
    taken = desk(net, "", staff(net), card="A2", account=reader)
    assert (taken.status_code, known(net, "A2").id == reader) == (409, False)


def test_taking_a_card_off_leaves_a_way_to_sign_in(net: House, browser: Browser) -> None:
    claim(browser, card="A2", code=slip(net), password=PASSWORD)
    account = known(net, "A2").id
    assert desk(net, "/removals", staff(net), card="A2").status_code == 409
    assert desk(net, "", staff(net), card="N1", account=account).status_code == 200
    assert desk(net, "/removals", staff(net), card="A2").status_code == 204
    assert (card(net, "A2"), known(net, "N1").id) == (None, account)


def test_taking_off_a_card_that_nobody_claimed_ends_its_account(net: House) -> None:
    account = known(net, "A1").id
    assert desk(net, "/removals", staff(net), card="A1").status_code == 204
    with net.database.transaction(writes=False) as session:
        assert session.get(Account, account) is None
        assert homes.wrong(session) == 0


@pytest.mark.parametrize("what", ["", "/standing", "/removals", "/slips"])
def test_the_desk_is_its_own_librarys(net: House, what: str) -> None:
    body = {"card": "A1"} | ({"code": "00000000"} if not what else {})
    for library, status in (("south", 403), ("north", 200), (LIBRARY, 200)):
        found = desk(net, what, staff(net, library), **body).status_code
        assert (found == 403) == (status == 403), library
    assert desk(net, what, net.token("cataloguer", LIBRARY), **body).status_code == 403
    assert desk(net, what, {}, **body).status_code == 401


def test_the_staff_see_how_a_card_stands(net: House) -> None:
    seen = desk(net, "/standing", staff(net), card="a-1").json
    assert (seen["state"], seen["claimed"], seen["slip_until"]) == ("open", False, None)
    assert desk(net, "/standing", staff(net), card="B9").status_code == 404


def test_codes_and_slips_run_out(net: House, browser: Browser) -> None:
    person(net, OTHERS)
    browser.sign_in(OTHERS)
    code = browser.post("/me/cards/desk-codes").json["code"]  # type: ignore[index]
    printed = slip(net)
    with net.database.transaction() as session:
        session.execute(update(Code).values(expires_at=now()))
        session.execute(update(Card).values(slip_until=now()))
    assert desk(net, "", staff(net), card="A1", code=code).status_code == 404
    assert claim(Browser(net), card="A2", code=printed, password=PASSWORD).status_code == 422


def test_no_secret_of_a_card_is_kept_in_clear(net: House, browser: Browser) -> None:
    person(net, OTHERS)
    browser.sign_in(OTHERS)
    printed = slip(net)
    told = browser.post("/me/cards/desk-codes").json["code"]  # type: ignore[index]
    with net.database.transaction(writes=False) as session:
        kept = [session.execute(select(model.__table__)).all() for model in (Card, Code, Handle)]
        text = repr([kept, session.execute(select(AuditEvent.detail)).all()])
    for secret in (OWN, cards.folded(printed), printed, cards.folded(told)):
        assert secret not in text


def test_letters_that_look_alike_are_taken_for_each_other() -> None:
    assert cards.folded("o1lI-0abc ") == "01110ABC"


def test_no_number_is_in_a_log(
    net: House, browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    browser.post("/cards/codes", library=LIBRARY, card="A7654321")
    net.work()
    ticket, code = ask(net, browser)
    claim(browser, ticket=ticket, code=code)
    desk(net, "/standing", staff(net), card="A7654321")
    logged = "".join(capfd.readouterr())
    assert "/api/v1/cards/codes" in logged
    assert not [secret for secret in ("7654321", OWN, code) if secret in logged]


def test_who_has_no_valid_card_of_a_library_is_no_reader_of_its_own(
    net: House, tmp_path: Path
) -> None:
    account = known(net, "A2").id

    def home() -> str:
        with net.database.transaction(writes=False) as session:
            found = policies.standing(session, account, now())
            assert found is not None
            return found.home

    assert home()
    for row in ("A2,,,,挂失,", "A2,,,,,2020-01-01"):
        take(net, table(tmp_path / "b", row))
        assert home() == "", row
    assert desk(net, "", staff(net), card="N1", account=account).status_code == 200
    assert home()
