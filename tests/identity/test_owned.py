"""Whatever names an account says what becomes of it: given out, deleted, moved, or why not."""

from sqlalchemy import Column

from app.personal import Closing, Merging, Owned, owned
from app.tables import TABLES

SECRET = ("digest", "hash", "lookup", "sealed", "secret", "document", "body", "key", "code")
WORKERS = ("held_by", "done_by")
BESIDE = {"cards"}
"""Tables without an account that go with an account's rows: exports name them, they move along."""


def names_an_account(column: Column[object]) -> bool:
    """Whether it refers to accounts, or is called so."""
    refers = any(key.column.table.name == "accounts" for key in column.foreign_keys)
    is_own = column.table.name == "accounts" and column.primary_key
    called = column.name in ("account_id", "actor", "merged_into") or column.name.endswith("_by")
    return (refers or is_own or called) and column.name not in WORKERS


def everything() -> list[Owned]:
    return list(owned(TABLES[0].metadata))


def test_every_column_that_names_an_account_says_what_becomes_of_it() -> None:
    columns = {column for table in TABLES for column in table.columns if names_an_account(column)}
    said = {one.column for one in everything()}
    assert len(columns) > 20
    assert {str(column) for column in columns - said} == set()


def test_what_is_not_shown_or_is_kept_has_its_reason() -> None:
    for one in everything():
        said = one.personal
        stays = said.closing is Closing.KEPT or said.merging in (
            Merging.KEPT,
            Merging.REFUSED,
            Merging.APART,
        )
        assert said.why or (said.shown and not stays), one.column


def test_what_stands_with_what_is_owned_is_known_too() -> None:
    mine = {one.table for one in everything() if one.personal.shown} - {
        TABLES[0].metadata.tables["accounts"]
    }
    beside = {
        table.name
        for table in set(TABLES) - {one.table for one in everything()}
        if any(key.column.table in mine for key in table.foreign_keys)
    }
    assert beside == BESIDE


def test_nothing_secret_is_given_out() -> None:
    for one in everything():
        for name in one.personal.shown:
            assert name in one.table.columns, (one.table.name, name)
            assert not any(word in name for word in SECRET), (one.table.name, name)
        assert set(one.personal.sealed) <= set(one.table.columns.keys())
