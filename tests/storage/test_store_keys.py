import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.errors import BadKeyError
from app.storage.keys import (
    LONGEST_KEY,
    checked,
    checked_prefix,
    derived_key,
    digest_in,
    key_of,
)

DIGEST = "ab" + "cd" * 31


def test_a_key_spreads_the_bytes_over_folders() -> None:
    assert key_of(DIGEST) == f"blobs/ab/cd/{DIGEST}"
    assert key_of(DIGEST, "epub") == key_of(DIGEST, ".epub") == f"blobs/ab/cd/{DIGEST}.epub"


def test_a_content_address_tells_its_digest() -> None:
    assert digest_in(key_of(DIGEST, "epub")) == DIGEST
    for other in (derived_key(DIGEST, "text"), f"blobs/00/cd/{DIGEST}", f"x{key_of(DIGEST)}"):
        assert digest_in(other) is None


@pytest.mark.parametrize("longer", ["0", "/below", ".epub/below", ".a.b", ".EPUB"])
def test_what_only_begins_like_a_content_address_is_none(longer: str) -> None:
    assert digest_in(key_of(DIGEST) + longer) is None


@pytest.mark.parametrize("digest", ["", "AB" * 32, "ab" * 31, "zz" * 32, "../" + "a" * 61])
def test_what_is_no_digest_makes_no_key(digest: str) -> None:
    with pytest.raises(BadKeyError):
        key_of(digest)
    with pytest.raises(BadKeyError):
        derived_key(digest, "cover-240.webp")


@pytest.mark.parametrize("suffix", ["/", "../x", "e pub", "EPUB", ".", "x" * 17])
def test_a_suffix_is_short_and_plain(suffix: str) -> None:
    with pytest.raises(BadKeyError):
        key_of(DIGEST, suffix)


@pytest.mark.parametrize(
    "key", ["a\\b", "a\nb", "\x7f", ".", "..", "\ud800", "a" * 256, "/".join("a" * 500)]
)
def test_a_key_that_some_store_could_not_hold_is_refused(key: str) -> None:
    with pytest.raises(BadKeyError) as refused:
        checked(key)
    assert refused.value.key == key


@given(st.text(max_size=30))
def test_a_key_taken_never_leaves_its_folder(key: str) -> None:
    try:
        segments = checked(key).split("/")
    except BadKeyError:
        return
    assert not {"", ".", ".."} & set(segments)
    assert len(key.encode()) <= LONGEST_KEY


def test_a_prefix_may_end_in_a_slash() -> None:
    assert [checked_prefix(prefix) for prefix in ("", "a", "a/")] == ["", "a", "a/"]
    with pytest.raises(BadKeyError):
        checked_prefix("../")
