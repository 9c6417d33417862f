"""What an account owns: every column that names an account says here what becomes of its rows.

It stands beside the column, as ``mapped_column(…, info=personal(…))``. Exporting, closing and
merging walk these words, and a test fails for a column that names an account and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, MetaData, Table

_KEY = "personal"


class Closing(StrEnum):
    """What becomes of the rows when the account is closed for good."""

    DELETED = "deleted"
    KEPT = "kept"
    """Under the opaque id, which names nobody any more."""


class Merging(StrEnum):
    """What becomes of the rows of an account that is merged into another."""

    MOVED = "moved"
    """They are the other's; where it has the same, its own stands."""
    ENDED = "ended"
    """They are deleted: what opened this account opens nothing."""
    SOLE = "sole"
    """As ``MOVED``; but where both have it, they are two persons, and nothing is merged."""
    REFUSED = "refused"
    """Who has such rows is not merged into another account."""
    APART = "apart"
    """Who has such rows is merged neither into another account nor with one into theirs."""
    KEPT = "kept"
    """Under the id, whose tombstone answers where the account went."""


@dataclass(frozen=True, slots=True)
class Personal:
    """What is done with the rows of a column that names an account."""

    closing: Closing
    merging: Merging
    shown: tuple[str, ...] = ()
    """The columns that their owner is given: no secret, no hash, nothing of others."""
    sealed: Mapping[str, str] = field(default_factory=dict)
    """Columns sealed for the account, with the purpose: their owner is given what is in them."""
    why: str = ""
    """Said where nothing is shown, or something is kept."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A table whose rows are an account's, by this column."""

    table: Table
    column: Column[Any]
    personal: Personal

    @property
    def name(self) -> str:
        """What the rows are: the table's name."""
        return str(self.table.name)


def personal(
    closing: Closing,
    merging: Merging,
    shown: tuple[str, ...] = (),
    sealed: Mapping[str, str] | None = None,
    why: str = "",
) -> dict[str, Personal]:
    """The ``info`` of a column that names an account. See :class:`Personal`."""
    return {_KEY: Personal(closing, merging, shown, sealed or {}, why)}


def kept(why: str) -> dict[str, Personal]:
    """The ``info`` of a column by which others remember who did something."""
    return personal(Closing.KEPT, Merging.KEPT, why=why)


def owned(metadata: MetaData) -> Iterator[Owned]:
    """Whatever accounts own, what others refer to first."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if said := column.info.get(_KEY):
                yield Owned(table, column, said)
