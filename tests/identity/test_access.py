"""Who may see and who may use, for every combination, against a table that knows no code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement, product

import msgspec
import pytest

from app.errors import InvalidError
from app.identity import access, conditions, policies
from app.identity.access import counted_at, policies_of
from app.identity.callers import KnownCaller
from app.identity.conditions import Standing, Taken
from app.identity.policies import NAMED, Hours, Policy, Rules
from app.identity.roles import Role
from app.identity.teen import Teen, TeenRules

NATION, HERE, BELOW, BESIDE = "0001", "00010001", "000100010001", "00010002"
BEGIN, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)

NEEDS: dict[str, tuple[str, ...]] = {
    "open": (),
    "signed-in": ("account",),
    "staff": ("staff", "account"),
    "known": ("account", "level 1"),
    "met": ("account", "level 2"),
    "real name": ("account", "level 3"),
    "our readers": ("account", "ours"),
    "our rooms": ("our network",),
    "any room": ("a network",),
    "a month": ("period",),
    "office hours": ("hours",),
    "two at once": ("account", "number"),
    "everything": (
        "period", "account", "level 3", "ours", "our network", "hours", "number",
    ),
    "unheard of": ("a policy",),
}  # fmt: skip
"""What each policy asks for, in words."""
RULES = {
    "open": NAMED["open"],
    "signed-in": NAMED["signed-in"],
    "staff": NAMED["staff"],
    "known": Rules(assurance=1),
    "met": Rules(assurance=2),
    "real name": Rules(assurance=3),
    "our readers": Rules(readers="own"),
    "our rooms": Rules(network="own"),
    "any room": Rules(network="any"),
    "a month": Rules(since=BEGIN, until=END),
    "office hours": Rules(hours=Hours("09:00", "17:30")),
    "two at once": Rules(at_once=2),
    "everything": Rules(
        since=BEGIN, until=END, assurance=3, readers="own", network="own",
        hours=Hours("09:00", "17:30"), at_once=2,
    ),
}  # fmt: skip
"""The same as values; there is none for one that nobody has heard of."""


@dataclass(frozen=True)
class Person:
    """Somebody, and which needs they meet: the table."""

    caller: KnownCaller
    standing: Standing | None
    meets: frozenset[str]
    lacks_account: str = ""
    """The reason, where they do not even have an account in good standing."""


def person(
    meets: str, *grants: tuple[str, str], without: str = "", standing: Standing | None = None
) -> Person:
    """A row of the table; ``meets`` are needs, comma separated."""
    known = frozenset(filter(None, meets.split(", ")))
    account_id = None if without == "sign-in" else "a" * 32
    return Person(KnownCaller("", account_id, grants), standing, known, without)


STAFF = "cataloguer"
PEOPLE = {
    "nobody": person("", without="sign-in"),
    "one without an account": person("", without="account"),
    "one suspended": person(
        "level 1, level 2, level 3, ours", without="account-suspended",
        standing=Standing(3, HERE, is_suspended=True),
    ),
    "one who left": person(
        "level 1, level 2, level 3, ours", without="account-closed",
        standing=Standing(3, HERE, is_closed=True),
    ),
    "one just signed up": person("account", standing=Standing(0)),
    "one reached": person("account, level 1", standing=Standing(1)),
    "one met here": person("account, level 1, level 2, ours", standing=Standing(2, HERE)),
    "one verified here": person(
        "account, level 1, level 2, level 3, ours", standing=Standing(3, HERE)
    ),
    "one verified below": person(
        "account, level 1, level 2, level 3, ours", standing=Standing(3, BELOW)
    ),
    "one verified beside": person(
        "account, level 1, level 2, level 3", standing=Standing(3, BESIDE)
    ),
    "one verified above": person(
        "account, level 1, level 2, level 3", standing=Standing(3, NATION)
    ),
    "staff here": person("account, staff, edits", (STAFF, HERE), standing=Standing()),
    "staff above": person("account, staff, edits", (STAFF, NATION), standing=Standing()),
    "staff below": person("account", (STAFF, BELOW), standing=Standing()),
    "staff beside": person("account", (STAFF, BESIDE), standing=Standing()),
    "an operator": person("account", ("operator", NATION), standing=Standing()),
    "staff suspended": person(
        "staff, edits", (STAFF, HERE), without="account-suspended",
        standing=Standing(is_suspended=True),
    ),
    "a contributor": person("account", ("contributor", HERE), standing=Standing()),
    "a reviewer": person("account", ("reviewer", NATION), standing=Standing()),
    "a librarian": person("account, staff, edits", ("librarian", HERE), standing=Standing()),
    "the national administrator": person(
        "account, staff, edits", ("administrator", NATION), standing=Standing()
    ),
    "an administrator beside": person("account", ("administrator", BESIDE), standing=Standing()),
    "staff verified here": person(
        "account, staff, edits, level 1, level 2, level 3, ours", (STAFF, HERE),
        standing=Standing(3, HERE),
    ),
    "one of an unknown role": person("account", ("king", NATION), standing=Standing()),
}  # fmt: skip
NETWORKS: dict[tuple[str, ...], str] = {
    (): "",
    (HERE,): "our network, a network",
    (BESIDE, BELOW): "our network, a network",
    (NATION, BESIDE): "a network",
}
MOMENTS = {  # in UTC; the hours are said in China's time, eight hours later
    BEGIN - timedelta(minutes=1): "not-yet",
    BEGIN: "period",
    datetime(2026, 3, 10, 1, 0, tzinfo=UTC): "period, hours",
    datetime(2026, 3, 10, 9, 30, tzinfo=UTC): "period",
    END: "no-longer",
    datetime(2027, 3, 10, 3, 0, tzinfo=UTC): "no-longer, hours",
}
USES: dict[int | None, str] = {1: "number", 2: "in-use", None: "not-counted"}
ORDER = {
    "a policy": "policy", "period": "", "staff": "staff-only", "account": "",
    "level 1": "assurance", "level 2": "assurance", "level 3": "assurance", "ours": "own-readers",
    "our network": "own-network", "a network": "any-network", "hours": "hours", "number": "",
}  # fmt: skip
"""Which need is told of first, and the reason of the code; the table says it where there is none.

Those of one kind are told of by the record's policy first.
"""
KINDS = (
    ("a policy",), ("period",), ("staff",), ("account",), ("level 1", "level 2", "level 3"),
    ("ours",), ("our network", "a network"), ("hours",), ("number",),
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Circumstances as they are said."""

    when: datetime
    known: Standing | None
    inside: tuple[str, ...]
    used: int | None
    mode: Teen | None = None

    def rules(self, policy: str) -> Rules | None:
        return RULES.get(policy)

    def standing(self) -> Standing | None:
        return self.known

    def teen(self) -> Teen | None:
        return self.mode

    def networks(self) -> tuple[str, ...]:
        return self.inside

    def uses(self, place: str, most: int) -> Taken | None:
        return Taken(self.used, END) if self.used is not None else None


@dataclass(frozen=True)
class Thing:
    """A record as it is decided on."""

    policies: access.Policies
    audience: str = "public"
    state: str = "published"
    library_path: str = HERE

    @property
    def counted(self) -> dict[str, str]:
        return counted_at("its own", "its issue's", "its journal's", "its library's")


def expected(names: tuple[str, ...], who: Person, place: str, moment: str, uses: str) -> str:
    """What the table says: the reason of the first need that is not met; empty, if all are."""
    met = who.meets | set(place.split(", ")) | set(moment.split(", ")) | {uses}
    for kind in KINDS:
        for need in (need for name in names for need in NEEDS[name] if need in kind):
            if need not in met:
                told = {
                    "period": moment.split(", ")[0],
                    "account": who.lacks_account,
                    "number": uses,
                }
                return told.get(need) or ORDER[need]
    return ""


@pytest.mark.parametrize(("record", "library"), list(combinations_with_replacement(NEEDS, 2)))
def test_a_use_is_decided_as_the_table_says(record: str, library: str) -> None:
    thing = Thing(policies_of(record, None, None, library))
    counted = USES if "number" in NEEDS[record] + NEEDS[library] else {None: "not-counted"}
    for who, place, moment, uses in product(PEOPLE.values(), NETWORKS, MOMENTS, counted):
        wanted = expected((record, library), who, NETWORKS[place], MOMENTS[moment], USES[uses])
        facts = Facts(moment, who.standing, place, uses)
        decision = access.decide(who.caller, thing, facts)
        case = (record, library, who, place, moment, uses)
        assert (decision.allowed, decision.reason) == (not wanted, wanted), case
        assert bool(decision.remedy) != decision.allowed
        assert "{" not in decision.remedy


@pytest.mark.parametrize("name", NEEDS)
def test_whosever_a_policy_is_it_counts_the_same(name: str) -> None:
    alone, others = (name, None, None, None), ("open", "open", "open", "open")
    chains = [
        tuple(name if i == at else other for i, other in enumerate(others)) for at in range(4)
    ]
    for who, place, moment in product(PEOPLE.values(), NETWORKS, MOMENTS):
        facts = Facts(moment, who.standing, place, 1)
        decided = {
            access.decide(who.caller, Thing(policies_of(*chain)), facts).reason
            for chain in (alone, *chains)
        }
        assert len(decided) == 1


@pytest.mark.parametrize("state", ["published", "draft", "withdrawn", "merged", "odd"])
@pytest.mark.parametrize("audience", ["public", "staff", "odd", ""])
def test_what_is_seen_is_for_the_public_or_for_those_who_edit(audience: str, state: str) -> None:
    for who in PEOPLE.values():
        edits = "edits" in who.meets
        seen = audience == "public" or (audience == "staff" and edits)
        seen = seen and (state == "published" or edits)
        thing = Thing(policies_of("open", None, None, None), audience, state)
        facts = Facts(BEGIN, who.standing, (), None)
        decision = access.decide(who.caller, thing, facts)
        assert access.may_see(who.caller, thing) == seen == decision.allowed
        assert decision.reason == ("" if seen else "not-visible")
        assert access.is_open(thing) == ((audience, state) == ("public", "published"))


@pytest.mark.parametrize("name", NEEDS)
def test_only_what_asks_for_nothing_is_open_to_all(name: str) -> None:
    for chain in ((name, None, None, None), ("open", name, None, None), ("open", None, None, name)):
        assert access.is_open(Thing(policies_of(*chain))) == (name == "open")


def test_every_step_is_told_and_the_first_that_does_not_hold_decides() -> None:
    thing = Thing(policies_of("everything", None, None, "unheard of"))
    facts = Facts(END, None, (), None)
    told = list(access.steps(KnownCaller(""), thing, facts))
    assert [(step.part, step.finding.name, step.decision.reason) for step in told] == [
        ("record", "see", ""), ("record", "policy", ""), ("library", "policy", "policy"),
        ("record", "period", "no-longer"), ("record", "account", "sign-in"),
        ("record", "assurance", "assurance"), ("record", "readers", "own-readers"),
        ("record", "network", "own-network"), ("record", "hours", "hours"),
        ("record", "at-once", "not-counted"),
    ]  # fmt: skip
    assert access.decide(KnownCaller(""), thing, facts) == told[2].decision


def test_nothing_is_looked_up_that_no_policy_asks_for() -> None:
    class Silent(Facts):
        def standing(self) -> Standing | None:
            raise AssertionError

        networks = uses = standing  # type: ignore[assignment]

    facts = Silent(datetime(2026, 3, 10, 3, tzinfo=UTC), None, (), None)
    for name in ("open", "a month", "office hours", "unheard of"):
        access.decide(
            PEOPLE["staff here"].caller, Thing(policies_of(name, None, None, None)), facts
        )
    assert not access.decide(KnownCaller(""), Thing(policies_of("met", "our rooms", None, None)), (
        Facts(BEGIN, None, (), None))).allowed  # fmt: skip


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("record", "record:its own"), ("parent", "record:its issue's"),
        ("whole", "record:its journal's"), ("library", "library:its library's"),
    ],
)  # fmt: skip
def test_a_number_is_counted_where_it_is_said(part: str, place: str) -> None:
    asked: list[tuple[str, int]] = []

    class Counting(Facts):
        def uses(self, place: str, most: int) -> Taken | None:
            asked.append((place, most))
            return super().uses(place, most)

    facts, reader = Counting(BEGIN, Standing(), (), 2), PEOPLE["one just signed up"].caller
    decision = access.decide(reader, Thing((("record", "open"), (part, "two at once"))), facts)
    assert asked == [(place, 2)]
    assert decision.reason == "in-use"
    assert decision.about == {"at_once": "2", "free": "2026-04-01 08:00"}


def test_what_is_counted_nowhere_admits_nobody() -> None:
    class Placeless(Thing):
        @property
        def counted(self) -> dict[str, str]:
            return {}

    facts = Facts(BEGIN, Standing(), (), 0)
    thing = Placeless(policies_of("two at once", None, None, None))
    assert access.decide(PEOPLE["one just signed up"].caller, thing, facts).reason == "not-counted"


def test_the_table_has_every_role_and_every_level() -> None:
    roles = {role for who in PEOPLE.values() for role, _ in who.caller.grants}
    levels = {who.standing.assurance for who in PEOPLE.values() if who.standing}
    assert (roles, levels) == ({*Role, "king"}, {0, 1, 2, 3})
    asked = {field for rules in RULES.values() for field in msgspec.structs.asdict(rules)}
    said = {f for r in RULES.values() for f, v in msgspec.structs.asdict(r).items() if v}
    assert asked - said == {"use_minutes"}, "a condition that no row of the table asks for"


def test_every_reason_has_its_remedy() -> None:
    assert set(conditions.REMEDIES) == set(conditions.Reason)


@pytest.mark.parametrize(
    ("opens", "closes", "clock", "holds"),
    [
        ("22:00", "06:00", "23:59", True), ("22:00", "06:00", "05:59", True),
        ("22:00", "06:00", "06:00", False), ("22:00", "06:00", "21:59", False),
        ("00:00", "23:59", "00:00", True), ("00:00", "23:59", "23:59", False),
    ],
)  # fmt: skip
def test_hours_may_run_over_midnight(opens: str, closes: str, clock: str, holds: bool) -> None:
    moment = datetime.fromisoformat(f"2026-03-10T{clock}:30+08:00")
    assert Hours(opens, closes).hold(moment.astimezone(UTC)) == holds


def test_a_policy_is_named_by_what_it_says() -> None:
    one = Rules(assurance=3, since=BEGIN)
    same = Rules(since=BEGIN.astimezone(policies.CHINA), assurance=3, signed_in=False)
    other = msgspec.structs.replace(one, assurance=2)
    names = [policies.name_of(rules) for rules in (one, same, other)]
    assert names[0] == names[1] != names[2]
    assert all(len(name) == policies.NAME_LENGTH for name in names)
    assert [policies.name_of(NAMED[name]) for name in Policy] == list(Policy)
    kept = policies.encoded(one)
    assert policies.encoded(same) == kept
    assert policies.decoded(names[0], kept) == one


@pytest.mark.parametrize(
    "kept", [b"", b"{}", b'{"assurance":4}', b'{"later":true}', b"\xff", b"[]"]
)
def test_rules_that_are_not_understood_are_none(kept: bytes) -> None:
    assert policies.decoded(policies.name_of(Rules(assurance=3)), kept) is None
    own_name = policies._name_of(kept)
    assert policies.decoded(own_name, kept) == (Rules() if kept == b"{}" else None)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(since=END, until=BEGIN),
        Rules(since=END, until=END),
        Rules(hours=Hours("08:00", "08:00")),
        Rules(use_minutes=60),
    ],
)
def test_rules_that_never_hold_are_refused(rules: Rules) -> None:
    with pytest.raises(InvalidError):
        policies.require_sense(rules, "body.policy")


READER = KnownCaller("", "a" * 32)
DAY, NIGHT = datetime(2026, 3, 10, 4, 0, tzinfo=UTC), datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
"""Noon and half past ten at night in China."""


@pytest.mark.parametrize(
    ("rules", "used", "moment", "reason"),
    [
        (TeenRules("08:00", "22:00"), 0, DAY, ""),
        (TeenRules("08:00", "22:00"), 0, NIGHT, "teen-hours"),
        (TeenRules(minutes=40), 39, NIGHT, ""),
        (TeenRules(minutes=40), 40, DAY, "teen-minutes"),
        (TeenRules("08:00", "22:00", 40), 90, NIGHT, "teen-hours"),
    ],
)
def test_the_teen_mode_holds_whatever_the_policy_asks_for(
    rules: TeenRules, used: int, moment: datetime, reason: str
) -> None:
    for name in ("open", "signed-in", "real name"):
        thing = Thing(policies_of(name, None, None, None))
        facts = Facts(moment, Standing(3), (), None, Teen(rules, used))
        decision = access.decide(READER, thing, facts)
        assert decision.reason == reason
        assert "{" not in decision.remedy
