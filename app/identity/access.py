"""The access decision: *may see* by audience, *may use* by policy. Both fail closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.errors import NotUsableError
from app.permissions import Caller, Permission

PUBLIC = "public"
STAFF = "staff"


class Protected(Protocol):
    """What a record shows of itself to be decided on."""

    @property
    def audience(self) -> str:
        """The audience token that a caller needs to see it."""

    @property
    def policy(self) -> str:
        """The policy that says who may use it."""

    @property
    def state(self) -> str:
        """Its state; only what is published can be used by readers."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a use is allowed; the reason is a stable code, the remedy a sentence."""

    allowed: bool
    reason: str = ""
    remedy: str = ""


OPEN = Decision(True)


def may_see(caller: Caller, thing: Protected) -> bool:
    """Whether the record appears for this caller in lists, counts, facets and feeds."""
    if thing.state != "published" and not caller.may(Permission.EDIT_RECORDS):
        return False
    return thing.audience in caller.audience


def is_open(thing: Protected) -> bool:
    """Whether anybody may read it, so that its addresses may be cached by all."""
    return (thing.state, thing.audience, thing.policy) == ("published", PUBLIC, "open")


def decide(caller: Caller, thing: Protected) -> Decision:
    """Whether this caller may open, read and download it now."""
    if not may_see(caller, thing):
        return Decision(False, "not-visible", "It is not for your account.")
    if thing.state != "published":
        return OPEN if caller.may(Permission.EDIT_RECORDS) else _denied_unknown()
    match thing.policy:
        case "open":
            return OPEN
        case "signed-in" if caller.account_id is not None:
            return OPEN
        case "signed-in":
            return Decision(False, "sign-in", "Sign in with your reader account.")
        case "staff" if caller.may(Permission.EDIT_RECORDS):
            return OPEN
        case "staff":
            return Decision(False, "staff-only", "It is kept for the library's staff.")
    return _denied_unknown()


def _denied_unknown() -> Decision:
    return Decision(False, "policy", "Its access policy does not admit you.")


def require_use(caller: Caller, thing: Protected) -> None:
    """As :func:`decide`.

    :raises NotUsableError: with the reason, when it is not allowed.
    """
    decision = decide(caller, thing)
    if not decision.allowed:
        raise NotUsableError(decision.reason, decision.remedy)
