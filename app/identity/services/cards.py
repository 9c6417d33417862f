"""Library cards: which are whose, at the desk and by what their readers show.

A card that nobody claimed stands on an account that the library made; putting it on somebody's
account ends that one. A card that is somebody's is taken by nobody: who has it at the desk takes
it off first.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, exists, func, select, update
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError, NotFoundError
from app.identity import tree
from app.identity.handles import Handle, HandleKind
from app.identity.models import Account, Card, Code, Grant
from app.identity.models import Handle as HandleRow
from app.identity.queries import readers
from app.identity.services import attaching, audit, authority, homes, registering, staff, undoing
from app.identity.services.audit import Actor
from app.identity.services.codes import Purpose
from app.permissions import Caller, Permission
from app.sealing import Sealer

MANAGE = Permission.MANAGE_READERS
SLIP_LIFE = timedelta(days=90)
DESK_LIFE = timedelta(minutes=10)
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, in which no two look alike: five bits each."""
_SLIP, _DESK = 12, 8


@dataclass(frozen=True, slots=True)
class Standing:
    """A card as the staff of its library see it."""

    account_id: str
    state: str
    expires_at: datetime | None
    is_claimed: bool
    slip_until: datetime | None


def standing(session: Session, sealer: Sealer, caller: Caller, card: Handle) -> Standing:
    """How a card stands. :raises NotFoundError: for a number that the library has no card of.

    :raises ForbiddenError: at a library out of reach.
    """
    _require(session, caller, card)
    return _standing(session, sealer, card)


def give(
    session: Session, sealer: Sealer, caller: Caller, actor: Actor, card: Handle, account_id: str
) -> Standing:
    """Puts a card on the account of a reader of the library, or of one below it.

    :raises NotFoundError: for who is no reader there. :raises ForbiddenError: at a library out of
        reach, and for anyone who may do more somewhere than the caller may.
    :raises ConflictError: when the card is on another account, or the account is not open.
    """
    library = _require(session, caller, card)
    readers.one(session, library, account_id)
    staff.require_above(session, caller, account_id)
    bind(session, sealer, actor, card, account_id)
    return _standing(session, sealer, card)


def give_by_code(
    session: Session, sealer: Sealer, caller: Caller, actor: Actor, card: Handle, code: str
) -> Standing:
    """Puts a card on the account of whoever stands at the desk and tells the code of their account.

    :raises NotFoundError: for a code that is nobody's, or no longer. :raises ForbiddenError: at a
        library out of reach. :raises ConflictError: as :func:`give`.
    """
    _require(session, caller, card)
    mine = delete(Code).where(
        Code.lookup == sealer.lookup("desk", folded(code)),
        Code.purpose == str(Purpose.DESK),
        Code.expires_at > now(),
    )
    account_id = session.scalar(mine.returning(Code.account_id))
    if account_id is None:
        raise NotFoundError("code", "that was told")
    bind(session, sealer, actor, card, account_id)
    return _standing(session, sealer, card)


def desk_code(session: Session, sealer: Sealer, account_id: str) -> str:
    """A code that its owner tells at a desk, once within ten minutes; those before it are void."""
    code, at = _made(_DESK), now()
    mine = delete(Code).where(Code.account_id == account_id, Code.purpose == str(Purpose.DESK))
    session.execute(mine)
    lookup = sealer.lookup("desk", code)
    session.add(Code(id=random_id(), purpose=str(Purpose.DESK), account_id=account_id,
                     kind=str(HandleKind.CARD), lookup=lookup, sealed=b"", made_at=at,
                     expires_at=at + DESK_LIFE))  # fmt: skip
    return _shown(code)


def take_off(session: Session, sealer: Sealer, caller: Caller, actor: Actor, card: Handle) -> None:
    """Takes a card off the account that it is on; one that nobody claimed goes with its account.

    :raises NotFoundError, ForbiddenError: as :func:`standing`.
    :raises ConflictError: when nothing would be left by which its owner is signed in.
    """
    _require(session, caller, card)
    take_off_by_command(session, sealer, actor, card)


def take_off_by_command(session: Session, sealer: Sealer, actor: Actor, card: Handle) -> None:
    """As :func:`take_off`, where nobody is asked what they may."""
    row = _found(session, sealer, card)
    audit.note(session, actor, "card.taken-off", f"account:{row.account_id}", card.library_id)
    if row.card and row.claimed_at is None and undoing.remove_unclaimed(session, [row.account_id]):
        return
    others = select(func.count()).where(
        HandleRow.account_id == row.account_id, HandleRow.lookup != row.lookup
    )
    if not session.scalar(others):
        raise ConflictError("Add a phone number, an e-mail address or another card first.")
    mine = delete(HandleRow).where(HandleRow.kind == "card", HandleRow.lookup == row.lookup)
    session.execute(mine)


def slip(
    session: Session, sealer: Sealer, caller: Caller, actor: Actor, card: Handle
) -> tuple[str, datetime]:
    """A code by which the reader claims a card, for ninety days; the one before is void.

    :raises NotFoundError, ForbiddenError: as :func:`standing`.
    :raises ConflictError: when the card was claimed, is not valid, or its account has a role.
    """
    _require(session, caller, card)
    return slip_by_command(session, sealer, actor, card)


def slip_by_command(
    session: Session, sealer: Sealer, actor: Actor, card: Handle
) -> tuple[str, datetime]:
    """As :func:`slip`, where nobody is asked what they may."""
    row = _found(session, sealer, card)
    if not is_claimable(row) or _has_role(session, row.account_id):
        raise ConflictError("This card is somebody's already, or is not valid at the moment.")
    code, until = _made(_SLIP), now() + SLIP_LIFE
    kept = update(Card).where(Card.lookup == row.lookup)
    session.execute(kept.values(slip=slip_hash(sealer, row.lookup, code), slip_until=until))
    audit.note(session, actor, "card.slip", f"account:{row.account_id}", card.library_id)
    return _shown(code), until


def bind(session: Session, sealer: Sealer, actor: Actor, card: Handle, account_id: str) -> None:
    """Has the card be this account's, which its library knows for it.

    :raises NotFoundError: for an unknown account.
    :raises ConflictError: when the card is on another account, or the account is not open.
    """
    row = registering.find(session, card.lookup(sealer))
    if row is not None and row.account_id == account_id:
        return
    if row is not None and (row.card is None or row.claimed_at is not None):
        raise ConflictError("This card is on another account. Take it off there first.")
    if row is None:
        attaching.attach(session, sealer, actor, account_id, card, verified=True)
        at = now()
        session.add(Card(lookup=card.lookup(sealer), library_id=card.library_id, added_at=at,
                         changed_at=at, claimed_at=at))  # fmt: skip
    else:
        _move(session, sealer, row, account_id)
    account = _open(session, account_id)
    assurance = max(account.assurance, registering.VOUCHED)
    homes.settle(session, account, account.home_id or card.library_id, assurance)
    audit.note(session, actor, "card.attached", f"account:{account_id}", card.library_id)


def claimed(session: Session, row: Row[*tuple[Any, ...]]) -> None:
    """Notes that a card, as :func:`registering.find` found it, is somebody's.

    What it was claimed by is forgotten, also as it stood before the last import.
    """
    kept = update(Card).where(Card.lookup == row.lookup)
    gone = {"contact": None, "contact_kind": None, "slip": None, "slip_until": None}
    before = registering.without_contact(row.before)
    session.execute(kept.values(claimed_at=now(), before=before, **gone))


def is_claimable(row: Row[*tuple[Any, ...]]) -> bool:
    """Whether a card, as :func:`registering.find` found it, is valid and nobody's yet."""
    is_valid = row.state == "open" and (row.expires_at is None or row.expires_at > now())
    return bool(row.card and row.claimed_at is None and is_valid)


def slip_hash(sealer: Sealer, lookup: str, code: str) -> str:
    """How the code of a slip is kept."""
    return sealer.lookup("slip", f"{lookup}:{folded(code)}")


def folded(code: str) -> str:
    """A code as it was made: letters that look like digits are taken for them."""
    plain = "".join(mark for mark in code.upper() if mark.isalnum())
    return plain.translate(str.maketrans("OIL", "011"))


def _require(session: Session, caller: Caller, card: Handle) -> str:
    """The path of the card's library, where the caller manages readers."""
    library = tree.get(session, card.library_id or "")
    authority.require(caller.reach(MANAGE), MANAGE, library)
    return library.path


def _found(session: Session, sealer: Sealer, card: Handle) -> Row[*tuple[Any, ...]]:
    row = registering.find(session, card.lookup(sealer))
    if row is None:
        raise NotFoundError("card", "of this number")
    return row


def _standing(session: Session, sealer: Sealer, card: Handle) -> Standing:
    row = _found(session, sealer, card)
    is_claimed = row.card is None or row.claimed_at is not None
    until = row.slip_until if row.slip_until and row.slip_until > now() else None
    return Standing(row.account_id, row.state or "open", row.expires_at, is_claimed, until)


def _move(session: Session, sealer: Sealer, row: Row[*tuple[Any, ...]], account_id: str) -> None:
    """Moves a card from the account that the library made, which ends."""
    handle = session.get_one(HandleRow, ("card", row.lookup))
    value = sealer.unseal("handle", row.account_id, handle.sealed)
    handle.account_id, handle.sealed = account_id, sealer.seal("handle", account_id, value)
    session.flush()
    claimed(session, row)
    made = session.get_one(Account, row.account_id)
    others = exists().where(HandleRow.account_id == made.id)
    if _has_role(session, made.id) or session.scalar(select(others)):
        raise ConflictError("Somebody was given more than a card under its account.")
    homes.settle(session, made, None, 0)
    made.name, made.name_key, made.closed_at, made.merged_into = "", "", now(), account_id


def _open(session: Session, account_id: str) -> Account:
    account = session.get(Account, account_id)
    if account is None or account.closed_at is not None:
        raise NotFoundError("account", account_id)
    if account.kind != "person" or account.suspended_at is not None:
        raise ConflictError("This account is suspended, or a system's.")
    return account


def _has_role(session: Session, account_id: str) -> bool:
    return bool(session.scalar(select(exists().where(Grant.account_id == account_id))))


def _made(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _shown(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
