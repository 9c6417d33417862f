"""Passwords: which are taken, and how they are hashed (argon2id, RFC 9106)."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Fault, InvalidError
from app.identity.handles import COUNTRY

SHORTEST, LONGEST = 8, 128
_DIGITS_ALONE = 12
"""So many digits, when there is nothing else: birthdays and phone numbers are shorter."""
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The 19 MiB profile of the OWASP Password Storage Cheat Sheet: about 40 ms."""
NOBODYS = (
    "$argon2id$v=19$m=19456,t=2,p=1$Q3hb8JvIvxB+NEKKKF8KeQ$"
    "+mGwNhrPqLmNN9OjNO9NRyUa0FK13UDbUCeiNf439B0"
)
"""Of a password that nobody knows: what is looked at where there is no account."""
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm",
         "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")  # fmt: skip
_COMMON = """
admin administrator changeme computer default dragon facebook football freedom google hello
iloveyou kaijuan killer letmein library login lovely master michael monkey mustang mypassword
nihao passw0rd passwd password princess qqqq reader reading secret shadow starwars sunshine
superman taobao tencent test trustno tushuguan user weixin welcome wechat woaini woaiwojia
xiaoming yonghu zhongguo zhangsan beijing shanghai caonima mima asd qwe zxc abc aaa
"""
_WORDS = frozenset(_COMMON.split())
_LEET = str.maketrans("@4310$5!7", "aaeiossit")


def check(password: str, *handles: str) -> None:
    """Refuses what is guessed first (NIST SP 800-63B §3.1.1.2).

    :raises InvalidError: when it is too short or long, common, or one of the handles.
    """
    folded = _folded(password)
    if len(folded) < SHORTEST:
        raise _fault("password-short", f"at least {SHORTEST} characters")
    if len(folded) > LONGEST:
        raise _fault("password-long", f"at most {LONGEST} characters")
    lower = folded.lower()
    for handle in handles:
        name = handle.lower().partition("@")[0].removeprefix(COUNTRY)
        if lower in (handle.lower(), name) or (len(name) > 5 and name in lower):
            raise _fault("password-handle", "something else than what you sign in with")
    if _is_common(lower):
        raise _fault("password-common", "something that is not tried first by everybody")


def hashed(password: str) -> str:
    """How it is kept. Takes 40 ms and 19 MiB: never within a transaction that writes."""
    return _hasher.hash(_folded(password))


def verify(kept: str | None, password: str) -> bool:
    """Whether it is the password; without a hash as much work is done, for nothing."""
    try:
        return _hasher.verify(kept or NOBODYS, _folded(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with other parameters than are used now."""
    return _hasher.check_needs_rehash(kept)


def _folded(password: str) -> str:
    """The same however a keyboard composes it (NFKC, as RFC 8265 asks for)."""
    return unicodedata.normalize("NFKC", password)


def _is_common(lower: str) -> bool:
    if lower.isdigit() and len(lower) < _DIGITS_ALONE:
        return True
    if len(set(lower)) < 4 or any(_repeats(lower, step) for step in (1, 2, 3, 4)):
        return True
    core = lower.strip("0123456789 .,!?*#@_-+=")
    if not {core, core.translate(_LEET)}.isdisjoint(_WORDS) or (
        len(core) < 3 and len(lower) < _DIGITS_ALONE
    ):
        return True
    return _walks(lower) >= len(lower) - 2


def _repeats(text: str, step: int) -> bool:
    return all(one == text[place % step] for place, one in enumerate(text))


def _walks(text: str) -> int:
    """How many of its steps go to the next key or letter, on or back."""
    return sum(any(a + b in row or b + a in row for row in _ROWS) for a, b in pairwise(text))


def _fault(code: str, wanted: str) -> InvalidError:
    return InvalidError(Fault("password", code, wanted))
