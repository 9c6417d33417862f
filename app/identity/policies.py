"""Policies: what a use asks for, as values that never change.

A policy is named by what it says: ``open``, ``signed-in``, ``staff``, or sixteen characters made
from its conditions. So whatever names a policy (a record, its history, a grant, a cache) goes on
meaning the same, and one that this release cannot read is known by a name that it does not know.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from app.errors import Fault, InvalidError

CHINA = timezone(timedelta(hours=8), "UTC+8")
"""The one legal time of the country, in which libraries say their hours."""
NAME_LENGTH = 16

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Moment = Annotated[datetime, Meta(tz=True)]


class Policy(StrEnum):
    """The policies that have names of their own."""

    OPEN = "open"
    SIGNED_IN = "signed-in"
    STAFF = "staff"


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From ``opens`` until just before ``closes`` of every day, in China's time.

    What closes earlier than it opens is open over midnight.
    """

    opens: Clock
    closes: Clock

    def hold(self, moment: datetime) -> bool:
        """Whether this moment lies within."""
        clock = moment.astimezone(CHINA).strftime("%H:%M")
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes


class Rules(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a use asks for: every condition that is set must hold. Without any, it is open.

    ``assurance`` is how well the reader must be known: 1 reached by phone or address, 2 at a
    library, 3 real name verified. ``readers`` "own" are those whose own library is the record's or
    one below it. ``network`` "own" are the networks of the record's library and those below it,
    "any" those of every library. ``at_once`` is how many readers may use at the same time what the
    policy is of: the record, what it belongs to with all its parts, or the records of the library;
    ``use_minutes`` how long one use may go on before others have their turn, 240 without it.
    """

    signed_in: bool = False
    staff: bool = False
    assurance: Literal[0, 1, 2, 3] = 0
    readers: Literal["own"] | None = None
    network: Literal["own", "any"] | None = None
    since: Moment | None = None
    until: Moment | None = None
    hours: Hours | None = None
    at_once: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    use_minutes: Annotated[int, Meta(ge=10, le=43_200)] | None = None

    @property
    def asks_who(self) -> bool:
        """Whether anything is asked of the account; only who is known can be counted once."""
        known_well = self.assurance > 0 or self.readers is not None
        return self.signed_in or self.staff or known_well or self.at_once is not None


NAMED: Mapping[str, Rules] = {
    Policy.OPEN: Rules(),
    Policy.SIGNED_IN: Rules(signed_in=True),
    Policy.STAFF: Rules(staff=True),
}
_NAMES = {rules: name for name, rules in NAMED.items()}
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Rules)


def encoded(rules: Rules) -> bytes:
    """The rules as they are kept: the same bytes for the same rules."""
    return _encoder.encode(_in_utc(rules))


def decoded(name: str, kept: bytes) -> Rules | None:
    """The rules of this name; ``None`` for what is not theirs, or cannot be read."""
    if name != _name_of(kept):
        return None
    try:
        return _decoder.decode(kept)
    except msgspec.MsgspecError:
        return None


def name_of(rules: Rules) -> str:
    """The name of these rules, which no others have."""
    return _NAMES.get(rules) or _name_of(encoded(rules))


def _name_of(kept: bytes) -> str:
    digest = b32encode(blake2b(kept, digest_size=10).digest()).decode().lower()
    return "p" + digest[: NAME_LENGTH - 1]


def require_sense(rules: Rules, place: str) -> None:
    """:raises InvalidError: when there is no moment at which the rules would hold."""
    if rules.since and rules.until and rules.since >= rules.until:
        raise InvalidError(Fault(f"{place}.until", "order", "it must end after it begins"))
    if rules.hours and rules.hours.opens == rules.hours.closes:
        message = "it must close at another time than it opens; leave it out for the whole day"
        raise InvalidError(Fault(f"{place}.hours.closes", "order", message))
    if rules.use_minutes and not rules.at_once:
        message = "it says how long one use goes on: say `at_once` too"
        raise InvalidError(Fault(f"{place}.use_minutes", "alone", message))


def _in_utc(rules: Rules) -> Rules:
    return msgspec.structs.replace(
        rules,
        since=rules.since and rules.since.astimezone(UTC),
        until=rules.until and rules.until.astimezone(UTC),
    )
