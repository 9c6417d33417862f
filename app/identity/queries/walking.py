"""Lists over the libraries of a subtree: library by library in the tree's order, by keyset.

One statement, which reads a library's rows by an index of their own and stops with the page: it
never reads more rows than it shows, beside the libraries that it walks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    case,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.identity import tree
from app.identity.models import Library

Position = tuple[str, Any, str]
"""After which row a page begins: its library's path, and the two keys of its own order."""


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a library's own rows, by two columns that an index begins with after ``of``.

    ``beyond`` is a value of the first that comes before every other in this order.
    """

    of: InstrumentedAttribute[Any]
    """The column that names the library."""
    first: InstrumentedAttribute[Any]
    second: InstrumentedAttribute[Any]
    beyond: Any
    descending: bool = False

    def directed(self, columns: Sequence[SQLColumnExpression[Any]]) -> list[ColumnElement[Any]]:
        """These columns in this order."""
        return [column.desc() if self.descending else column.asc() for column in columns]

    def after(self, position: Position) -> ColumnElement[bool]:
        """What comes after the position: in its own library after the row, in others all.

        One comparison that an index answers, since ``… OR path > …`` would read the library anew.
        """
        path, first, second = position
        kind = self.first.type
        begin = case((Library.path == path, literal(first, kind)), else_=literal(self.beyond, kind))
        keys, bound = tuple_(self.first, self.second), tuple_(begin, literal(second))
        return keys < bound if self.descending else keys > bound


def walk(
    session: Session,
    own: Select[*tuple[Any, ...]],
    order: Order,
    path: str,
    after: Position | None,
    limit: int,
) -> Select[*tuple[Any, ...]]:
    """So many rows of the libraries at and below ``path``.

    ``own`` selects columns of one table, ``first`` and ``second`` among them; the result adds
    ``library_id`` and ``path``. PostgreSQL is told to take from each library no more than a page
    (LATERAL); SQLite goes through libraries and rows in the order of their indexes anyway.
    """
    keys = (order.first, order.second)
    own = own.where(order.of == Library.id)
    if after is not None:
        own = own.where(order.after(after))
    places = [tree.below(Library.path, path), Library.path >= (after[0] if after else path)]
    where = (Library.id.label("library_id"), Library.path.label("path"))
    if session.get_bind().dialect.name != "postgresql":
        flat = own.add_columns(*where).where(*places)
        return flat.order_by(Library.path, *order.directed(keys)).limit(limit)
    each = own.order_by(*order.directed(keys)).limit(limit).correlate(Library).lateral("each_one")
    taken = select(*each.c, *where).join_from(Library, each, true()).where(*places)
    ordered = order.directed([each.c[key.key] for key in keys])
    return taken.order_by(Library.path, *ordered).limit(limit)
