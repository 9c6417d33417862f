"""Policies of records, of what they belong to, and of libraries: set, kept, asked for by all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import time_machine
from archives import epub
from click.testing import CliRunner
from database.plans import issued
from house import House, environ_of
from sqlalchemy import select, update

from app.catalog.models import RecordRow
from app.cli import main
from app.database import now, random_id
from app.identity import accounts, policies
from app.identity.models import AuditEvent, Library, LibraryNetwork, PolicyRow
from app.identity.policies import Rules

from .test_records import change, made

REAL_NAME = {"assurance": 3}
LONG = "2026-03-10T03:00:00Z"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A network of libraries, and nothing kept in caches."""
    made = House(tmp_path / "data", cache_url="none://", trusted_proxies="10.9.0.0/16")
    made.network()
    yield made
    made.close()


def reader(house: House, home: str | None = None, **said: Any) -> dict[str, str]:
    """The headers of a reader of this library, of whom this is said."""
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者")
        account.home_id = home
        for name, value in said.items():
            setattr(account, name, value)
        secret = accounts.issue(session, account.id, "token", life=timedelta(days=1))
    return {"Authorization": f"Bearer {secret}"}


def set_policy(house: House, record: str, policy: Any) -> Any:
    """The answer to a change of a record's policy."""
    token = house.token("librarian", "nation")
    version = house.json(f"/api/v1/records/{record}", headers=token)["version"]
    return change(house, token, record, {"policy": policy}, version, "PATCH")


def set_library(house: House, library: str, policy: Any, at: str = "nation") -> Any:
    """The answer to a change of a library's policy, by its librarian at ``at``."""
    path = f"/api/v1/libraries/{library}/policy"
    return house.send("PUT", path, {"policy": policy}, house.token("librarian", at))


def use(house: House, record: str, kind: str = "books", **options: Any) -> dict[str, Any]:
    """What the record says of its use."""
    said: dict[str, Any] = house.json(f"/api/v1/{kind}/{record}", **options)["use"]
    return said


def reason(house: House, record: str, kind: str = "books", **options: Any) -> str:
    """Why it may not be used; empty, where it may."""
    return str(use(house, record, kind, **options).get("reason", ""))


def at(address: str, **headers: str) -> dict[str, Any]:
    """A request from there."""
    return {"environ_base": {"REMOTE_ADDR": address}, "headers": headers}


def add_network(house: House, library: str, cidr: str) -> None:
    """Says that these addresses are a library's."""
    with house.database.transaction() as session:
        row = LibraryNetwork(id=random_id(), library_id=library, cidr=cidr, link="private",
                             added_at=now())  # fmt: skip
        session.add(row)


def test_a_policy_is_set_shown_and_kept_in_the_history(house: House) -> None:
    hours = {"opens": "09:00", "closes": "17:00"}
    record, rules = house.record("江西通志"), {"assurance": 3, "hours": hours}
    answer = set_policy(house, record, rules)
    assert (answer.status_code, answer.json["rules"]) == (200, rules)
    name = answer.json["policy"]
    assert set_policy(house, record, rules).json["version"] == 2
    assert set_policy(house, record, "open").json["rules"] == {}
    token = house.token("librarian", "nation")
    history = house.json(f"/api/v1/records/{record}/revisions", headers=token)["items"]
    assert [line["policy"] for line in history] == [name, "open"]
    with house.database.transaction(writes=False) as session:
        assert [row.name for row in session.scalars(select(PolicyRow))] == [name]


def test_a_record_is_made_with_a_policy(house: House) -> None:
    record = made(house, house.token("librarian", "nation"), policy={"network": "any"})
    assert reason(house, record) == "any-network"


@pytest.mark.parametrize(
    "policy",
    [
        "closed", "p0123456789abcde", "", None, {"assurance": 4}, {"assurance": "3"},
        {"level": 3}, {"since": "2026-01-01T00:00:00"},
        {"hours": {"opens": "9:00", "closes": "10:00"}},
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"hours": {"opens": "09:00", "closes": "09:00"}}, {"at_once": 0}, {"readers": "all"},
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(house: House, policy: Any) -> None:
    answer = set_policy(house, house.record("江西通志"), policy)
    assert answer.status_code == 422, answer.text
    assert answer.json["faults"][0]["place"].startswith("body.policy")


def test_the_release_before_reads_other_policies_as_closed(house: House) -> None:
    name = set_policy(house, house.record("江西通志"), REAL_NAME).json["policy"]
    assert name not in ("open", "signed-in", "staff")
    assert len(name) <= 16


def test_what_belongs_to_a_record_asks_for_its_policy_too(house: House) -> None:
    journal = house.record("学报", kind="journal")
    issue = house.record("第一期", kind="issue", parent_id=journal)
    article = house.record("论文", kind="article", parent_id=issue)
    assert reason(house, article, "articles") == ""
    set_policy(house, journal, "signed-in")
    assert [reason(house, r, k) for r, k in ((issue, "issues"), (article, "articles"))] == [
        "sign-in", "sign-in",
    ]  # fmt: skip
    assert reason(house, article, "articles", headers=reader(house)) == ""
    set_policy(house, issue, REAL_NAME)
    assert reason(house, article, "articles", headers=reader(house)) == "assurance"
    assert reason(house, article, "articles", headers=reader(house, assurance=3)) == ""


def test_a_librarys_policy_is_of_its_own_records_alone(house: House) -> None:
    north, city = house.record("通志", library="north"), house.record("县志", library="north-1")
    assert set_library(house, "north", "signed-in").json == {
        "policy": "signed-in", "rules": {"signed_in": True},
    }  # fmt: skip
    assert (reason(house, north), reason(house, city)) == ("sign-in", "")
    set_policy(house, north, "open")
    assert reason(house, north) == "sign-in"
    set_library(house, "north", "open")
    assert reason(house, north) == ""


def test_a_librarys_policy_is_set_within_reach_and_noted(house: House) -> None:
    assert set_library(house, "north", "staff", at="south").status_code == 403
    assert set_library(house, "nation", "staff", at="north").status_code == 403
    assert set_library(house, "nowhere", "staff").status_code == 404
    assert set_library(house, "north", {"assurance": 7}).status_code == 422
    path = "/api/v1/libraries/north/policy"
    assert house.send("PUT", path, {"policy": "staff"}).status_code == 401
    cataloguer = house.token("cataloguer", "north")
    assert house.send("PUT", path, {"policy": "staff"}, cataloguer).status_code == 403
    assert house.json(path)["policy"] == "open"
    assert [set_library(house, "north", "staff").status_code for _ in range(2)] == [200, 200]
    with house.database.transaction(writes=False) as session:
        [noted] = session.scalars(select(AuditEvent).where(AuditEvent.action == "library.policy"))
        assert (noted.subject, noted.library_id) == ("library:north", "north")
        assert msgspec.json.decode(noted.detail) == {"before": "open", "after": "staff"}


@pytest.mark.parametrize("rules", [None, b"", b'{"assurance":2}', b'{"since":"later"}'])
def test_a_policy_that_cannot_be_read_admits_nobody(house: House, rules: bytes | None) -> None:
    record, name = house.record("江西通志"), policies.name_of(Rules(at_once=7, assurance=1))
    with house.database.transaction() as session:
        session.execute(update(RecordRow).values(policy=name))
        if rules is not None:
            session.add(PolicyRow(name=name, rules=rules, added_at=now()))
    for headers in ({}, reader(house, assurance=3), house.token("administrator", "nation")):
        assert reason(house, record, headers=headers) == "policy"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"assurance": 3}, ""), ({"assurance": 2}, "assurance"), ({"assurance": 0}, "assurance"),
    ],
)  # fmt: skip
def test_a_reader_is_let_in_by_level(house: House, said: dict[str, Any], why: str) -> None:
    record = house.record("江西通志", library="north")
    set_policy(house, record, REAL_NAME)
    answer = use(house, record, headers=reader(house, **said))
    assert answer.get("reason", "") == why
    assert answer.get("about", {}) == ({"level": "3"} if why else {})


def test_own_readers_are_those_of_the_library_and_below_it(house: House) -> None:
    record = house.record("江西通志", library="north")
    set_policy(house, record, {"readers": "own"})
    homes = ("north", "north-1", "south", "nation", None)
    assert [reason(house, record, headers=reader(house, home)) for home in homes] == [
        "", "", "own-readers", "own-readers", "own-readers",
    ]  # fmt: skip


def test_an_address_counts_only_from_a_trusted_proxy(house: House) -> None:
    add_network(house, "north-1", "192.0.2.0/24")
    add_network(house, "south", "198.51.100.0/24")
    record = house.record("江西通志", library="north")
    set_policy(house, record, {"network": "own"})
    inside, beside, outside = "192.0.2.7", "198.51.100.7", "203.0.113.9"
    for options, wanted in (
        (at(inside), ""),
        (at("::ffff:" + inside), ""),
        (at(beside), "own-network"),
        (at(outside), "own-network"),
        (at(outside, X_Forwarded_For=inside), "own-network"),
        (at(outside, Forwarded=f"for={inside}", X_Real_IP=inside), "own-network"),
        (at("10.9.0.1", X_Forwarded_For=inside), ""),
        (at("10.9.0.1", X_Forwarded_For=f"{inside}, {outside}"), "own-network"),
        (at("10.9.0.1", X_Forwarded_For=f"{outside}, {inside}"), ""),
        (at("10.9.0.1", X_Forwarded_For="not-an-address"), "own-network"),
        (at("10.9.0.1"), "own-network"),
    ):
        options["headers"] = {k.replace("_", "-"): v for k, v in options["headers"].items()}
        assert reason(house, record, **options) == wanted, options
    set_policy(house, record, {"network": "any"})
    assert [reason(house, record, **at(place)) for place in (inside, beside, outside)] == [
        "", "", "any-network",
    ]  # fmt: skip
    with house.database.transaction() as session:
        session.execute(update(Library).where(Library.id == "south").values(state="suspended"))
    assert reason(house, record, **at(beside)) == "any-network"


def test_a_policy_holds_by_the_clock(house: House) -> None:
    record = house.record("江西通志")
    set_policy(house, record, {"since": "2126-03-01T00:00:00+08:00",
                               "hours": {"opens": "09:00", "closes": "17:00"}})  # fmt: skip
    assert use(house, record)["about"] == {"since": "2126-03-01 00:00"}
    with time_machine.travel("2126-03-01T08:59:00+08:00"):
        assert use(house, record)["about"] == {"opens": "09:00", "closes": "17:00"}
    with time_machine.travel("2126-03-01T09:00:00+08:00"):
        assert reason(house, record) == ""


def test_lists_cost_the_same_whatever_the_policies(house: House) -> None:
    records = [house.record(f"第{number}部书", library="north") for number in range(4)]
    paths = ("/api/v1/books", "/api/v1/search?q=部书", f"/api/v1/books/{records[0]}",
             f"/books/{records[0]}")  # fmt: skip

    def counted() -> list[int]:
        numbers = []
        for path in paths:
            with issued() as asked:
                house.get(path)
            numbers.append(len(asked))
        return numbers

    before = counted()
    assert all(before), "statements that nobody counts"
    for number, record in enumerate(records):
        set_policy(house, record, {"assurance": 3, "since": f"2026-01-0{number + 1}T00:00:00Z"})
    set_library(house, "north", {"network": "own", "readers": "own"})
    house.index()
    house.get(paths[2])  # from now on this process knows what these policies ask for
    assert counted() == before


@pytest.fixture
def read(house: House, tmp_path: Path) -> tuple[str, str]:
    """A book that is for readers who are signed in, and where one of them finds its first part."""
    record = house.take(epub(tmp_path / "a.epub"), "north").record or ""
    house.index()
    set_policy(house, record, "signed-in")
    return record, content(house, record, headers=reader(house))


def content(house: House, record: str, **options: Any) -> str:
    """The address of a book's first part, as its manifest says."""
    manifest = house.json(f"/api/v1/books/{record}/manifest", **options)
    return str(manifest["readingOrder"][0]["href"])


def test_a_grant_ends_with_the_policy_it_was_given_under(
    house: House, read: tuple[str, str]
) -> None:
    record, address = read
    assert house.client.get(address).status_code == 200
    set_library(house, "north", REAL_NAME)
    refused = house.client.get(address)
    assert (refused.status_code, refused.json["reason"]) == (403, "grant")  # type: ignore[index]
    set_library(house, "north", "open")
    assert house.client.get(address).status_code == 200
    set_policy(house, record, "staff")
    assert house.client.get(address).status_code == 403


def test_an_open_grant_ends_with_the_openness_of_the_library(house: House, tmp_path: Path) -> None:
    record = house.take(epub(tmp_path / "a.epub"), "north").record or ""
    address = content(house, record)
    assert "/content/open/" in address
    set_library(house, "north", "signed-in")
    assert house.client.get(address).status_code == 403
    cover = house.client.get(f"/api/v1/books/{record}/cover")
    assert (cover.status_code, cover.cache_control.public) == (200, False)


def test_content_is_read_inside_the_network_and_the_hours_alone(
    house: House, tmp_path: Path
) -> None:
    add_network(house, "north", "192.0.2.0/24")
    record = house.take(epub(tmp_path / "a.epub"), "north").record or ""
    ends = now() + timedelta(minutes=10)  # before the grant does
    begins, closes = (f"{m.astimezone(policies.CHINA):%H:%M}" for m in (now(), ends))
    set_policy(house, record, {"network": "own", "hours": {"opens": begins, "closes": closes}})
    address = content(house, record, **at("192.0.2.1"))
    assert house.client.get(address, **at("192.0.2.2")).status_code == 200
    elsewhere = house.client.get(address, **at("203.0.113.9"))
    with time_machine.travel(ends):
        late = house.client.get(address, **at("192.0.2.2"))
    assert [(a.status_code, a.json["reason"]) for a in (elsewhere, late)] == [  # type: ignore[index]
        (403, "own-network"), (403, "hours"),
    ]  # fmt: skip


def test_every_door_of_a_book_asks(house: House, read: tuple[str, str]) -> None:
    record, _ = read
    signed_in = reader(house)
    for door in ("manifest", "positions", "download"):
        path = f"/api/v1/books/{record}/{door}"
        refused = house.client.get(path)
        assert (refused.status_code, refused.json["reason"]) == (403, "sign-in")  # type: ignore[index]
        answer = house.client.get(path, headers=signed_in)
        assert answer.status_code in (200, 302)
        answer.close()
        refused = house.client.get(path)
        assert refused.status_code == 403


def test_the_pages_say_why_not_and_what_would_help(house: House, read: tuple[str, str]) -> None:
    record, _ = read
    page = house.get(f"/books/{record}")
    assert "请先登录读者账户。" in page
    assert f'href="/sign-in?next=%2Fbooks%2F{record}"' in page
    refused = house.client.get(f"/read/{record}", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    assert "请先登录读者账户。" in refused.text
    assert f'href="/sign-in?next=%2Fread%2F{record}"' in refused.text
    set_policy(house, record, {"hours": {"opens": "00:00", "closes": "00:01"}})
    with time_machine.travel("2126-03-01T12:00:00+08:00"):
        assert "每天 00:00 至 00:01（北京时间）可以使用。" in house.get(f"/books/{record}")
        english = house.get(f"/books/{record}?lang=en")
    assert "It can be used from 00:00 to 00:01 every day (UTC+8)." in english


def test_it_is_explained_to_the_staff_step_by_step(house: House) -> None:
    record = house.record("江西通志", library="north")
    set_policy(house, record, REAL_NAME)
    set_library(house, "north", {"network": "own"})
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者")
        account.home_id, account.assurance = "north-1", 1
    path = f"/api/v1/records/{record}/access?account={account.id}&address=192.0.2.1&at={LONG}"
    told = house.json(path, headers=house.token("librarian", "north"))
    assert [(s["of"], s["step"], s["holds"], s.get("reason", "")) for s in told["steps"]] == [
        ("record", "see", True, ""), ("record", "policy", True, ""),
        ("library", "policy", True, ""), ("record", "account", True, ""),
        ("record", "assurance", False, "assurance"), ("library", "network", False, "own-network"),
    ]  # fmt: skip
    assert (told["use"]["allowed"], told["use"]["reason"]) == (False, "assurance")
    assert (told["steps"][4]["wanted"], told["steps"][4]["found"]) == ("level 3", "level 1")
    assert told["at"] == "2026-03-10T03:00:00.000000Z"


def test_who_may_ask_for_whom(house: House) -> None:
    record = house.record("江西通志", library="north")
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者")
        account.home_id = "south"
    path = f"/api/v1/records/{record}/access"
    for token, query, status in (
        ({}, "", 401), (reader(house), "", 403), (house.token("librarian", "south"), "", 403),
        (house.token("cataloguer", "north"), "", 200),
        (house.token("librarian", "north"), f"?account={account.id}", 404),
        (house.token("cataloguer", "nation"), f"?account={account.id}", 404),
        (house.token("librarian", "nation"), f"?account={account.id}", 200),
        (house.token("librarian", "nation"), "?account=" + "0" * 32, 404),
        (house.token("librarian", "nation"), "?at=2026-03-10T03:00:00", 422),
    ):  # fmt: skip
        assert house.client.get(path + query, headers=token).status_code == status, query


def test_the_command_explains_and_sets(house: House, tmp_path: Path) -> None:
    record, environ = house.record("江西通志"), environ_of(tmp_path / "data")
    run = CliRunner().invoke
    arguments = ["record", "edit", record, "--policy", '{"assurance": 3, "network": "any"}']
    assert run(main, [*arguments, "--json"], env=environ).exit_code == 0
    asked = ["record", "explain", record, "--address", "192.0.2.1", "--at", "2026-03-10T11:00+0800"]
    text, told = run(main, asked, env=environ), run(main, [*asked, "--json"], env=environ)
    assert (text.exit_code, "Refused (sign-in)" in text.output) == (0, True), text.output
    said = msgspec.json.decode(told.stdout)
    assert (said["use"]["reason"], said["at"]) == ("sign-in", "2026-03-10T03:00:00.000000Z")
    wrong = run(main, ["record", "edit", record, "--policy", "closed"], env=environ)
    assert (wrong.exit_code != 0, "--policy" in wrong.output) == (True, True)


def test_an_account_that_is_suspended_or_over_is_let_in_nowhere(house: House) -> None:
    record = house.record("江西通志")
    set_policy(house, record, "signed-in")
    for said in ("suspended_at", "closed_at", "closing_at"):
        with house.database.transaction() as session:
            account = accounts.add_account(session, "读者")
            setattr(account, said, now() - timedelta(seconds=1))
        path = f"/api/v1/records/{record}/access?account={account.id}"
        with house.database.transaction() as session:
            session.get_one(type(account), account.id).home_id = "north"
        told = house.json(path, headers=house.token("librarian", "nation"))
        wanted = "account-suspended" if said == "suspended_at" else "account-closed"
        assert told["use"]["reason"] == wanted


def test_what_is_kept_of_a_record_is_decided_on_anew_for_each(tmp_path: Path) -> None:
    house = House(tmp_path / "data")
    house.network()
    record = house.record("江西通志")
    set_policy(house, record, REAL_NAME)
    known, unknown = reader(house, assurance=3), reader(house)
    for _ in range(2):
        said = [reason(house, record, headers=h) for h in (known, {}, unknown, known)]
        assert said == ["", "sign-in", "assurance", ""]
    set_policy(house, record, "staff")
    assert reason(house, record, headers=known) == "staff-only"
    answer = house.client.get(f"/api/v1/books/{record}", headers=known)
    assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == (
        "no-cache", "Authorization, Cookie",
    )  # fmt: skip
    house.close()


@pytest.mark.embedded
def test_a_librarys_policy_is_heard_of_within_the_life_of_what_is_kept(tmp_path: Path) -> None:
    house = House(tmp_path / "data")
    house.network()
    record = house.record("江西通志", library="north")
    assert reason(house, record) == ""
    with house.database.transaction() as session:
        session.execute(update(Library).where(Library.id == "north").values(policy="staff"))
    house.adapters.cache._clock = lambda clock=house.adapters.cache._clock: clock() + 60  # type: ignore[attr-defined]
    assert reason(house, record) == "staff-only"
    house.close()
