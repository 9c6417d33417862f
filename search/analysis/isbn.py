"""ISBNs: every writing of one number folds to its thirteen digits (ISO 2108)."""

import re

_SHAPE = re.compile(r"(?:isbn(?:-1[03])?:?)?((?:97[89])?[0-9]{9}[0-9x])")
_SEPARATORS = re.compile(r"[\s\-‐‑–—]+")


def normal_isbn(text: str) -> str | None:
    """The thirteen digits of an ISBN-10 or -13 written in any way; None for anything else.

    An old number whose leading zeros were lost by a spreadsheet is not guessed at.
    """
    if len(text) > 40:
        return None
    match = _SHAPE.fullmatch(_SEPARATORS.sub("", text.lower()))
    if match is None:
        return None
    digits = match[1]
    if len(digits) == 13:
        return digits if check_13(digits[:12]) == digits[12] else None
    if check_10(digits[:9]) != digits[9]:
        return None
    return "978" + digits[:9] + check_13("978" + digits[:9])


def check_10(digits: str) -> str:
    """The check digit, ``0``–``9`` or ``x``, that nine digits ask for."""
    rest = -sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True))
    return "0123456789x"[rest % 11]


def check_13(digits: str) -> str:
    """The check digit that twelve digits ask for."""
    return str(-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10)
