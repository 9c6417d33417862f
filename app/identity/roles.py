"""The one table of what a role may do."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from app.permissions import Permission


class Role(StrEnum):
    """A set of permissions, granted on a library and all below it. Every account is a reader."""

    CONTRIBUTOR = "contributor"
    """Hands in what the library has."""
    CATALOGUER = "cataloguer"
    REVIEWER = "reviewer"
    LIBRARIAN = "librarian"
    """Runs a library: its staff, readers, records, networks."""
    OPERATOR = "operator"
    """Looks after the installation and its network."""
    ADMINISTRATOR = "administrator"
    """Everything; on the root that is the national administrator."""


_CATALOGUER = frozenset({
    Permission.SUBMIT, Permission.EDIT_RECORDS, Permission.IMPORT_RECORDS,
})  # fmt: skip
_LIBRARIAN = _CATALOGUER | {
    Permission.REVIEW, Permission.MANAGE_STAFF, Permission.SEE_READERS,
    Permission.MANAGE_READERS, Permission.MANAGE_LIBRARIES, Permission.SEE_AUDIT,
}  # fmt: skip

PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.CONTRIBUTOR: frozenset({Permission.SUBMIT}),
    Role.CATALOGUER: _CATALOGUER,
    Role.REVIEWER: frozenset({Permission.REVIEW}),
    Role.LIBRARIAN: _LIBRARIAN,
    Role.OPERATOR: frozenset({Permission.SEE_JOBS, Permission.SEE_METRICS}),
    Role.ADMINISTRATOR: frozenset(Permission),
}


def powers(role: str) -> frozenset[Permission]:
    """What the role may do; nothing for a role that this release does not know."""
    return PERMISSIONS.get(role, frozenset())


def needed(role: str) -> frozenset[Permission]:
    """What one must be allowed to give or take the role, or to stand above one who has it.

    Everything for a role that this release does not know: it may be another release's highest.
    """
    return PERMISSIONS.get(role, frozenset(Permission))


def powers_at(held: Iterable[tuple[str, str]], path: str) -> frozenset[Permission]:
    """What these (role, library path) pairs allow together on the library at ``path``."""
    return frozenset[Permission]().union(*(powers(r) for r, at in held if path.startswith(at)))


POWER_OVER_OTHERS = frozenset({
    Permission.MANAGE_STAFF, Permission.MANAGE_READERS, Permission.APPROVE_LIBRARIES,
})  # fmt: skip
"""What counts only where a second factor was shown."""


def has_power_over_others(role: str) -> bool:
    """Whether whoever has the role needs a second factor."""
    return not POWER_OVER_OTHERS.isdisjoint(powers(role))


def powers_unproven(role: str) -> frozenset[Permission]:
    """What the role may do before a second factor was shown; an administrator's nothing at all."""
    if role == Role.ADMINISTRATOR:
        return frozenset()
    return powers(role) - POWER_OVER_OTHERS
