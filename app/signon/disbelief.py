"""What is not believed of what a library's sign-on says."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import msgspec

from app.errors import ForbiddenError, UnavailableError
from app.outgoing.ports import Incoming, Outgoing, OutgoingError, Web

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds that somebody who signs in waits for each answer of a provider."""


class DisbeliefError(ForbiddenError):
    """The provider's answer cannot be believed; ``reason`` is a word for those who look after it.

    It holds nothing of what the answer said.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("provider", f"The library's sign-on was not believed ({reason}).")
        self.reason = reason


def asked(web: Web, request: Outgoing, what: str) -> Incoming:
    """What the provider answers, where that is success: redirects are not followed.

    :raises UnavailableError: without an answer within bounds.
    :raises DisbeliefError: for any other answer.
    """
    try:
        answer = web.ask(replace(request, patience=PATIENCE))
    except OutgoingError as error:
        raise UnavailableError("The library's sign-on") from error
    if answer.status != 200:
        raise DisbeliefError(f"{what}-status")
    return answer


def decoded(body: bytes, kind: type[T], what: str) -> T:
    """What stands in a JSON document.

    :raises DisbeliefError: when that is not what it should be.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        raise DisbeliefError(f"{what}-form") from error
