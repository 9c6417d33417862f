"""What a library says of its readers, kept for many at once: accounts, their cards, changes.

A card that is new makes an account of the library's, which nobody is signed in to before its
reader claims it. What the library knows of a phone or an address is kept with the card, to send
the code by which it is claimed, and is nobody's handle: whoever signs in or up by that phone has
shown it themselves. A card that was claimed is its owner's: its state and its last day follow the
library, the name and the contact no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Row, Select, Text, func, literal, select, true, update
from sqlalchemy.orm import Session

from app.database import insert_many, now, random_id, rfc3339
from app.identity.handles import HandleKind
from app.identity.models import Account, Card, Handle
from app.identity.names import name_key
from app.identity.roster import Entry
from app.identity.services import homes
from app.sealing import Sealer

VOUCHED = 2
"""The assurance of whom a library knows as its reader."""
CONTACT = "card-contact"
"""What a contact is sealed for."""


class Before(msgspec.Struct, frozen=True):
    """What an import found of a card, so that it can be put back."""

    name: str
    state: str
    expires_at: datetime | None
    contact_kind: str | None
    contact: bytes | None
    said: str
    import_id: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """A row of a file, with the hashes by which its card, and what it says, are known again."""

    entry: Entry
    lookup: str
    said: str


@dataclass(slots=True)
class Judged:
    """What is to be done with rows: ``fresh`` have no card yet, ``changed`` say something else.

    ``loose`` are cards that somebody attached before the library told of them, with their account.
    """

    fresh: list[Told]
    changed: list[tuple[Row[*tuple[Any, ...]], Told]]
    loose: list[tuple[str, Told]]
    unchanged: int


def told(sealer: Sealer, entry: Entry, lookup: str) -> Told:
    """The row, hashed under our key."""
    contact = f"{entry.contact.kind}:{entry.contact.value}" if entry.contact else ""
    expires = rfc3339(entry.expires_at) if entry.expires_at else ""
    whole = f"{lookup}\n{entry.name}\n{contact}\n{entry.state}\n{expires}"
    return Told(entry, lookup, sealer.lookup("card-said", whole))


def judge(session: Session, rows: Sequence[Told], *, lock: bool = False) -> Judged:
    """Compares rows of different cards with what is kept, in one statement.

    What is kept of a changed one is read whole only under its lock.
    """
    kept = _kept(session, [row.lookup for row in rows], lock)
    judged = Judged([], [], [], 0)
    for row in rows:
        found = kept.get(row.lookup)
        if found is None:
            judged.fresh.append(row)
        elif found.card is None:
            judged.loose.append((found.account_id, row))
        elif found.said == row.said:
            judged.unchanged += 1
        else:
            judged.changed.append((found, row))
    return judged


def take(
    session: Session, sealer: Sealer, library_id: str, import_id: str, rows: Sequence[Told]
) -> Judged:
    """Keeps what the rows say. Nobody else changes meanwhile what they change."""
    judged = judge(session, rows)
    if judged.changed:
        locked = judge(session, [row for _, row in judged.changed], lock=True)
        judged.fresh += locked.fresh
        judged.loose += locked.loose
        judged.unchanged += locked.unchanged
        judged.changed = locked.changed
    _add(session, sealer, library_id, import_id, judged.fresh)
    _adopt(session, library_id, import_id, judged.loose)
    _change(session, sealer, import_id, judged.changed)
    return judged


def find(session: Session, lookup: str) -> Row[*tuple[Any, ...]] | None:
    """A card with its account, locked; ``card`` is ``None`` where its library said nothing yet."""
    return _kept(session, [lookup], lock=True).get(lookup)


def _kept(
    session: Session, lookups: Collection[str], lock: bool
) -> Mapping[str, Row[*tuple[Any, ...]]]:
    """What is kept of cards. With ``lock`` nobody else changes it until the transaction ends.

    It is read by a second statement: PostgreSQL shows one that waited for a lock the other tables
    as they were when it began to wait.
    """
    if lock:
        held = select(Handle.lookup).where(Handle.kind == HandleKind.CARD).with_for_update()
        session.execute(_of_these(session, held, lookups))
    wanted: Select[*tuple[Any, ...]] = (
        select(Handle.lookup, Handle.account_id, Card.lookup.label("card"), Card.said)
        .outerjoin(Card, Card.lookup == Handle.lookup)
        .where(Handle.kind == HandleKind.CARD)
    )
    if lock:
        wanted = (
            wanted.add_columns(
                Account.name, Card.library_id, Card.state, Card.expires_at, Card.contact_kind,
                Card.contact, Card.slip, Card.slip_until, Card.claimed_at, Card.import_id,
                Card.before,
            )
            .join(Account, Account.id == Handle.account_id)
        )  # fmt: skip
    rows = session.execute(_of_these(session, wanted, lookups))
    return {row.lookup: row for row in rows}


def _of_these(
    session: Session, wanted: Select[*tuple[Any, ...]], these: Collection[str]
) -> Select[*tuple[Any, ...]]:
    """Looks each handle up by the index, in one order: a table that just grew has no statistics
    yet, without which PostgreSQL would read the whole of it for a list of them."""
    if session.get_bind().dialect.name != "postgresql":
        return wanted.where(Handle.lookup.in_(these))
    lookups = sorted(these)
    array = func.unnest(literal(lookups, ARRAY(Text)))
    given = array.table_valued("lookup", name="given").render_derived()
    one = wanted.where(Handle.lookup == given.c.lookup).limit(1).lateral("one")
    return select(*one.c).select_from(given.join(one, true()))


def _add(
    session: Session, sealer: Sealer, library_id: str, import_id: str, rows: Sequence[Told]
) -> None:
    """Accounts of the library's with their cards."""
    at, made = now(), [(random_id(), row) for row in rows]
    insert_many(session, Account, [
        {"id": account_id, "name": row.entry.name, "name_key": _name_key(row.entry.name),
         "kind": "person", "home_id": library_id, "assurance": VOUCHED, "version": 1,
         "added_at": at}
        for account_id, row in made
    ])  # fmt: skip
    insert_many(session, Handle, [
        {"kind": "card", "lookup": row.lookup, "account_id": account_id, "library_id": library_id,
         "mask": row.entry.card.mask,
         "sealed": sealer.seal("handle", account_id, row.entry.card.value.encode()),
         "added_at": at, "verified_at": at}
        for account_id, row in made
    ])  # fmt: skip
    insert_many(session, Card, [
        {"lookup": row.lookup, "library_id": library_id, "import_id": import_id, "added_at": at,
         "kind": "card", "before": None, "claimed_at": None, **_of(sealer, row, at)}
        for _, row in made
    ])  # fmt: skip
    homes.count(session, {library_id: (len(made), 0)})


def _adopt(
    session: Session, library_id: str, import_id: str, loose: Sequence[tuple[str, Told]]
) -> None:
    """The library tells of cards that are somebody's already."""
    at = now()
    rows = [
        {"lookup": row.lookup, "library_id": library_id, "import_id": import_id, "kind": "card",
         "added_at": at, "changed_at": at, "claimed_at": at, "state": row.entry.state,
         "expires_at": row.entry.expires_at, "said": row.said}
        for _, row in loose
    ]  # fmt: skip
    insert_many(session, Card, rows)


def _change(
    session: Session,
    sealer: Sealer,
    import_id: str,
    changed: Sequence[tuple[Row[*tuple[Any, ...]], Told]],
) -> None:
    at = now()
    cards, names = list[dict[str, Any]](), list[dict[str, Any]]()
    for kept, row in changed:
        news = _of(sealer, row, at)
        if kept.claimed_at is not None:
            news |= {"contact_kind": None, "contact": None}
        elif kept.name != row.entry.name:
            key = _name_key(row.entry.name)
            names.append({"id": kept.account_id, "name": row.entry.name, "name_key": key})
        before = before_of(kept, import_id)
        cards.append({"lookup": row.lookup, "import_id": import_id, "before": before, **news})
    if cards:
        session.execute(update(Card), cards)
    if names:
        session.execute(update(Account), names)


def before_of(kept: Row[*tuple[Any, ...]], import_id: str) -> bytes | None:
    """What stood before this import, which may come to the same card more than once.

    The import before is only named where it added the card. What it found otherwise is not kept
    any longer, and without that, undoing it would take the card for one that it added.
    """
    if kept.import_id == import_id:
        return bytes(kept.before) if kept.before is not None else None
    fields = {name: getattr(kept, name) for name in Before.__struct_fields__}
    if kept.before is not None:
        fields["import_id"] = None
    return msgspec.json.encode(Before(**fields))


def without_contact(before: bytes | None) -> bytes | None:
    """What stood before an import, without the contact; nothing where it added the card."""
    if before is None:
        return None
    was = msgspec.json.decode(before, type=Before)
    return msgspec.json.encode(msgspec.structs.replace(was, contact_kind=None, contact=None))


def _of(sealer: Sealer, row: Told, at: datetime) -> dict[str, Any]:
    """What the row says, as the card has it."""
    contact = row.entry.contact
    return {
        "state": row.entry.state,
        "expires_at": row.entry.expires_at,
        "contact_kind": str(contact.kind) if contact else None,
        "contact": sealer.seal(CONTACT, row.lookup, contact.value.encode()) if contact else None,
        "said": row.said,
        "changed_at": at,
    }


@lru_cache(maxsize=4096)
def _name_key(name: str) -> str:
    """Masked names are few."""
    return name_key(name)
