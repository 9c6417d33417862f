"""Bytes as HTTP sends them: conditional, ranged, the same headers for HEAD (RFC 9110 §13–14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import is_resource_modified

Opener = Callable[[int, int], Iterable[bytes]]
"""Opens ``length`` bytes from ``start``; called once, after everything else was decided."""


def answer(
    open_bytes: Opener,
    *,
    size: int,
    etag: str,
    media_type: str,
    headers: Mapping[str, str],
    ranges: bool = True,
) -> Response:
    """The bytes, or the part of them that was asked for, or that they have not changed.

    ``etag`` is strong and without quotes. Several ranges at once are answered with everything, as
    RFC 9110 §14.2 allows; a range outside gets 416 with the length.
    """
    quoted = f'"{etag}"'
    base = {**headers, "ETag": quoted}
    if ranges:
        base["Accept-Ranges"] = "bytes"
    if request.headers.get("If-None-Match") and not is_resource_modified(request.environ, quoted):
        return Response(status=304, headers=base)
    start, stop, status = 0, size, 200
    if ranges and _range_holds(quoted):
        asked = request.range
        if asked is not None and asked.units == "bytes" and len(asked.ranges) == 1:
            part = asked.range_for_length(size)
            if part is None:
                raise RequestedRangeNotSatisfiable(length=size)
            start, stop, status = part[0], part[1], 206
            base["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    body = () if request.method == "HEAD" else open_bytes(start, stop - start)
    response = Response(body, status, headers=base, direct_passthrough=True)
    response.content_type = media_type
    response.content_length = stop - start
    return response


def _range_holds(etag: str) -> bool:
    """A Range beside an If-Range counts only while the validator is still the same."""
    if "Range" not in request.headers or request.method != "GET":
        return False  # of no other method is a range defined (RFC 9110 §14.2)
    condition = request.headers.get("If-Range")
    return condition is None or condition == etag
