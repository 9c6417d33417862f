"""Whatever staff can change about people, roles and libraries can be found in the audit trail.

For each endpoint of identity that writes, what it calls is followed, name by name, through the
application's own functions until ``audit.note`` is met. That shows that somebody thought of it,
not that it happens on every path: the tests of each endpoint do that.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

from house import House

from app.identity.services import audit

OTHERWISE = {
    "identity.accounts.ask": "a code is sent: nothing has changed",
    "identity.claims.ask": "a code is sent: nothing has changed",
    "identity.cards.standing": "it only looks; the number of the card is in no address",
    "identity.own_cards.desk_code": "a code is shown: nothing has changed",
    "identity.me.ask": "a code is sent: nothing has changed",
    "identity.family.ask": "a code is sent: nothing has changed",
    "identity.merging.ask": "a code is sent: nothing has changed",
    "identity.me.begin_factor": "it counts once it is confirmed",
    "identity.kosync.create": "it refuses",
    "identity.passkeys.ask_to_register": "it counts once it is made",
    "identity.passkeys.ask_to_sign_in": "nothing has changed",
    "identity.me.rename": "one's own name, which is not written down",
    "identity.sessions.end": "one's own signing out",
}
"""Writes that need not be audited, and why."""


def writes(house: House) -> list[Any]:
    """The endpoints of identity that change something."""
    found = house.app.extensions["kaijuan.endpoints"].values()
    return [one for one in found if one.name.startswith("identity.") and one.method != "GET"]


def test_whatever_changes_people_or_libraries_is_audited(house: House) -> None:
    endpoints = writes(house)
    assert len(endpoints) > 10
    silent = {one.name for one in endpoints if not reaches(one.view)}
    assert silent == set(OTHERWISE)


def test_what_audits_nothing_is_found_out() -> None:
    assert reaches(_through)
    assert not reaches(_silent)


def _through() -> None:
    audit.note(*[])  # type: ignore[call-arg]


def _silent() -> None:
    audit.actor_of(*[])  # type: ignore[call-arg]


def reaches(view: Callable[..., Any]) -> bool:
    """Whether following what ``view`` names leads to the one function that writes down."""
    seen: set[int] = set()
    ahead: list[Callable[..., Any]] = [view]
    while ahead:
        function = ahead.pop()
        if function is audit.note:
            return True
        if id(function) not in seen:
            seen.add(id(function))
            ahead.extend(named(function))
    return False


def named(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """The functions of identity that another names: its own module's, another's, a method."""
    function = inspect.unwrap(function)
    module = sys.modules[function.__module__]
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Name):
            yield from ours(vars(module).get(node.id))
        elif isinstance(node, ast.Attribute):
            base = node.value
            name = base.id if isinstance(base, ast.Name) else ""
            owner = vars(module).get(
                function.__qualname__.split(".")[0] if name == "self" else name
            )
            if isinstance(owner, ModuleType | type):
                yield from ours(getattr(owner, node.attr, None))
            else:
                yield from methods().get(node.attr, ())


@cache
def tree(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def ours(found: Any) -> Iterator[Callable[..., Any]]:
    if inspect.isfunction(found) and found.__module__.startswith(("app.identity", __name__)):
        yield found


@cache
def methods() -> dict[str, list[Callable[..., Any]]]:
    """The methods of identity's classes by name, of whichever class."""
    found: dict[str, list[Callable[..., Any]]] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("app.identity"):
            for kind in vars(module).values():
                if inspect.isclass(kind) and kind.__module__ == name:
                    for method in vars(kind).values():
                        if inspect.isfunction(method):
                            found.setdefault(method.__name__, []).append(method)
    return found
