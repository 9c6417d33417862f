"""A resource as it is sent: as it lies in the archive wherever that is possible.

A deflated chapter is one ranged read, framed as gzip (RFC 1952) around the raw deflate stream:
no byte is recompressed. Whoever does not take gzip, and every Range, gets the identity form.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

from flask import Response, request

from app.errors import NotFoundError
from app.publications.entries import GZIP_HEADER
from app.reader.queries.content import Resource
from app.storage.ports import CHUNK, ObjectStore
from app.web import bytes as sending

SECURITY = {
    # Book content is hostile: it runs nothing, asks nobody, and shares no origin with us.
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; img-src 'self' data:; "
        "style-src 'self' data: 'unsafe-inline'; font-src 'self' data:; media-src 'self' data:; "
        "base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Vary": "Accept-Encoding",
}


def send(store: ObjectStore, resource: Resource, cache: str) -> Response:
    """The answer for a resource.

    :raises NotFoundError: for one that is withheld, saying why.
    """
    if resource.withheld:
        raise NotFoundError("resource", f"withheld: {resource.withheld}")
    headers = {**SECURITY, "Cache-Control": cache}
    etag = f"{resource.sha256[:24]}-{resource.crc:08x}"
    if resource.copy_key:
        return _stored(store, resource.copy_key, 0, resource, etag, headers)
    if resource.method == 0:
        return _stored(store, resource.served_key, resource.offset, resource, etag, headers)
    if not resource.passthrough:
        raise NotFoundError("resource", "withheld: its bytes were not proven")
    is_part = "Range" in request.headers and request.method == "GET"
    if _takes_gzip() and not is_part:
        return _as_it_lies(store, resource, f"{etag}-gz", headers)
    return _inflated(store, resource, etag, headers)


def secure(response: Response) -> Response:
    """Puts the same on every answer under this address, refusals too."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    return response


def _takes_gzip() -> bool:
    return request.accept_encodings["gzip"] > 0


def _stored(
    store: ObjectStore, key: str, base: int, resource: Resource, etag: str, headers: dict[str, str]
) -> Response:
    def open_bytes(start: int, length: int) -> Iterable[bytes]:
        if length <= CHUNK:
            return (store.read(key, base + start, length),)
        return store.stream(key, base + start, length)

    return sending.answer(
        open_bytes,
        size=resource.size,
        etag=etag,
        media_type=resource.media_type,
        headers=headers,
    )


def _as_it_lies(
    store: ObjectStore, resource: Resource, etag: str, headers: dict[str, str]
) -> Response:
    def open_bytes(_start: int, _length: int) -> Iterable[bytes]:
        stream = store.read(resource.served_key, resource.offset, resource.compressed)
        return (GZIP_HEADER + stream + struct.pack("<2L", resource.crc, resource.size),)

    return sending.answer(
        open_bytes,
        size=len(GZIP_HEADER) + resource.compressed + 8,
        etag=etag,
        media_type=resource.media_type,
        headers={**headers, "Content-Encoding": "gzip"},
        ranges=False,
    )


def _inflated(
    store: ObjectStore, resource: Resource, etag: str, headers: dict[str, str]
) -> Response:
    def open_bytes(start: int, length: int) -> Iterator[bytes]:
        stream = store.read(resource.served_key, resource.offset, resource.compressed)
        # Ingest proved that the stream ends at exactly this size; the limit is belt and braces.
        whole = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream, resource.size)
        return iter((whole[start : start + length],))

    return sending.answer(
        open_bytes,
        size=resource.size,
        etag=etag,
        media_type=resource.media_type,
        headers=headers,
    )
