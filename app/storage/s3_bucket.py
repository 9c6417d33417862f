"""A bucket of an S3 service: how its objects are named, and what lies unfinished in it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.storage.keys import checked, checked_prefix
from app.storage.ports import Upload
from app.storage.s3_client import code_of, translated

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Bucket:
    """A bucket, the prefix of its keys that is ours, and the client that reaches it."""

    def __init__(self, name: str, prefix: str, client: S3Client) -> None:
        self.name = name
        self.prefix = f"{checked_prefix(prefix.strip('/'))}/" if prefix.strip("/") else ""
        self.client = client

    def at(self, key: str) -> dict[str, Any]:
        """Return the arguments that name an object to the client."""
        return {"Bucket": self.name, "Key": self.prefix + checked(key)}

    def key_in(self, full: str) -> str:
        """Return the key of an object as the bucket names it."""
        return full.removeprefix(self.prefix)

    def unfinished(self, older_than: timedelta) -> Iterator[Upload]:
        """Iterate our uploads in parts begun so long ago that were neither completed nor aborted.

        By us, since not every service has lifecycles.
        """
        latest = datetime.now(UTC) - older_than
        with translated(self.name):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.name, Prefix=self.prefix
            )
            for page in pages:
                _ = page["Bucket"]
                for begun in page.get("Uploads", []):
                    if begun["Initiated"] <= latest:
                        yield Upload(self.key_in(begun["Key"]), begun["UploadId"])

    def abort(self, upload: Upload) -> None:
        """Drop an upload in parts; one that is not there is fine."""
        with translated(upload.key):
            try:
                self.client.abort_multipart_upload(**self.at(upload.key), UploadId=upload.id)
            except ClientError as error:
                if code_of(error) != "NoSuchUpload":
                    raise


def checksum(sha256: str) -> str:
    """Return a digest as S3 asks for it: base64 of its 32 bytes."""
    return b64encode(bytes.fromhex(sha256)).decode()
