"""Keys: where an object lies, and which keys no store may take."""

import re

from app.storage.errors import BadKeyError

_BLOB = re.compile(
    r"blobs/(?P<a>[0-9a-f]{2})/(?P<b>[0-9a-f]{2})/"
    r"(?P<digest>(?P=a)(?P=b)[0-9a-f]{60})(?:\.[a-z0-9]{1,16})?"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_SUFFIX = re.compile(r"(\.?[a-z0-9]{1,16})?")

LONGEST_KEY = 900
"""UTF-8 bytes of a key: S3 allows 1,024, and a bucket's prefix needs some of them."""

LONGEST_SEGMENT = 255
"""UTF-8 bytes of one segment: the limit of common file systems."""


def key_of(sha256: str, suffix: str = "") -> str:
    """Return the key of the bytes with this digest: ``blobs/ab/cd/abcd….epub``.

    ``suffix`` is up to 16 lower-case letters or digits, with or without its dot.

    Raises:
        BadKeyError: the digest is not 64 lower-case hex digits, or the suffix is something else.
    """
    if not _DIGEST.fullmatch(sha256):
        raise BadKeyError(sha256, "not a SHA-256 in lower-case hex")
    if not _SUFFIX.fullmatch(suffix):
        raise BadKeyError(suffix, "not a suffix")
    dotted = f".{suffix.removeprefix('.')}" if suffix else ""
    return f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}{dotted}"


def derived_key(sha256: str, name: str) -> str:
    """Return the key of something made from the bytes with this digest: ``derived/abcd…/name``."""
    if not _DIGEST.fullmatch(sha256):
        raise BadKeyError(sha256, "not a SHA-256 in lower-case hex")
    return checked(f"derived/{sha256}/{name}")


def digest_in(key: str) -> str | None:
    """Return the digest a content address promises, ``None`` for every other key."""
    found = _BLOB.fullmatch(key)
    return found["digest"] if found else None


def promised_digest(key: str, sha256: str | None) -> str | None:
    """Return what the bytes of ``key`` must hash to, ``None`` when nobody has said.

    Raises:
        BadKeyError: the key is the address of other bytes than those of ``sha256``.
    """
    addressed = digest_in(key)
    if addressed and sha256 and addressed != sha256:
        raise BadKeyError(key, f"is not the address of {sha256}")
    return addressed or sha256


def checked(key: str) -> str:
    """Return ``key`` if it stays inside every store and fits every one of them.

    Raises:
        BadKeyError: empty, absolute, too long, with ``.``, ``..``, an empty or over-long segment,
            a backslash or a control character, or not encodable as UTF-8.
    """
    if len(key) <= LONGEST_SEGMENT and _PLAIN.fullmatch(key):
        return key  # nearly every key, on the way of every read
    if not key:
        raise BadKeyError(key, "is empty")
    return _checked(key, key.split("/"))


def upload_key(key: str) -> str:
    """Return ``key`` if bytes nobody has checked yet may be stored there.

    Raises:
        BadKeyError: as :func:`checked`, and for content addresses: those are put once checked.
    """
    if digest_in(checked(key)):
        raise BadKeyError(key, "is a content address, and an upload's bytes are not known yet")
    return key


def checked_prefix(prefix: str) -> str:
    """Return ``prefix`` if keys may begin with it: empty, or a key, or a key and a slash."""
    return _checked(prefix, prefix.removesuffix("/").split("/")) if prefix else prefix


def _checked(key: str, segments: list[str]) -> str:
    try:
        sizes = [len(segment.encode()) for segment in segments]
    except UnicodeEncodeError:
        raise BadKeyError(key, "is not encodable as UTF-8") from None
    if any(segment in {"", ".", ".."} for segment in segments):
        raise BadKeyError(key, "has an empty, '.' or '..' segment")
    if "\\" in key or any(ord(character) < 32 or ord(character) == 127 for character in key):
        raise BadKeyError(key, "has a backslash or a control character")
    if max(sizes) > LONGEST_SEGMENT:
        raise BadKeyError(key, f"has a segment over {LONGEST_SEGMENT} bytes")
    if sum(sizes) + len(sizes) > LONGEST_KEY:
        raise BadKeyError(key, f"is over {LONGEST_KEY} bytes")
    return key
