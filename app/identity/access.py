"""The access decision: *may see* by audience, *may use* by policy. Both fail closed.

What is public everybody sees. What is kept for staff is seen by those who may edit at its
library: its tokens name that library and every one above it, a caller's the libraries granted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.errors import NotUsableError
from app.identity import tree
from app.permissions import Caller, Permission

PUBLIC = "public"
STAFF = "staff"
_NOBODY = "nobody"
_STAFF_AT = STAFF + ":"


def tokens(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The audience tokens of a caller who may edit at and below the libraries of these paths."""
    return (PUBLIC, *sorted({_STAFF_AT + path for path in paths if path}))


def staff_paths(audience: tuple[str, ...]) -> tuple[str, ...]:
    """The paths that these tokens of a caller name."""
    at = len(_STAFF_AT)
    return tuple(token[at:] for token in audience if token.startswith(_STAFF_AT) and token[at:])


def tokens_for(audience: str, library_path: str) -> tuple[str, ...]:
    """The tokens any one of which a caller needs to see a record; nobody has an unknown one's."""
    if audience == PUBLIC:
        return (PUBLIC,)
    if audience == STAFF:
        return tuple(_STAFF_AT + path for path in tree.lineage(library_path))
    return (_NOBODY,)


def admits(callers: tuple[str, ...], audience: str, library_path: str) -> bool:
    """Whether a caller with these tokens sees a record of this audience and library."""
    if audience == PUBLIC:
        return PUBLIC in callers
    reach = (path for path in staff_paths(callers) if library_path.startswith(path))
    return audience == STAFF and any(reach)


class Standing(Protocol):
    """What a record shows of itself to say whether it is open to all."""

    @property
    def audience(self) -> str:
        """Whom it is shown to: everybody, or the staff of its library and those above."""

    @property
    def policy(self) -> str:
        """The policy that says who may use it."""

    @property
    def state(self) -> str:
        """Its state; only what is published can be used by readers."""


class Protected(Standing, Protocol):
    """What a record shows of itself to be decided on."""

    @property
    def library_path(self) -> str:
        """The path of the library that owns it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a use is allowed; the reason is a stable code, the remedy a sentence."""

    allowed: bool
    reason: str = ""
    remedy: str = ""


OPEN = Decision(True)


def may_see(caller: Caller, thing: Protected) -> bool:
    """Whether the record appears for this caller in lists, counts, facets and feeds."""
    if thing.state != "published" and not _may_edit(caller, thing):
        return False
    return admits(caller.audience, thing.audience, thing.library_path)


def _may_edit(caller: Caller, thing: Protected) -> bool:
    return caller.may(Permission.EDIT_RECORDS, thing.library_path)


def is_open(thing: Standing) -> bool:
    """Whether anybody may read it, so that its addresses may be cached by all."""
    return (thing.state, thing.audience, thing.policy) == ("published", PUBLIC, "open")


def decide(caller: Caller, thing: Protected) -> Decision:
    """Whether this caller may open, read and download it now."""
    if not may_see(caller, thing):
        return Decision(False, "not-visible", "It is not for your account.")
    if thing.state != "published":
        return OPEN if _may_edit(caller, thing) else _denied_unknown()
    match thing.policy:
        case "open":
            return OPEN
        case "signed-in" if caller.account_id is not None:
            return OPEN
        case "signed-in":
            return Decision(False, "sign-in", "Sign in with your reader account.")
        case "staff" if _may_edit(caller, thing):
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
