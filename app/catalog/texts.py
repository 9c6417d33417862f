"""What no text of a record may be: a title without anything to see, controls inside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from app.errors import Fault, InvalidError

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_WITHOUT_INK = ("Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn", "Me")
_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def require_sound(said: msgspec.Struct | dict[str, Any], place: str) -> None:
    """That these texts can be kept and shown.

    :raises InvalidError: naming every field, below ``place``, that cannot.
    """
    if faults := list(_controls(msgspec.to_builtins(said), place)):
        raise InvalidError(*faults)


def require_title(title: Any, place: str) -> None:
    """That a title, where one is given, shows something.

    :raises InvalidError: when it is only spaces, marks, controls and characters of no width.
    """
    if title is not UNSET and is_blank(title):
        raise InvalidError(Fault(place, "blank", "a title has something to read"))


def is_blank(title: str) -> bool:
    """Whether there is nothing to see: only spaces, marks, controls and characters of no width.

    Private and unassigned code points are characters that this Unicode does not know: they stay.
    """
    return all(c in _UNSEEN or unicodedata.category(c) in _WITHOUT_INK for c in title)


def _controls(value: Any, place: str) -> Iterator[Fault]:
    if isinstance(value, str):
        if _CONTROL.search(value):
            yield Fault(place, "control", "no control characters but newlines and tabs")
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from _controls(name, place)
            yield from _controls(below, f"{place}.{name}")
    elif isinstance(value, (list, tuple)):
        for number, below in enumerate(value):
            yield from _controls(below, f"{place}[{number}]")
