"""What policies ask for, one condition each: whether it holds, why not, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from app.identity.policies import CHINA, Rules
from app.identity.teen import Teen


class Reason(StrEnum):
    """Why a use is refused: codes that programs may rely on."""

    NOT_VISIBLE = "not-visible"
    POLICY = "policy"
    NOT_YET = "not-yet"
    NO_LONGER = "no-longer"
    STAFF_ONLY = "staff-only"
    SIGN_IN = "sign-in"
    ACCOUNT = "account"
    SUSPENDED = "account-suspended"
    CLOSED = "account-closed"
    ASSURANCE = "assurance"
    OWN_READERS = "own-readers"
    OWN_NETWORK = "own-network"
    ANY_NETWORK = "any-network"
    HOURS = "hours"
    TEEN_HOURS = "teen-hours"
    TEEN_MINUTES = "teen-minutes"
    IN_USE = "in-use"
    NOT_COUNTED = "not-counted"


REMEDIES: Mapping[Reason, str] = {
    Reason.NOT_VISIBLE: "It is not for your account.",
    Reason.POLICY: "Its access policy does not admit you.",
    Reason.NOT_YET: "It opens at {since}.",
    Reason.NO_LONGER: "It could be used until {until}. Ask the library whether it will be again.",
    Reason.STAFF_ONLY: "It is kept for the library's staff.",
    Reason.SIGN_IN: "Sign in with your reader account.",
    Reason.ACCOUNT: "Sign in again: this account is not known here.",
    Reason.SUSPENDED: "Your account is suspended. Ask your library.",
    Reason.CLOSED: "This account is closed. Sign in with another.",
    Reason.ASSURANCE: "Your account must be known better: level {level} is needed, "
    "and 3 is a verified real name.",
    Reason.OWN_READERS: "It is for readers of its library and of those below it.",
    Reason.OWN_NETWORK: "Open it inside the network of its library.",
    Reason.ANY_NETWORK: "Open it inside a library's network.",
    Reason.HOURS: "It can be used from {opens} to {closes} (UTC+8).",
    Reason.TEEN_HOURS: "Your account is in teen mode: it reads from {opens} to {closes} (UTC+8).",
    Reason.TEEN_MINUTES: "Your account is in teen mode: the {minutes} minutes of today are used.",
    Reason.IN_USE: "All {at_once} places are taken. One is free by {free} (UTC+8).",
    Reason.NOT_COUNTED: "How many use it cannot be told now. Try again later.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """An account as policies ask of it.

    ``home`` is the path of its library, if it has one; where that keeps cards of the account, only
    while one of them is valid.
    """

    assurance: int = 0
    home: str = ""
    is_suspended: bool = False
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """How many others use something now, and by when at the latest one place of so many is free."""

    count: int
    free: datetime | None = None


class Circumstances(Protocol):
    """What is the case when somebody asks; looked up only when a policy wants to know."""

    @property
    def when(self) -> datetime:
        """The moment that counts."""

    def rules(self, policy: str) -> Rules | None:
        """What a policy asks for; ``None`` for one that is not known or cannot be read."""

    def standing(self) -> Standing | None:
        """The caller's account; ``None`` when there is no such account."""

    def teen(self) -> Teen | None:
        """The teen mode that the caller's account is in, if it is in any."""

    def networks(self) -> tuple[str, ...]:
        """The paths of the libraries in whose networks the caller's address lies."""

    def uses(self, place: str, most: int) -> Taken | None:
        """How many others use now what this place stands for, of which ``most`` may.

        ``None`` when that cannot be told.
        """


class Place(Protocol):
    """What a record shows of itself to conditions."""

    @property
    def library_path(self) -> str:
        """The path of the library that owns it."""

    @property
    def counted(self) -> Mapping[str, str]:
        """Where its uses are counted, by whose policy asks: ``record:…`` or ``library:…``."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One policy of one record, asked for by one caller."""

    part: str
    rules: Rules
    thing: Place
    account_id: str | None
    may_edit: bool
    facts: Circumstances


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a condition holds: what was asked and found, and the reason where it does not."""

    name: str
    wanted: str
    found: str
    refused: Reason | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    """What the reason is about: the values that its sentence names."""


Condition = Callable[[Asked], Finding | None]
"""``None`` when the policy does not ask for it."""


def shown(moment: datetime) -> str:
    """A moment as people here say it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def period(asked: Asked) -> Finding | None:
    """Not before it begins and not once it has ended."""
    rules, when = asked.rules, asked.facts.when
    if rules.since is None and rules.until is None:
        return None
    about = {n: shown(m) for n, m in (("since", rules.since), ("until", rules.until)) if m}
    wanted = " ".join(f"{name} {moment}" for name, moment in about.items())
    reason = None
    if rules.since and when < rules.since:
        reason = Reason.NOT_YET
    elif rules.until and when >= rules.until:
        reason = Reason.NO_LONGER
    return Finding("period", wanted, shown(when), reason, about)


def staff(asked: Asked) -> Finding | None:
    """Those who may edit the records of its library."""
    if not asked.rules.staff:
        return None
    found = "may edit its library's records" if asked.may_edit else "may not edit them"
    return Finding("staff", "staff", found, None if asked.may_edit else Reason.STAFF_ONLY)


def account(asked: Asked) -> Finding | None:
    """Somebody who is signed in, with an account in good standing."""
    if not asked.rules.asks_who:
        return None
    if asked.account_id is None:
        return Finding("account", "signed in", "nobody is signed in", Reason.SIGN_IN)
    standing = asked.facts.standing()
    if standing is None:
        return Finding("account", "signed in", "there is no such account", Reason.ACCOUNT)
    if standing.is_closed:
        return Finding("account", "signed in", "the account is closed", Reason.CLOSED)
    if standing.is_suspended:
        return Finding("account", "signed in", "the account is suspended", Reason.SUSPENDED)
    return Finding("account", "signed in", "signed in")


def assurance(asked: Asked) -> Finding | None:
    """Somebody who is known well enough."""
    level = asked.rules.assurance
    if not level:
        return None
    standing = asked.facts.standing() if asked.account_id else None
    known = standing.assurance if standing else 0
    reason = None if known >= level else Reason.ASSURANCE
    return Finding("assurance", f"level {level}", f"level {known}", reason, {"level": str(level)})


def readers(asked: Asked) -> Finding | None:
    """A reader of the record's own library or of one below it."""
    if asked.rules.readers is None:
        return None
    standing = asked.facts.standing() if asked.account_id else None
    home, path = standing.home if standing else "", asked.thing.library_path
    reason = None if _is_below(home, path) else Reason.OWN_READERS
    found = f"a reader of {home}" if home else "a reader of no library"
    return Finding("readers", f"readers of {path} and below", found, reason)


def network(asked: Asked) -> Finding | None:
    """An address inside the networks of the record's own library and below, or of any library."""
    if asked.rules.network is None:
        return None
    inside, path = asked.facts.networks(), asked.thing.library_path
    found = "inside " + ", ".join(inside) if inside else "in no network that is known"
    if asked.rules.network == "any":
        return Finding("network", "any", found, None if inside else Reason.ANY_NETWORK)
    holds = any(_is_below(one, path) for one in inside)
    return Finding("network", f"{path} and below", found, None if holds else Reason.OWN_NETWORK)


def hours(asked: Asked) -> Finding | None:
    """Within the hours of every day."""
    span = asked.rules.hours
    if span is None:
        return None
    about = {"opens": span.opens, "closes": span.closes}
    reason = None if span.hold(asked.facts.when) else Reason.HOURS
    return Finding(
        "hours", f"{span.opens}-{span.closes}", shown(asked.facts.when)[-5:], reason, about
    )


def teen(asked: Asked) -> Finding | None:
    """The hours and minutes of the teen mode, whatever the policy asks for."""
    mode = asked.facts.teen()
    if mode is None:
        return None
    rules, found = mode.rules, f"{shown(asked.facts.when)[-5:]}, {mode.used} minutes today"
    about = {"opens": rules.opens or "", "closes": rules.closes or ""}
    if rules.hours and not rules.hours.hold(asked.facts.when):
        wanted = f"{rules.opens}-{rules.closes}"
        return Finding("teen", wanted, found, Reason.TEEN_HOURS, about)
    if rules.minutes is not None and mode.used >= rules.minutes:
        about = {"minutes": str(rules.minutes)}
        wanted = f"{rules.minutes} minutes a day"
        return Finding("teen", wanted, found, Reason.TEEN_MINUTES, about)
    return Finding("teen", "within its hours and minutes", found)


def at_once(asked: Asked) -> Finding | None:
    """Fewer others than there are places."""
    most = asked.rules.at_once
    if most is None:
        return None
    wanted, place = f"{most} at most", asked.thing.counted.get(asked.part)
    taken = asked.facts.uses(place, most) if place else None
    if taken is None:
        return Finding("at-once", wanted, "not counted", Reason.NOT_COUNTED)
    found, about = f"{taken.count} taken by others", {"at_once": str(most)}
    if taken.count < most:
        return Finding("at-once", wanted, found)
    about["free"] = shown(taken.free) if taken.free else ""
    return Finding("at-once", wanted, found, Reason.IN_USE, about)


def _is_below(path: str, top: str) -> bool:
    """A library's path is below itself; no path is below anything."""
    return bool(top) and path.startswith(top)


CONDITIONS: tuple[Condition, ...] = (
    period, staff, account, assurance, readers, network, hours, teen, at_once,
)  # fmt: skip
"""In the order in which a reader is told: what cannot be helped, what they can do, what waits."""
ANEW: tuple[Condition, ...] = (period, network, hours, teen)
"""What holds of a place and a moment, and is asked again for every part of a book."""
