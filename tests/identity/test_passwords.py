"""Which passwords are taken, and how they are kept."""

import pytest
from argon2 import PasswordHasher

from app.errors import InvalidError
from app.identity import passwords

GOOD = "满纸荒唐言-一把辛酸泪"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short77", "password-short"),
        ("x" * 129, "password-long"),
        ("12345678", "password-common"),
        ("19900101", "password-common"),
        ("5201314520", "password-common"),
        ("password1!", "password-common"),
        ("P@ssw0rd2024", "password-common"),
        ("woaini1314", "password-common"),
        ("a1234567", "password-common"),
        ("qwertyuiop", "password-common"),
        ("1qaz2wsx", "password-common"),
        ("abcabcabc", "password-common"),
        ("aaaaaaaab", "password-common"),
        ("13800001234", "password-handle"),
        ("wang.xiaoming", "password-handle"),
        ("wang.xiaoming@example.org", "password-handle"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        passwords.check(password, "+8613800001234", "wang.xiaoming@example.org")
    assert refused.value.faults[0].code == code


@pytest.mark.parametrize(
    "password", [GOOD, "correct horse battery", "t8#kQz!pLw", "晴空一鹤排云上啊"]
)
def test_what_is_not_is_taken(password: str) -> None:
    passwords.check(password, "+8613800001234")


def test_a_password_is_known_again_however_it_was_typed() -> None:
    kept = passwords.hashed("Ｒeading１２３ é")
    assert passwords.verify(kept, "Reading123 e\u0301")
    assert not passwords.verify(kept, "reading123 é")


def test_a_hash_says_its_profile_and_an_older_one_is_outdated() -> None:
    kept = passwords.hashed(GOOD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.is_outdated(kept)
    assert passwords.is_outdated(PasswordHasher(time_cost=1, memory_cost=64).hash(GOOD))


def test_without_an_account_as_much_is_done_for_nothing() -> None:
    assert not passwords.is_outdated(passwords.NOBODYS)
    assert not passwords.verify(None, GOOD)
    assert not passwords.verify("no hash", GOOD)
