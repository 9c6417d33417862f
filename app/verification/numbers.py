"""Identity numbers of residents: what can be told of one before any service is asked.

Source: GB 11643-1999 (six digits of a region, the date of birth, a sequence, a check digit); the
check digit is ISO 7064 MOD 11-2. Permanent residence cards of foreigners since December 2023 have
a number of the same form, which begins with 9, two digits of the province and three of a country.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from app.errors import Fault, InvalidError

_FORM = re.compile(r"[1-9]\d{16}[\dX]")
_WEIGHTS = tuple(2**power % 11 for power in range(17, 0, -1))
_CHECKS = "10X98765432"
_PROVINCES = frozenset({
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37",
    "41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65",
    "71", "81", "82", "83",
})  # fmt: skip
"""GB/T 2260; 81, 82 and 83 also begin the residence permits of people from Hong Kong, Macao and
Taiwan."""
_FOREIGN = "9"
_EARLIEST = 1900


@dataclass(frozen=True, slots=True)
class IdentityNumber:
    """A number that could be somebody's. Nothing that shows it prints more than its mask."""

    value: str = field(repr=False)

    @property
    def born(self) -> date:
        """The date of birth."""
        return date(int(self.value[6:10]), int(self.value[10:12]), int(self.value[12:14]))

    @property
    def mask(self) -> str:
        """The first and the last character: enough for its owner, and tells of nobody else."""
        return self.value[0] + "*" * 16 + self.value[-1]


def check_digit(first: str) -> str:
    """The last character for the first seventeen digits (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True))
    return _CHECKS[total % 11]


def parse(text: str, today: date) -> IdentityNumber:
    """The number that somebody wrote, in full-width characters or with spaces too.

    :raises InvalidError: when it can be nobody's; the message does not repeat it.
    """
    value = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not (value.isascii() and _FORM.fullmatch(value)):
        raise _wrong("number-form", "18 characters: 17 digits, and a digit or X")
    if check_digit(value[:17]) != value[17]:
        raise _wrong("number-check", "a number without a slip: its check digit does not fit")
    province = value[1:3] if value[0] == _FOREIGN else value[:2]
    if province not in _PROVINCES:
        raise _wrong("number-region", "a number that begins with a province of China")
    if not _is_possible(value, today):
        raise _wrong("number-date", "a number with a date of birth from 1900 until today")
    return IdentityNumber(value)


def _is_possible(value: str, today: date) -> bool:
    try:
        born = IdentityNumber(value).born
    except ValueError:
        return False
    return born.year >= _EARLIEST and born <= today


def _wrong(code: str, wanted: str) -> InvalidError:
    return InvalidError(Fault("number", code, wanted))
