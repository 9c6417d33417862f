"""Objects in a bucket of an S3 service (API of 2006-03-01, path-style, signature v4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from botocore.exceptions import ClientError

from app.storage.chunks import Chunks, check_span, verified
from app.storage.errors import ObjectNotFoundError, StoreUnavailableError
from app.storage.keys import checked, checked_prefix, digest_in, promised_digest
from app.storage.ports import CHUNK, OCTETS, ByteStream, Stat
from app.storage.s3_bucket import Bucket
from app.storage.s3_client import S3Options, code_of, open_client, translated
from app.storage.s3_writes import Write, Writer

BODY_ATTEMPTS = 3
"""Tries of :meth:`S3Store.read`: the client retries requests, never the bodies of answers."""

BODY_PATIENCE = 5.0
"""Seconds after which it tries no more: the client has waited long enough by itself."""

LONGEST_WRITE = timedelta(days=1)
"""No upload in parts younger than that counts as abandoned: S3 does not tell when one was used."""


class S3Store:
    """The :class:`~app.storage.ports.ObjectStore` of any number of machines."""

    def __init__(self, bucket: Bucket, options: S3Options) -> None:
        self._bucket = bucket
        self._client = bucket.client
        self._writer = Writer(bucket, options.part_size)
        public = options.public_endpoint_url
        self._signer = open_client(options, endpoint_url=public) if public else bucket.client

    def put_file(
        self, key: str, path: Path, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        with path.open("rb") as source:
            size = path.stat().st_size
            return self._put(key, source, size, promised_digest(key, sha256), media_type)

    def put_bytes(
        self, key: str, data: bytes, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        return self._put(key, BytesIO(data), len(data), promised_digest(key, sha256), media_type)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        until = time.monotonic() + BODY_PATIENCE
        for attempt in range(1, BODY_ATTEMPTS + 1):
            try:
                return b"".join(self.stream(key, start, length))
            except StoreUnavailableError as error:
                is_last = attempt == BODY_ATTEMPTS or time.monotonic() > until
                if is_last or not error.retryable:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def stream(
        self, key: str, start: int = 0, length: int | None = None, *, chunk: int = CHUNK
    ) -> ByteStream:
        check_span(start, length)
        if length == 0:
            self.stat(key)
            return Chunks(BytesIO(), 0, chunk)
        asked = self._bucket.at(key)
        if start or length is not None:
            asked["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        elif digest_in(key) is None:
            asked["ChecksumMode"] = "ENABLED"  # the client then checks what the service has kept
        with translated(key):
            try:
                found = self._client.get_object(**asked)
            except ClientError as error:
                if code_of(error) not in {"InvalidRange", "416"}:
                    raise
                return Chunks(BytesIO(), 0, chunk)
            size, _ = found["ContentLength"], found["ETag"]  # what answers without is no S3
            if start and not found.get("ContentRange", "").startswith(f"bytes {start}-"):
                found["Body"].close()
                raise StoreUnavailableError(f"another span of {key} came", retryable=True)
        # Of the whole the end is read too: that is when the client compares the checksum.
        wanted = size + (start == 0) if length is None else min(size, length)
        chunks = Chunks(found["Body"], wanted, chunk, lambda: translated(key))
        return verified(chunks, key, start, length)

    def stat(self, key: str) -> Stat:
        with translated(key):
            found = self._client.head_object(**self._bucket.at(key))
            etag = found["ETag"].strip('"')
            return Stat(found["ContentLength"], etag, found["LastModified"], digest_in(key))

    def delete(self, key: str) -> None:
        with translated(key):
            self._client.delete_object(**self._bucket.at(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        full = self._bucket.prefix + checked_prefix(prefix)
        with translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=full
            )
            for page in pages:
                _ = page["Name"]  # a page of something else must not pass for an empty one
                for found in page.get("Contents", []):
                    yield self._bucket.key_in(found["Key"])

    def local_path(self, key: str) -> None:
        checked(key)

    def signed_url(
        self, key: str, *, expires: timedelta, filename: str, media_type: str, disposition: str
    ) -> str:
        return self._signer.generate_presigned_url(
            "get_object",
            Params={
                **self._bucket.at(key),
                "ResponseContentDisposition": content_disposition(disposition, filename),
                "ResponseContentType": media_type,
                "ResponseCacheControl": "no-store",
            },
            ExpiresIn=int(expires.total_seconds()),
            HttpMethod="GET",
        )

    def sweep(self, older_than: timedelta) -> int:
        swept = 0
        for upload in self._bucket.unfinished(max(older_than, LONGEST_WRITE)):
            self._bucket.abort(upload)
            swept += 1
        return swept

    def check(self) -> None:
        try:
            with translated(self._bucket.name):
                self._client.head_bucket(Bucket=self._bucket.name)
        except ObjectNotFoundError as error:
            raise StoreUnavailableError(
                f"no bucket {self._bucket.name}", retryable=False
            ) from error

    def _put(
        self, key: str, source: BinaryIO, size: int, promised: str | None, media_type: str
    ) -> Stat:
        lies = self._lying(key)
        if lies and lies.size == size:
            return lies
        is_first = digest_in(key) is not None and lies is None
        self._writer.write(Write(key, source, size, promised, media_type, is_first))
        try:
            stored = self.stat(key)
        except ObjectNotFoundError as error:
            raise StoreUnavailableError(f"{key} was not kept", retryable=True) from error
        if stored.size != size:
            raise StoreUnavailableError(f"{key} was written as {stored.size} bytes", retryable=True)
        return stored

    def _lying(self, key: str) -> Stat | None:
        if digest_in(checked(key)) is None:
            return None
        try:
            return self.stat(key)
        except ObjectNotFoundError:
            return None


def content_disposition(disposition: str, filename: str) -> str:
    """Return a Content-Disposition that names the file in any script (RFC 6266, RFC 8187)."""
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in filename
    )
    exact = quote(filename, safe="!#$&+-.^_`|~")
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{exact}"
