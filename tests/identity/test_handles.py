"""Handles in their one form, and what is shown of them."""

import pytest

from app.errors import InvalidError
from app.identity.handles import Handle, HandleKind, normal
from app.sealing import Sealer

SEALER = Sealer("a key of tests and of nothing else but tests")


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("13800001234", "phone", "+8613800001234"),
        ("138 0000-1234", "phone", "+8613800001234"),
        ("１３８００００１２３４", "phone", "+8613800001234"),
        ("+86 138 0000 1234", "phone", "+8613800001234"),
        ("008613800001234", "phone", "+8613800001234"),
        ("+852 5100 0000", "phone", "+85251000000"),
        (" Reader@Example.ORG ", "email", "reader@example.org"),
        ("ｒeader＠example.org", "email", "reader@example.org"),
        ("du@图书馆.cn", "email", "du@xn--xhq0a96q5g5a.cn"),
    ],
)
def test_a_handle_has_one_form(written: str, kind: str, value: str) -> None:
    found = normal(written)
    assert found.kind == kind
    if "xn--" not in value:
        assert found.value == value
    else:
        assert found.value.startswith("du@xn--")


@pytest.mark.parametrize(
    "written",
    ["", "12345", "12800001234", "138000012345", "+", "+0123456789", "a@b", "@example.org",
     "a b@example.org", "a@-.org", "a@" + "x" * 300 + ".org", "reader", "a@b\n.org", "+86123"],
)  # fmt: skip
def test_what_is_no_handle_is_refused(written: str) -> None:
    with pytest.raises(InvalidError):
        normal(written)


def test_a_card_belongs_to_its_library() -> None:
    one, other = normal("nb 0012-34", "north"), normal("NB001234", "south")
    assert (one.value, other.value) == ("NB001234", "NB001234")
    assert one.lookup(SEALER) != other.lookup(SEALER)


@pytest.mark.parametrize(
    ("handle", "mask"),
    [
        (Handle(HandleKind.PHONE, "+8613812341234"), "138****1234"),
        (Handle(HandleKind.PHONE, "+85251000000"), "+85****00"),
        (Handle(HandleKind.EMAIL, "wang@example.org"), "w***@example.org"),
        (Handle(HandleKind.CARD, "NB001234", "north"), "****1234"),
        (Handle(HandleKind.CARD, "NB12", "north"), "****"),
    ],
)
def test_a_mask_shows_little(handle: Handle, mask: str) -> None:
    assert handle.mask == mask
    assert handle.value not in repr(handle)
