"""Made-up people of a network, in a database of PostgreSQL: readers, staff, sessions, by COPY."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import psycopg
from psycopg import sql

from app.database import to_micros
from app.identity.accounts import digest
from app.identity.handles import normal
from app.identity.names import name_key
from app.identity.services.homes import VERIFIED
from app.sealing import Sealer

ADMINISTRATORS = 400
BEGAN = datetime(2015, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = (
    "安邦昌成达德恩芳飞光国海和宏华建江杰静军凯兰磊丽林玲龙敏明宁"
    "平强青荣瑞珊书涛伟文武贤晓欣秀雅燕阳怡英永勇玉元云泽哲志忠"
)
_TABLES = ("accounts", "handles", "library_counts", "credentials", "grants")


def fill(
    connection: psycopg.Connection[Any],
    libraries: Sequence[str],
    accounts: int,
    sealer: Sealer,
    *,
    led: Sequence[str],
) -> list[tuple[str, str]]:
    """Writes so many readers, a session for every tenth, and librarians of the libraries ``led``,
    of 400 of them at most.

    The tree is there. Answers the libraries that have a librarian, each with the secret of a
    token; indexes are made when everything is in, as is what the planner knows.
    """
    dice = random.Random(1)
    indexes = _drop_indexes(connection)
    homes = _homes(dice, libraries, accounts)
    known = [dice.choice((0, 1, 1, 2, VERIFIED)) for _ in homes]
    ids = [f"{dice.getrandbits(128):032x}" for _ in homes]
    _copy(connection, "accounts", _accounts(dice, ids, homes, known))
    _copy(connection, "handles", _handles(ids, sealer))
    _copy(connection, "library_counts", _counts(homes, known))
    _copy(connection, "credentials", _sessions(ids[::10]))
    staff = _staff(connection, dice, led[:ADMINISTRATORS])
    for definition in indexes:
        connection.execute(definition.encode())
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM (ANALYZE, FREEZE)")
    return staff


def phone(number: int) -> str:
    """The phone number of the reader of this number."""
    return f"138{number:08}"


def _homes(dice: random.Random, libraries: Sequence[str], accounts: int) -> list[str]:
    """Few libraries have many readers and many have few, whatever their place in the tree."""
    weights = [1 / rank for rank in range(10, len(libraries) + 10)]
    dice.shuffle(weights)
    return dice.choices(libraries, cum_weights=list(accumulate(weights)), k=accounts)


def _accounts(
    dice: random.Random, ids: Sequence[str], homes: Sequence[str], known: Sequence[int]
) -> Iterator[dict[str, Any]]:
    names = [s + g for s in _SURNAMES for g in (*_GIVEN, *(a + b for a in _GIVEN for b in _GIVEN))]
    keys = {name: name_key(name) for name in names}
    for number, (account, home, assurance) in enumerate(zip(ids, homes, known, strict=True)):
        name = dice.choice(names)
        yield {
            "id": account, "name": name, "name_key": keys[name], "kind": "person", "home_id": home,
            "assurance": assurance, "version": 1, "added_at": to_micros(BEGAN + number * _SECOND),
        }  # fmt: skip


def _handles(ids: Sequence[str], sealer: Sealer) -> Iterator[dict[str, Any]]:
    for number, account in enumerate(ids):
        handle = normal(phone(number))
        yield {
            "kind": "phone", "lookup": handle.lookup(sealer), "account_id": account,
            "mask": handle.mask, "sealed": b"-", "added_at": to_micros(BEGAN),
        }  # fmt: skip


def _counts(homes: Sequence[str], known: Sequence[int]) -> Iterator[dict[str, Any]]:
    readers = Counter(homes)
    verified = Counter(h for h, k in zip(homes, known, strict=True) if k >= VERIFIED)
    for home, count in readers.items():
        yield {"library_id": home, "readers": count, "verified": verified[home]}


def _sessions(ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    for account in ids:
        yield _credential(f"session of {account}", "session", account)


def _credential(secret: str, kind: str, account: str) -> dict[str, Any]:
    ends = datetime.now(UTC) + timedelta(days=14)
    return {
        "digest": digest(secret), "kind": kind, "account_id": account, "label": "",
        "made_at": to_micros(BEGAN), "expires_at": to_micros(ends),
    }  # fmt: skip


def _staff(
    connection: psycopg.Connection[Any], dice: random.Random, led: Iterable[str]
) -> list[tuple[str, str]]:
    given = [(f"{dice.getrandbits(128):032x}", at, f"{dice.getrandbits(256):x}") for at in led]
    rows = ({"id": account, "name": "馆员", "name_key": "馆员", "kind": "person",
             "added_at": to_micros(BEGAN)} for account, _, _ in given)  # fmt: skip
    _copy(connection, "accounts", rows)
    roles = ({"account_id": account, "role": "librarian", "library_id": at}
             for account, at, _ in given)  # fmt: skip
    _copy(connection, "grants", roles)
    _copy(connection, "credentials", (_credential(s, "token", account) for account, _, s in given))
    return [(at, secret) for _, at, secret in given]


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[dict[str, Any]]) -> None:
    rows = iter(rows)
    first = next(rows)
    columns = sql.SQL(", ").join(map(sql.Identifier, first))
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
    with connection.cursor().copy(into) as copy:
        copy.write_row(list(first.values()))
        for row in rows:
            copy.write_row(list(row.values()))


def _drop_indexes(connection: psycopg.Connection[Any]) -> list[str]:
    """Removes the indexes that no constraint needs; answers how to make them again."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND tablename = ANY(%s) AND (indexname LIKE 'ix\\_%%' OR indexname LIKE 'uq\\_%%')"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint"
        " WHERE conindid = quote_ident(indexname)::regclass)",
        (list(_TABLES),),
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _, definition in found]
