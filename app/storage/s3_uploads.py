"""Uploads in parts to an S3 service, by its own multipart uploads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import ClientError

from app.storage.chunks import check_parts, copy_part
from app.storage.errors import BadPartsError, UploadNotFoundError
from app.storage.keys import upload_key
from app.storage.ports import OCTETS, Part, Stat, Upload
from app.storage.s3 import S3Store
from app.storage.s3_bucket import Bucket, checksum
from app.storage.s3_client import code_of, translated

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

_REFUSED = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}


class S3Uploads:
    """The :class:`~app.storage.ports.MultipartUploads` beside an :class:`S3Store`."""

    def __init__(self, bucket: Bucket, store: S3Store) -> None:
        self._bucket = bucket
        self._client = bucket.client
        self._store = store

    def create(self, key: str, *, media_type: str = OCTETS) -> Upload:
        with translated(upload_key(key)):
            begun = self._client.create_multipart_upload(
                **self._bucket.at(key), ContentType=media_type, ChecksumAlgorithm="SHA256"
            )
        return Upload(key, begun["UploadId"])

    def put_part(self, upload: Upload, number: int, stream: BinaryIO, size: int) -> Part:
        # By way of a file: the client must be able to send the part again, and a request's
        # stream can be read only once.
        with TemporaryFile() as part:
            _, digest = copy_part(upload, number, stream, part, size)
            part.seek(0)
            with self._answering(upload):
                taken = self._client.upload_part(
                    **self._at(upload),
                    PartNumber=number,
                    Body=part,
                    ContentLength=size,
                    ChecksumSHA256=checksum(digest),
                )
        return Part(number, size, f"{taken['ETag'].strip(chr(34))}:{digest}")

    def complete(self, upload: Upload, parts: list[Part]) -> Stat:
        check_parts(upload, parts)
        with self._answering(upload):
            self._client.complete_multipart_upload(
                **self._at(upload), MultipartUpload={"Parts": [_completed(p) for p in parts]}
            )
        return self._store.stat(upload.key)

    def abort(self, upload: Upload) -> None:
        self._bucket.abort(upload)

    def stale(self, older_than: timedelta) -> Iterator[Upload]:
        return self._bucket.unfinished(older_than)

    def _at(self, upload: Upload) -> dict[str, Any]:
        return {**self._bucket.at(upload.key), "UploadId": upload.id}

    @contextmanager
    def _answering(self, upload: Upload) -> Iterator[None]:
        with translated(upload.key):
            try:
                yield
            except ClientError as error:
                code = code_of(error)
                if code == "NoSuchUpload":
                    raise UploadNotFoundError(upload.key, upload.id) from error
                if code in _REFUSED:
                    raise BadPartsError(upload.key, code) from error
                raise


def _completed(part: Part) -> CompletedPartTypeDef:
    etag, _, digest = part.etag.partition(":")
    return {"PartNumber": part.number, "ETag": etag, "ChecksumSHA256": checksum(digest)}
