"""Staff: the readers of a library and of those below it."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.errors import InvalidError
from app.identity import tree
from app.identity.handles import normal
from app.identity.models import Library
from app.identity.names import name_key
from app.identity.people import AccountId, ReaderCount, ReaderItem, ReaderList
from app.identity.queries import readers as queries
from app.identity.schemas import LibraryId
from app.identity.services import audit, authority
from app.identity.services import readers as services
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Endpoints

readers = Endpoints("identity.readers", "/api/v1/libraries")
SEE, MANAGE = Permission.SEE_READERS, Permission.MANAGE_READERS


class ReaderQuery(msgspec.Struct, frozen=True):
    """Which readers: those whose displayed name begins so, and whose phone number, e-mail address
    or card at this library it is; all without it.
    """

    q: Annotated[str, Meta(min_length=1, max_length=254)] | None = None
    cursor: Annotated[str, Meta(max_length=600, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class NewHome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The library that becomes the reader's own."""

    library: LibraryId


@readers.get("/<library_id>/readers", SEE, problems=(404,))
def index(
    session: Session,
    caller: Caller,
    library_id: LibraryId,
    query: ReaderQuery,
    cursors: Cursors,
    sealer: Sealer,
) -> ReaderList:
    """Readers of a library and of those below it, in the tree's order, the newest first."""
    library = _seen(session, caller, library_id)
    question = ["readers", library.id, query.q]
    after = cursors.open(question, query.cursor)
    if query.q is None:
        items, end = queries.newest(session, library.path, after, query.limit)
    else:
        asked = name_key(query.q), _lookups(sealer, query.q, library.id)
        items, end = queries.found(session, library.path, *asked, after, query.limit)
    return ReaderList(items, cursors.seal(question, end) if end else None)


@readers.get("/<library_id>/readers/count", SEE, problems=(404,))
def count(session: Session, caller: Caller, library_id: LibraryId) -> ReaderCount:
    """How many readers a library has with those below it."""
    return queries.count(session, _seen(session, caller, library_id).path)


@readers.get("/<library_id>/readers/<account_id>", SEE, problems=(404, 410))
def show(
    session: Session, caller: Caller, library_id: LibraryId, account_id: AccountId
) -> ReaderItem:
    """One reader: never what they read, note or search for."""
    return queries.one(session, _seen(session, caller, library_id).path, account_id)


@readers.put("/<library_id>/readers/<account_id>/suspension", MANAGE, problems=(404,))
def suspend(session: Session, caller: Caller, library_id: LibraryId, account_id: AccountId) -> None:
    """Suspend a reader: they are signed out everywhere."""
    services.suspend(session, caller, audit.actor_of(caller), library_id, account_id)


@readers.delete("/<library_id>/readers/<account_id>/suspension", MANAGE, problems=(404,))
def resume(session: Session, caller: Caller, library_id: LibraryId, account_id: AccountId) -> None:
    """End a reader's suspension."""
    services.resume(session, caller, audit.actor_of(caller), library_id, account_id)


@readers.put("/<library_id>/readers/<account_id>/home", MANAGE, problems=(404, 409))
def move(
    session: Session, caller: Caller, library_id: LibraryId, account_id: AccountId, body: NewHome
) -> None:
    """Give a reader another home, where you manage the readers too."""
    actor = audit.actor_of(caller)
    services.move(session, caller, actor, library_id, account_id, body.library)


def _seen(session: Session, caller: Caller, library_id: str) -> Library:
    library = tree.get(session, library_id)
    authority.require(caller.reach(SEE), SEE, library)
    return library


def _lookups(sealer: Sealer, text: str, library_id: str) -> list[queries.Lookup]:
    """By which the handles are found that this may be: a phone number, an address, a card."""
    found: list[queries.Lookup] = []
    for whose in (None, library_id):
        with suppress(InvalidError):
            handle = normal(text, whose)
            found.append((handle.kind, handle.lookup(sealer)))
    return found
