"""What an endpoint answers with, serialised, tagged and conditional."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec
from flask import Response, request

T = TypeVar("T")
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A body with what HTTP says beside it. ``etag`` is without quotes; computed when missing."""

    body: T
    status: int = 200
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cache: str = "no-cache"


def respond(result: Any, status: int = 200) -> Response:
    """Serialises what a view returned. Reads get an ETag and answer 304."""
    if isinstance(result, Response):
        return result
    if not isinstance(result, Answer):
        result = Answer(result, status)
    if result.body is None:
        response = Response(status=204 if result.status == 200 else result.status)
    else:
        encoded = result.body
        if not isinstance(encoded, bytes):
            encoded = msgspec.json.encode(encoded)
        response = Response(encoded, result.status, content_type="application/json")
        if request.method in SAFE or result.etag:
            etag = result.etag or blake2b(encoded, digest_size=12).hexdigest()
            response.headers["ETag"] = f'"{etag}"'
    response.headers["Cache-Control"] = result.cache if request.method in SAFE else "no-store"
    response.headers["Vary"] = "Authorization, Cookie"
    for name, value in result.headers.items():
        response.headers[name] = value
    if request.method in SAFE and request.headers.get("If-None-Match"):
        response.make_conditional(request)
    return response
