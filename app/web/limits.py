"""What an endpoint declares of how often it may be asked, and what its answers say of it.

Header fields: draft-ietf-httpapi-ratelimit-headers-10; 429: RFC 6585 section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response

from app.counting import Spent
from app.permissions import Caller


@dataclass(frozen=True, slots=True)
class Limited:
    """That requests of an endpoint are counted for who sends them; ``what`` is such as search."""

    what: str


Count = Callable[[Limited, Caller], Spent | None]
"""Counts a request before it is done; ``identity`` implements it.

:raises TooManyError: when it is one too many.
"""


def tell(response: Response, spent: Spent | None) -> Response:
    """Says in the answer what is left."""
    if spent is not None:
        name, limit = f'"{spent.name}"', spent.limit
        response.headers["RateLimit-Policy"] = f"{name};q={limit.count};w={limit.seconds}"
        response.headers["RateLimit"] = f"{name};r={spent.left};t={spent.reset}"
    return response
