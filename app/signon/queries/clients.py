"""The systems that a library looks after, cut to its subtree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.identity import scope, tree
from app.identity.models import Library
from app.signon.models import Client

Position = tuple[datetime, str]


def listed(
    session: Session,
    reach: Sequence[str],
    below: str | None = None,
    after: Position | None = None,
    limit: int = 1000,
) -> list[Client]:
    """The clients of the libraries within reach, the oldest first.

    ``below`` names the path of one library: then its clients, and those of the libraries below it.
    """
    wanted = (
        select(Client)
        .join(Library, Library.id == Client.library_id)
        .where(scope.within(Library.path, reach))
        .order_by(Client.added_at, Client.id)
        .limit(limit)
    )
    if below is not None:
        wanted = wanted.where(tree.below(Library.path, below))
    if after is not None:
        wanted = wanted.where(tuple_(Client.added_at, Client.id) > after)
    return list(session.scalars(wanted))
