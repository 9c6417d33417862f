"""Inserting many rows at once: one call of the driver, on PostgreSQL one COPY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Engine,
    Float,
    Integer,
    LargeBinary,
    String,
    event,
    insert,
)
from sqlalchemy.orm import DeclarativeBase, Session

from app.values import Instant, to_micros

_COPY = "kaijuan_copy"
_TYPES = (
    (String, "text"),
    (LargeBinary, "bytea"),
    ((Instant, BigInteger), "int8"),
    (Integer, "int4"),
    (Float, "float8"),
    (Boolean, "bool"),
)


def insert_many(
    session: Session, model: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Inserts many rows of the same columns, without the ORM's and the compiler's work for each.

    The statement is SQLAlchemy's own, compiled once; on PostgreSQL it is a COPY, which is several
    times as fast. Rows name every column that has a default.
    """
    if not rows:
        return
    connection = session.connection()
    if len(rows) == 1:  # the driver is then not asked for many, and has nothing to copy
        connection.execute(insert(model), dict(rows[0]))
        return
    names = list(rows[0])
    options: dict[str, Any] = {}
    if connection.dialect.name == "postgresql":
        statement, options = _copying(model, names)
    else:
        compiled = insert(model).values(dict.fromkeys(names)).compile(dialect=connection.dialect)
        statement, names = str(compiled), list(compiled.positiontup or names)
    connection.exec_driver_sql(statement, _picked(model, names, rows), execution_options=options)


def copy_instead(engine: Engine) -> None:
    """Lets an engine on PostgreSQL copy what :func:`insert_many` gives it.

    The COPY stands in for the driver's ``executemany``, so that SQLAlchemy tells of its failures
    as of any other statement's.
    """
    event.listen(engine, "do_executemany", _copy)


def _picked(
    model: type[DeclarativeBase], names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, ...]]:
    """The values of each row in this order, as the driver takes them."""
    times = [i for i, n in enumerate(names) if isinstance(model.__table__.c[n].type, Instant)]
    pick = itemgetter(*names)
    values: list[tuple[Any, ...]] = []
    for row in rows:
        picked = list(pick(row))
        for index in times:
            picked[index] = None if picked[index] is None else to_micros(picked[index])
        values.append(tuple(picked))
    return values


def _copying(model: type[DeclarativeBase], names: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The COPY of these columns, and their types, which its binary form does not tell."""
    columns = [model.__table__.c[name] for name in names]
    quoted = ", ".join(f'"{name}"' for name in names)
    types = [next(told for kind, told in _TYPES if isinstance(c.type, kind)) for c in columns]
    return f'COPY "{model.__tablename__}" ({quoted}) FROM STDIN (FORMAT BINARY)', {_COPY: types}


def _copy(cursor: Any, statement: str, rows: Sequence[tuple[Any, ...]], context: Any) -> bool:
    types = context.execution_options.get(_COPY)
    if types is None:
        return False
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
    return True
