"""One's own uses: what one has opened where readers are limited in number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.description import Summary
from app.catalog.queries import records
from app.cursors import Cursors
from app.database import from_micros, now, rfc3339, to_micros
from app.errors import UnauthenticatedError
from app.identity.queries import uses as queries
from app.identity.schemas import PageQuery
from app.identity.services import uses as services
from app.permissions import Caller, Permission
from app.web.api import Endpoints

uses = Endpoints("reader.uses", "/api/v1/me/uses")
SIGNED_IN = Permission.SIGNED_IN
UseId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class UseItem(msgspec.Struct, frozen=True):
    """A use: of which record, from when until when.

    While it goes on, ``until`` is when it ends if nothing more is read, ``last`` when it ends
    however much is read; ``ended`` is when it did. ``device`` is where it was opened last, while
    that session goes on; ``record`` is null where one no longer sees it.
    """

    id: str
    record_id: str
    record: Summary | None
    begun: str
    until: str
    last: str
    ended: str | None
    device: str


class UseList(msgspec.Struct, frozen=True):
    """One's uses, the newest first."""

    items: list[UseItem]
    next: str | None


@uses.get("", SIGNED_IN)
def index(session: Session, caller: Caller, query: PageQuery, cursors: Cursors) -> UseList:
    """What you have open, and had open in the last month, where readers are limited in number.

    Opening begins a use, and reading goes on with it.
    """
    account_id = account_of(caller)
    question = ["uses", account_id]
    position = cursors.open(question, query.cursor)
    after = (from_micros(position[0]), position[1]) if position else None
    lines, end = queries.own(session, account_id, after, query.limit)
    items = shown(session, caller, lines)
    cursor = cursors.seal(question, [to_micros(end[0]), end[1]]) if end else None
    return UseList(items, cursor)


@uses.delete("/<use_id>", SIGNED_IN)
def give_back(session: Session, caller: Caller, use_id: UseId) -> None:
    """Give a place back before its time, on every device; doing it again is fine."""
    services.give_back(session, account_of(caller), use_id)


def account_of(caller: Caller) -> str:
    """Whose uses are meant.

    :raises UnauthenticatedError: when nobody is signed in.
    """
    if caller.account_id is None:
        raise UnauthenticatedError
    return caller.account_id


def shown(session: Session, caller: Caller, lines: list[queries.UseLine]) -> list[UseItem]:
    """These uses with the records that they are of, in one statement more."""
    seen = records.summaries(session, [line.record_id for line in lines], caller.audience)
    at = now()
    return [_item(line, seen.get(line.record_id), at) for line in lines]


def _item(line: queries.UseLine, summary: bytes | None, at: datetime) -> UseItem:
    """What nobody has ended yet though its time is over has ended all the same."""
    ended = line.ended_at or (line.until if line.until <= at else None)
    return UseItem(
        id=line.id,
        record_id=line.record_id,
        record=summary_decoder.decode(summary) if summary else None,
        begun=rfc3339(line.begun_at),
        until=rfc3339(line.until),
        last=rfc3339(line.last_at),
        ended=rfc3339(ended) if ended else None,
        device=line.device,
    )
