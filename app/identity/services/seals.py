"""Sealing what was audited: each minute a Merkle root over the new events, chained to the last.

A leaf is an event as JSON (:func:`leaf_of`); leaves stand in the order of their events' ids. A seal
is the SHA-256 of five lines: its number, time, count and root, and the seal before it (of the
first: 64 zeros). What is offered here can be recomputed from an export without this program: see
``docs/operations/audit.md``.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import structlog
from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.orm import Session

from app.database import Database, insert_many, now, rfc3339
from app.identity.models import AuditEvent, AuditLeaf, AuditPending, AuditSeal
from app.identity.trail import Seal
from app.merkle import Tree, leaf_hash

log = structlog.get_logger(__name__)

MOST = 5_000
"""Events of one seal; what is more goes into the next."""
NOTHING = "0" * 64
"""What stands before the first seal."""
EVENT = tuple(AuditEvent.__table__.c)


class Leaf(msgspec.Struct, frozen=True):
    """An event as it is sealed and exported."""

    id: str
    at: str
    actor: str | None
    action: str
    subject: str
    library: str | None
    address: str
    request: str
    detail: msgspec.Raw


def leaf_of(event: Row[Any]) -> bytes:
    """The very bytes that are hashed: JSON without spaces, members in the order of a leaf."""
    return msgspec.json.encode(
        Leaf(
            event.id,
            rfc3339(event.at),
            event.actor,
            event.action,
            event.subject,
            event.library_id,
            event.address,
            event.request_id,
            msgspec.Raw(event.detail),
        )
    )


def seal_over(number: int, at: str, count: int, root: str, previous: str) -> str:
    """The seal itself, 64 hexadecimal digits."""
    return sha256(f"{number}\n{at}\n{count}\n{root}\n{previous}".encode()).hexdigest()


def line_of(row: AuditSeal) -> Seal:
    """A seal as it is checked and exported."""
    return Seal(row.number, rfc3339(row.at), row.count, row.root, row.previous, row.seal)


def seal_new(database: Database) -> int:
    """Seals every event that is committed and in no seal yet; says how many."""
    done = 0
    while made := database.run(_seal):
        log.info("sealed", number=made.number, seal=made.seal)  # kept elsewhere, it is a witness
        done += made.count
    return done


def _seal(session: Session) -> Seal | None:
    """Makes the next seal, unless there is nothing to seal.

    Of two at once, the numbers let only one through; the other looks again.
    """
    wanted = (
        select(*EVENT)
        .join(AuditPending, AuditPending.event_id == AuditEvent.id)
        .order_by(AuditEvent.id)
        .limit(MOST)
    )
    events = session.execute(wanted).all()
    if not events:
        return None
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)).first()
    number, previous = (last.number + 1, last.seal) if last else (1, NOTHING)
    hashes = [leaf_hash(leaf_of(event)) for event in events]
    root, at = Tree(hashes).root.hex(), now()
    made = Seal(number, rfc3339(at), len(events), root, previous,
                seal_over(number, rfc3339(at), len(events), root, previous))  # fmt: skip
    session.execute(
        insert(AuditSeal).values(
            number=number, at=at, count=made.count, root=root, previous=previous, seal=made.seal
        )
    )
    insert_many(
        session,
        AuditLeaf,
        [
            {"event_id": event.id, "seal": number, "place": place, "hash": leaf.hex()}
            for place, (event, leaf) in enumerate(zip(events, hashes, strict=True))
        ],
    )
    sealed = select(AuditLeaf.event_id).where(AuditLeaf.seal == number)
    session.execute(delete(AuditPending).where(AuditPending.event_id.in_(sealed)))
    return made


def waiting(session: Session) -> int:
    """How many events are in no seal yet."""
    return session.scalar(select(func.count()).select_from(AuditPending)) or 0
