"""Staff: how much of what is limited in number is in use, and how often that was not enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import now
from app.identity import tree
from app.identity.queries import uses as queries
from app.identity.schemas import LibraryId
from app.identity.services import authority
from app.permissions import Caller, Permission
from app.web.api import Endpoints

library_uses = Endpoints("identity.library_uses", "/api/v1/libraries/<library_id>/uses")
EDIT = Permission.EDIT_RECORDS
MOST_RECORDS = 50


class UsesQuery(msgspec.Struct, frozen=True):
    """Of how many days, today among them."""

    days: Annotated[int, Meta(ge=1, le=366)] = 30


class RecordUses(msgspec.Struct, frozen=True):
    """A record that readers were turned away from, and how many have it open now."""

    record: str
    in_use: int
    turned_away: int


class LibraryUses(msgspec.Struct, frozen=True):
    """How many uses go on now at a library and below, and how often readers were turned away.

    ``records`` are those that were asked for in vain most often since that day; 50 at most.
    """

    library: str
    in_use: int
    turned_away: int
    since: str
    records: list[RecordUses]


@library_uses.get("", EDIT, problems=(404,))
def show(session: Session, caller: Caller, library_id: LibraryId, query: UsesQuery) -> LibraryUses:
    """How much of what is limited in number is in use, and how often that was not enough.

    Of the library and those below it. Who reads is told to nobody.
    """
    library = tree.get(session, library_id)
    authority.require(caller.reach(EDIT), EDIT, library)
    at = now()
    since = f"{at - timedelta(days=query.days - 1):%Y-%m-%d}"
    found = queries.numbers(session, library.path, since, at, MOST_RECORDS)
    records = [RecordUses(*line) for line in found.records]
    return LibraryUses(library.id, found.in_use, found.turned_away, since, records)
