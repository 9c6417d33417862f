"""What a library manages is cut to its subtree: this is the one place that cuts."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, false, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from app.identity import tree

EVERYWHERE = ("",)
"""The reach of the command line. Only this very object opens everything: an empty path that came
about in another way opens nothing."""


def tops(paths: Iterable[str]) -> list[str]:
    """The paths that no other of them covers, in order: the least that says the same."""
    found: list[str] = []
    for path in sorted(paths):
        if path and not (found and path.startswith(found[-1])):
            found.append(path)
    return found


def covers(reach: Iterable[str], path: str) -> bool:
    """Whether the library of this path is one of the reach or below it; nothing is above a root."""
    return reach is EVERYWHERE or any(top and path.startswith(top) for top in reach)


def within(column: InstrumentedAttribute[str], reach: Iterable[str]) -> ColumnElement[bool]:
    """That a library's path is one of these or below it; without any, nothing is.

    ``reach`` is what ``Caller.reach(permission)`` gives. Join the libraries and filter by their
    path: that is one statement, however many libraries there are.
    """
    if reach is EVERYWHERE:
        return true()
    return or_(false(), *(tree.below(column, path) for path in tops(reach)))
