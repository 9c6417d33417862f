import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import pytest
from botocore.exceptions import IncompleteReadError
from botocore.stub import Stubber
from contracts.storage import (
    BLOB,
    COVER,
    TEXT,
    ConcurrencyContract,
    EndedUploadsContract,
    MultipartUploadsContract,
    ObjectStoreContract,
)
from moto import mock_aws

from app.storage.errors import (
    IntegrityMismatchError,
    StoreFullError,
    StoreUnavailableError,
    UploadNotFoundError,
)
from app.storage.factory import open_store
from app.storage.keys import key_of
from app.storage.ports import SMALLEST_PART, Storage, Upload
from app.storage.s3 import Bucket, S3Store
from app.storage.s3_client import S3Options, open_client
from app.storage.s3_uploads import S3Uploads

OPTIONS = S3Options(
    region="us-east-1", access_key_id="test", secret_access_key="test", part_size=SMALLEST_PART
)
BIG = bytes(range(256)) * (SMALLEST_PART * 2 // 256) + TEXT
BIG_KEY = key_of(hashlib.sha256(BIG).hexdigest(), "pdf")


@pytest.fixture
def storage() -> Iterator[Storage]:
    with mock_aws():
        open_client(OPTIONS).create_bucket(Bucket="library")
        yield open_store("s3://library/网络/one", s3=OPTIONS)


class TestS3Store(ObjectStoreContract):
    pass


class TestS3Uploads(MultipartUploadsContract):
    pass


@pytest.fixture
def real_storage() -> Iterator[Storage]:
    endpoint = os.environ.get("S3_ENDPOINT_URL")
    if not endpoint:
        pytest.skip("S3_ENDPOINT_URL is not set: no real service is here")
    options = S3Options(endpoint_url=endpoint, part_size=SMALLEST_PART)
    client = open_client(options)
    bucket = f"kaijuan-test-{uuid4().hex}"
    client.create_bucket(Bucket=bucket)
    storage = open_store(f"s3://{bucket}/one", s3=options)
    yield storage
    for upload in storage.uploads.stale(timedelta(days=-1)):
        storage.uploads.abort(upload)
    for key in list(storage.objects.keys("")):
        storage.objects.delete(key)
    client.delete_bucket(Bucket=bucket)


@pytest.mark.engines
class TestRealS3Store(ObjectStoreContract, ConcurrencyContract):
    @pytest.fixture
    def storage(self, real_storage: Storage) -> Storage:
        return real_storage


@pytest.mark.engines
class TestRealS3Uploads(MultipartUploadsContract, EndedUploadsContract):
    @pytest.fixture
    def storage(self, real_storage: Storage) -> Storage:
        return real_storage


def test_a_large_file_goes_in_parts(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    stat = storage.objects.put_file(BIG_KEY, path)
    assert stat.etag.endswith("-3")
    assert storage.objects.read(BIG_KEY) == BIG
    assert list(storage.uploads.stale(timedelta(0))) == []


def test_a_large_file_with_another_digest_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG[:-1] + b"?")
    with pytest.raises(IntegrityMismatchError):
        storage.objects.put_file(BIG_KEY, path)
    assert list(storage.objects.keys()) == []
    assert list(storage.uploads.stale(timedelta(0))) == []


def test_two_prefixes_of_one_bucket_do_not_see_each_other(storage: Storage) -> None:
    other = open_store("s3://library/two", s3=OPTIONS)
    storage.objects.put_bytes(BLOB, TEXT)
    assert (list(storage.objects.keys()), list(other.objects.keys())) == ([BLOB], [])


def test_a_signed_address_names_the_file_in_its_own_script() -> None:
    public = S3Options(
        region="cn-north-1",
        access_key_id="test",
        secret_access_key="test",
        endpoint_url="http://127.0.0.1:9000",
        public_endpoint_url="https://files.example.org",
    )
    url = open_store("s3://library", s3=public).objects.signed_url(
        COVER,
        expires=timedelta(minutes=5),
        filename='红楼梦 "一".epub',
        media_type="application/epub+zip",
        disposition="attachment",
    )
    parts = urlsplit(url or "")
    asked = parse_qs(parts.query)
    assert (parts.netloc, unquote(parts.path)) == ("files.example.org", f"/library/{COVER}")
    assert asked["X-Amz-Expires"] == ["300"]
    assert asked["response-cache-control"] == ["no-store"]
    (named,) = asked["response-content-disposition"]
    assert named.startswith("attachment; filename=\"___ ___.epub\"; filename*=UTF-8''")
    assert named.endswith("%E7%BA%A2%E6%A5%BC%E6%A2%A6%20%22%E4%B8%80%22.epub")


def test_a_service_that_is_away_is_worth_another_try() -> None:
    away = S3Options(
        endpoint_url="http://127.0.0.1:9",
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        attempts=1,
    )
    store = open_store("s3://library", s3=away).objects
    for ask in (store.check, lambda: store.stat(BLOB), lambda: store.put_bytes(COVER, TEXT)):
        with pytest.raises(StoreUnavailableError) as unavailable:
            ask()
        assert unavailable.value.retryable


def test_a_bucket_that_is_not_there_fails_the_check(storage: Storage) -> None:
    with pytest.raises(StoreUnavailableError) as unavailable:
        open_store("s3://nobody", s3=OPTIONS).objects.check()
    assert not unavailable.value.retryable


def test_secrets_are_not_shown_by_the_options() -> None:
    assert "hidden" not in repr(S3Options(secret_access_key="hidden"))


def test_an_upload_the_service_has_forgotten_is_not_found() -> None:
    bucket = Bucket("library", "", open_client(OPTIONS))
    uploads = S3Uploads(bucket, S3Store(bucket, OPTIONS))
    forgotten = Upload("intake/a", "gone")
    with Stubber(bucket.client) as service:
        service.add_client_error("upload_part", "NoSuchUpload", http_status_code=404)
        service.add_client_error("abort_multipart_upload", "NoSuchUpload", http_status_code=404)
        with pytest.raises(UploadNotFoundError):
            uploads.put_part(forgotten, 1, BytesIO(TEXT), len(TEXT))
        uploads.abort(forgotten)


@pytest.mark.parametrize(
    ("code", "status", "error", "retryable"),
    [
        ("SlowDown", 503, StoreUnavailableError, True),
        ("AccessDenied", 403, StoreUnavailableError, False),
        ("QuotaExceeded", 507, StoreFullError, False),
    ],
)
def test_what_the_service_says_is_told_in_the_stores_words(
    code: str, status: int, error: type[StoreUnavailableError], retryable: bool
) -> None:
    bucket = Bucket("library", "", open_client(OPTIONS))
    with Stubber(bucket.client) as service:
        service.add_client_error("put_object", code, http_status_code=status)
        with pytest.raises(error) as told:
            S3Store(bucket, OPTIONS).put_bytes(COVER, TEXT)
    assert told.value.retryable is retryable


class BreakingBody:
    """The body of an answer whose connection breaks at the first byte, twice."""

    broken = 0

    def read(self, size: int) -> bytes:
        if BreakingBody.broken < 2:
            BreakingBody.broken += 1
            raise IncompleteReadError(actual_bytes=0, expected_bytes=size)
        return TEXT

    def close(self) -> None:
        return


def test_a_body_that_breaks_off_is_asked_for_again() -> None:
    bucket = Bucket("library", "", open_client(OPTIONS))
    with Stubber(bucket.client) as service:
        for _ in range(3):
            service.add_response("get_object", {"Body": BreakingBody(), "ContentLength": len(TEXT)})
        assert S3Store(bucket, OPTIONS).read(COVER) == TEXT
