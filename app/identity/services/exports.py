"""Everything that is kept about a person, as one document, for that person alone.

What is in it is said beside the columns (:mod:`app.personal`): whatever names an account and may
be given out is, with what stands beside a handle, and nothing else. It is sealed while it waits to
be fetched.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.database import Base, Database, now, random_id, rfc3339
from app.errors import NotFoundError
from app.identity.accounts import Known
from app.identity.models import Account, Card, Export, Handle
from app.identity.services import audit, sessions
from app.identity.services.audit import Actor
from app.jobs import enqueue
from app.personal import Owned, owned
from app.sealing import Sealer

JOB = "identity.export"
LIFE = timedelta(days=7)
AGAIN = timedelta(hours=1)
"""Before which the same copy is meant."""
_PURPOSE = "export"
_EPOCH = 1
"""Of the document's form."""


@dataclass(frozen=True, slots=True)
class ExportLine:
    """A copy as its owner sees it; it can be fetched once ``made_at`` is known."""

    id: str
    asked_at: datetime
    made_at: datetime | None
    expires_at: datetime
    size: int


def ask(session: Session, actor: Actor, known: Known) -> str:
    """Has a copy be made, in the place of one from before; answers its id.

    Within the hour it is the same one again.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    """
    sessions.require_fresh(known)
    session.get_one(Account, known.account_id, with_for_update=True)  # of two who ask, one does
    at, mine = now(), Export.account_id == known.account_id
    recent = select(Export.id).where(mine, Export.asked_at > at - AGAIN)
    if found := session.scalar(recent.limit(1)):
        return found
    session.execute(delete(Export).where(mine))
    made = Export(
        id=random_id(),
        account_id=known.account_id,
        document=None,
        size=0,
        asked_at=at,
        expires_at=at + LIFE,
    )
    session.add(made)
    enqueue(session, JOB, export=made.id)
    audit.note(session, actor, "account.export-asked", f"account:{known.account_id}")
    return made.id


def listed(session: Session, account_id: str) -> list[ExportLine]:
    """The copies that can be fetched or are being made; there is one at most."""
    columns = (Export.id, Export.asked_at, Export.made_at, Export.expires_at, Export.size)
    wanted = select(*columns).where(Export.account_id == account_id, Export.expires_at > now())
    return [ExportLine(*row) for row in session.execute(wanted)]


def fetch(session: Session, sealer: Sealer, actor: Actor, known: Known, export_id: str) -> bytes:
    """The document. That it was fetched is written down.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises NotFoundError: when the account has none of this id that is made and not too old.
    """
    sessions.require_fresh(known)
    mine = select(Export.document).where(
        Export.id == export_id, Export.account_id == known.account_id, Export.expires_at > now()
    )
    sealed = session.scalar(mine)
    if sealed is None:
        raise NotFoundError("export", export_id)
    audit.note(session, actor, "account.export-fetched", f"account:{known.account_id}")
    return zlib.decompress(sealer.unseal(_PURPOSE, export_id, sealed))


def make(database: Database, sealer: Sealer, export_id: str) -> tuple[bytes, int] | None:
    """The document as it is kept, and its size; nothing where nobody waits for it any more."""
    with database.transaction(writes=False, snapshot=True) as session:
        wanted = select(Export.account_id).where(Export.id == export_id)
        account_id = session.scalar(wanted)
        if account_id is None:
            return None
        document = msgspec.json.format(msgspec.json.encode(collect(session, sealer, account_id)))
    return sealer.seal(_PURPOSE, export_id, zlib.compress(document)), len(document)


def keep(session: Session, export_id: str, document: bytes, size: int) -> None:
    """Keeps the document, if somebody waits for it."""
    made = update(Export).where(Export.id == export_id)
    session.execute(made.values(document=document, size=size, made_at=now()))


def collect(session: Session, sealer: Sealer, account_id: str) -> dict[str, Any]:
    """Whatever the account owns, by table."""
    found: dict[str, Any] = {"export": _EPOCH, "made_at": rfc3339(now())}
    for one in owned(Base.metadata):
        if one.personal.shown:
            found[one.name] = list(_rows(session, sealer, one, account_id))
    found["cards"] = list(_cards(session, account_id))
    return found


def purge(session: Session) -> None:
    """Forgets the copies that nobody fetched in time."""
    session.execute(delete(Export).where(Export.expires_at < now()))


def _rows(
    session: Session, sealer: Sealer, one: Owned, account_id: str
) -> Iterator[dict[str, Any]]:
    said = one.personal
    columns = [one.table.c[name] for name in (*said.shown, *said.sealed)]
    wanted = select(*columns).where(one.column == account_id)
    for row in session.execute(wanted.order_by(*one.table.primary_key)).mappings():
        values = {name: _plain(row[name]) for name in said.shown}
        for name, purpose in said.sealed.items():
            values["value"] = sealer.unseal(purpose, account_id, row[name]).decode()
        yield values


def _cards(session: Session, account_id: str) -> Iterator[dict[str, Any]]:
    """What libraries say of the person's cards, which stand with their handles."""
    columns = (Card.library_id, Card.state, Card.expires_at, Card.claimed_at, Card.added_at)
    same = (Handle.kind == Card.kind) & (Handle.lookup == Card.lookup)
    wanted = select(*columns).join(Handle, same).where(Handle.account_id == account_id)
    for row in session.execute(wanted.order_by(Card.added_at, Card.lookup)).mappings():
        yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value
