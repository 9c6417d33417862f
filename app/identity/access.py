"""The access decision: *may see* by audience, *may use* by policies. Both fail closed.

What is public everybody sees. What is kept for staff is seen by those who may edit at its
library: its tokens name that library and every one above it, a caller's the libraries granted.

A record is used as all of its policies together allow: its own, that of what it belongs to, and
its library's (docs/adr/0015). No role is above them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.errors import NotUsableError
from app.identity import conditions, tree
from app.identity.conditions import Asked, Circumstances, Condition, Finding, Reason
from app.identity.policies import Policy, Rules
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


class Shown(Protocol):
    """What a record shows of itself to say whether it is open to all."""

    @property
    def audience(self) -> str:
        """Whom it is shown to: everybody, or the staff of its library and those above."""

    @property
    def policies(self) -> Policies:
        """The policies that say who may use it."""

    @property
    def state(self) -> str:
        """Its state; only what is published can be used by readers."""


class Protected(Shown, conditions.Place, Protocol):
    """What a record shows of itself to be decided on."""


Policies = tuple[tuple[str, str], ...]
"""By whose they are: ``record``, ``parent``, ``whole`` (of which the parent is), ``library``."""


def counted_at(
    record_id: str, parent_id: str | None, whole_id: str | None, library_id: str
) -> dict[str, str]:
    """Where the uses of a record are counted, by whose policy asks for a number."""
    records = {"record": record_id, "parent": parent_id, "whole": whole_id}
    places = {part: f"record:{one}" for part, one in records.items() if one is not None}
    return {**places, "library": f"library:{library_id}"}


def policies_of(
    record: str, parent: str | None, whole: str | None, library: str | None
) -> Policies:
    """The policies of a record, of what it belongs to, and of its library."""
    given = {"record": record, "parent": parent, "whole": whole, "library": library}
    return tuple((part, name) for part, name in given.items() if name is not None)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a use is allowed.

    The reason is a stable code, the remedy a sentence, ``about`` the values that it names.
    """

    allowed: bool
    reason: str = ""
    remedy: str = ""
    about: Mapping[str, str] = field(default_factory=dict)


OPEN = Decision(True)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a decision: a condition, of which policy, and what was found."""

    part: str
    """``record``, ``parent``, ``whole`` or ``library``."""
    finding: Finding

    @property
    def decision(self) -> Decision:
        """What would be decided by this step alone."""
        reason, about = self.finding.refused, self.finding.about
        if reason is None:
            return OPEN
        return Decision(False, reason, conditions.REMEDIES[reason].format(**about), about)


def may_see(caller: Caller, thing: Protected) -> bool:
    """Whether the record appears for this caller in lists, counts, facets and feeds."""
    if thing.state != "published" and not _may_edit(caller, thing):
        return False
    return admits(caller.audience, thing.audience, thing.library_path)


def _may_edit(caller: Caller, thing: Protected) -> bool:
    return caller.may(Permission.EDIT_RECORDS, thing.library_path)


def is_open(thing: Shown) -> bool:
    """Whether anybody may read it, so that its addresses may be cached by all."""
    unconditional = all(name == Policy.OPEN for _, name in thing.policies)
    return (thing.state, thing.audience) == ("published", PUBLIC) and unconditional


def steps(caller: Caller, thing: Protected, facts: Circumstances) -> Iterator[Step]:
    """Every step of the decision whether this caller may open, read and download it, in order.

    The first that does not hold decides. What is not published is for those who may edit it, and
    no policy is asked.
    """
    seen = may_see(caller, thing)
    wanted = f"{thing.audience}, {thing.state}"
    found = ", ".join(caller.audience)
    yield Step("record", Finding("see", wanted, found, None if seen else Reason.NOT_VISIBLE))
    if thing.state == "published":
        yield from _asked(caller, thing, facts, conditions.CONDITIONS)


def _asked(
    caller: Caller, thing: Protected, facts: Circumstances, wanted: tuple[Condition, ...]
) -> Iterator[Step]:
    """What the policies ask for; those that are unknown, or cannot be read, refuse first."""
    readable = []
    for part, name in thing.policies:
        rules = facts.rules(name)
        said = ("known", None) if rules is not None else ("unknown", Reason.POLICY)
        yield Step(part, Finding("policy", name, *said))
        if rules is not None:
            edits = rules.staff and _may_edit(caller, thing)
            readable.append((part, Asked(part, rules, thing, caller.account_id, edits, facts)))
    for condition in wanted:
        for part, asked in readable:
            if (finding := condition(asked)) is not None:
                yield Step(part, finding)


def decide(caller: Caller, thing: Protected, facts: Circumstances) -> Decision:
    """Whether this caller may open, read and download it now."""
    made = (step.decision for step in steps(caller, thing, facts))
    return next((decision for decision in made if not decision.allowed), OPEN)


def require_use(caller: Caller, thing: Protected, facts: Circumstances) -> None:
    """As :func:`decide`.

    :raises NotUsableError: with the reason, when it is not allowed.
    """
    _require(decide(caller, thing, facts))


def require_anew(caller: Caller, thing: Protected, facts: Circumstances) -> None:
    """That a use which was allowed is still made in the right place and at the right time.

    Who reads is not asked again: for that a grant stands.

    :raises NotUsableError: as :func:`require_use`.
    """
    for step in _asked(caller, thing, facts, conditions.ANEW):
        _require(step.decision)


def numbers(thing: Protected, facts: Circumstances) -> dict[str, Rules]:
    """The policies that limit how many use it at once, by where their uses are counted."""
    asking = ((part, facts.rules(name)) for part, name in thing.policies)
    return {
        thing.counted[part]: rules
        for part, rules in asking
        if rules is not None and rules.at_once is not None
    }


def require_number(caller: Caller, thing: Protected, facts: Circumstances) -> None:
    """That there is a place left for the caller, in whatever limits the number.

    :raises NotUsableError: as :func:`require_use`.
    """
    for step in _asked(caller, thing, facts, (conditions.at_once,)):
        _require(step.decision)


def _require(decision: Decision) -> None:
    if not decision.allowed:
        raise NotUsableError(decision.reason, decision.remedy, decision.about)
