"""What is sent to a verification service and what its answers mean: our own form.

Asked: ``POST {"id": …, "name": …, "number": …, "phone": …}``, without ``phone`` where only name
and number are compared. Answered: ``200 {"result": "match" | "mismatch" | "unknown"}``; 429 and
503 may say ``Retry-After`` in seconds.
"""

from __future__ import annotations

import msgspec

from app.verification.ports import Person, Result, VerifierAwayError

LARGEST = 4096
"""Bytes of an answer; whatever is larger is none."""
LONGEST_REST = 3600.0


class Asked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is sent."""

    id: str
    name: str
    number: str
    phone: str = ""

    def __repr__(self) -> str:
        return "Asked(…)"


class Answered(msgspec.Struct, frozen=True):
    """What comes back."""

    result: Result


def encoded(asking: str, person: Person) -> bytes:
    """What is sent about a person."""
    asked = Asked(id=asking, name=person.name, number=person.number.value, phone=person.phone)
    return msgspec.json.encode(asked)


def understood(status: int, body: bytes, retry_after: str = "") -> Result:
    """What an answer means.

    :raises VerifierAwayError: when it is none.
    """
    if status in (429, 503):
        rest = min(float(retry_after), LONGEST_REST) if retry_after.isdecimal() else 0.0
        raise VerifierAwayError("busy" if status == 429 else "away", rest)
    if status != 200:
        raise VerifierAwayError(f"answered {status}")
    result = _result(body)
    if result is None:
        raise VerifierAwayError("garbled")
    return result


def _result(body: bytes) -> Result | None:
    """The error of a decoder would show what it could not read."""
    if len(body) > LARGEST:
        return None
    try:
        return msgspec.json.decode(body, type=Answered).result
    except msgspec.MsgspecError:
        return None
