"""What an endpoint declares of how often it may be asked, and what its answers say of it.

Header fields: draft-ietf-httpapi-ratelimit-headers-10; 429: RFC 6585 section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from app.counting import Spent
from app.permissions import Caller


@dataclass(frozen=True, slots=True)
class Limited:
    """How an endpoint is limited: by who calls, and by what the request names.

    ``what`` is such as ``search``. ``named`` gives, of the view's arguments, what is counted as an
    account, such as the e-mail address that somebody signs in with; it must not need the session.
    """

    what: str
    named: Callable[[Mapping[str, Any]], str] | None = None


Count = Callable[[Limited, Caller, Mapping[str, Any]], Spent | None]
"""Counts a request before it is done, given the view's arguments; ``identity`` implements it.

:raises TooManyError: when it is one too many.
"""


def tell(response: Response, spent: Spent | None) -> Response:
    """Says in the answer what is left."""
    if spent is not None:
        name, limit = f'"{spent.name}"', spent.limit
        response.headers["RateLimit-Policy"] = f"{name};q={limit.count};w={limit.seconds}"
        response.headers["RateLimit"] = f"{name};r={spent.left};t={spent.reset}"
    return response
