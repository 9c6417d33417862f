"""What a line of text that people write may be: the name of a library, a label, a reason."""

from __future__ import annotations

import unicodedata

from app.errors import Fault, InvalidError

_NOT_OF_A_LINE = ("Cc", "Cs", "Zl", "Zp")
_WITHOUT_INK = ("Cf", "Mn", "Me", "Zs")


def line(text: str, place: str, most: int, *, needed: bool = True) -> str:
    """The text without spaces around it: one line of at most ``most`` characters.

    :raises InvalidError: naming ``place``, where it is longer, has controls, or shows nothing
        although it is ``needed``.
    """
    text = text.strip()
    kinds = {unicodedata.category(character) for character in text}
    if kinds.intersection(_NOT_OF_A_LINE):
        raise InvalidError(Fault(place, "control", "one line, without control characters"))
    if len(text) > most:
        raise InvalidError(Fault(place, "too-long", f"at most {most:,} characters"))
    if needed and kinds.issubset(_WITHOUT_INK):
        raise InvalidError(Fault(place, "missing", "something that can be read"))
    return text
