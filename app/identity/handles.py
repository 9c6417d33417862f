"""What people are signed in to by: phone numbers, e-mail addresses, library cards."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import Fault, InvalidError
from app.sealing import Sealer

LONGEST = 254
"""Characters of an e-mail address (RFC 5321 §4.5.3.1.3)."""
COUNTRY = "+86"
_MAINLAND_MOBILE = re.compile(r"1[3-9]\d{9}")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(
    r"[^\s@<>\"'(),:;\\\[\]]{1,64}@[a-z0-9](?:[a-z0-9-]*\.)+[a-z][a-z0-9-]*[a-z0-9]"
)
_CARD = re.compile(r"[0-9A-Z]{2,32}")


class HandleKind(StrEnum):
    """The kinds of handles."""

    PHONE = "phone"
    EMAIL = "email"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Handle:
    """A handle in its one form: E.164, a folded address, or a card's number at its library."""

    kind: HandleKind
    value: str = field(repr=False)
    library_id: str | None = None

    def lookup(self, sealer: Sealer) -> str:
        """By which it is found."""
        of = f"{self.library_id}:{self.value}" if self.library_id else self.value
        return sealer.lookup(f"handle:{self.kind}", of)

    @property
    def mask(self) -> str:
        """As much as its owner needs to know it again: ``138****1234``, ``w***@example.org``."""
        if self.kind is HandleKind.EMAIL:
            name, _, domain = self.value.partition("@")
            return f"{name[0]}***@{domain}"[:64]
        if self.kind is HandleKind.CARD:
            return "****" + (self.value[-4:] if len(self.value) >= 8 else "")
        if self.value.startswith(COUNTRY):
            return f"{self.value[3:6]}****{self.value[-4:]}"
        return f"{self.value[:3]}****{self.value[-2:]}"


def normal(text: str, library_id: str | None = None) -> Handle:
    """The handle that somebody wrote: a card where a library is named, else an address or phone.

    Full-width characters are taken, as are spaces and hyphens in numbers; a phone number without
    its country is one of the Chinese mainland.

    :raises InvalidError: for what is none of them.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if library_id:
        value = re.sub(r"[\s-]", "", text).upper()
        return _checked(HandleKind.CARD, value, _CARD, library_id)
    if "@" in text:
        return _checked(HandleKind.EMAIL, _email(text), _EMAIL)
    return _checked(HandleKind.PHONE, _phone(text), _E164)


def _checked(
    kind: HandleKind, value: str, form: re.Pattern[str], library_id: str | None = None
) -> Handle:
    if len(value) > LONGEST or not form.fullmatch(value):
        raise InvalidError(Fault("handle", "handle-invalid", _WANTED[kind]))
    return Handle(kind, value, library_id)


_WANTED = {
    HandleKind.PHONE: "a mobile number, or an e-mail address",
    HandleKind.EMAIL: "an address such as reader@example.org",
    HandleKind.CARD: "the 2 to 32 letters and digits of a library card",
}


def _email(text: str) -> str:
    name, _, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        return ""
    return f"{name}@{domain}".lower()


def _phone(text: str) -> str:
    digits = re.sub(r"[\s().-]", "", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not digits.startswith("+"):
        digits = COUNTRY + digits
    mainland = digits.removeprefix(COUNTRY)
    if mainland != digits and not _MAINLAND_MOBILE.fullmatch(mainland):
        return ""
    return digits
