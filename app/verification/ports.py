"""The port: is this person's name that of this number, and is the phone theirs?"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from app.errors import Fault, InvalidError
from app.verification.numbers import IdentityNumber

LONGEST_NAME = 50
_NAME = re.compile(r"[^\W\d_]+(?:[·. '’-][^\W\d_]+)*\.?")


class Method(StrEnum):
    """By what a person is verified."""

    NUMBER = "number"
    """Name and identity number."""
    CARRIER = "carrier"
    """Name, identity number and phone, as the phone's carrier knows them."""


class Result(StrEnum):
    """What a service knows of a person."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"
    """There is no such number, or not here."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a service is asked about; a phone in E.164 where the carrier is asked.

    Nothing of it shows in a log, a traceback or a report of an error.
    """

    name: str = field(repr=False)
    number: IdentityNumber = field(repr=False)
    phone: str = field(default="", repr=False)

    @property
    def method(self) -> Method:
        """The carrier is asked where there is a phone."""
        return Method.CARRIER if self.phone else Method.NUMBER


class VerifierAwayError(Exception):
    """No answer that could be understood: ask again, after ``rest`` seconds if it said so.

    It names nobody.
    """

    def __init__(self, reason: str, rest: float = 0.0) -> None:
        super().__init__(f"the verification service: {reason}")
        self.reason, self.rest = reason, rest


class Verifier(Protocol):
    """A way to ask. The same asking may be handed over twice when a process dies in between."""

    @property
    def offers(self) -> tuple[Method, ...]:
        """The methods that can be used."""

    def verify(self, asking: str, person: Person) -> Result:
        """What the service says; ``asking`` is an id that is the same each time it is repeated.

        :raises VerifierAwayError: when that fails, takes too long, or cannot be understood.
        """


def real_name(text: str) -> str:
    """A name as it stands in a document: letters of any script, with ``·`` between its parts.

    :raises InvalidError: for what is none; the message does not repeat it.
    """
    name = re.sub(r"[•‧∙．・]", "·", unicodedata.normalize("NFKC", text).strip())
    name = re.sub(r"\s+", " ", name)
    if len(name) > LONGEST_NAME or len(name) < 2 or not _NAME.fullmatch(name):
        raise InvalidError(Fault("name", "name-form", "the name as it stands in the document"))
    return name
