"""Passkeys (WebAuthn level 3): keys that a device or a password manager keeps for its owner.

A passkey is only taken when its device made sure of the person (user verification): then it is
something one has and something one knows or is, and counts as a password and a second factor at
once. What is kept of it is its public half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError, ForbiddenError, NotFoundError
from app.identity.accounts import Known
from app.identity.models import Account, Passkey
from app.identity.services import audit, notices, second_factor, sessions
from app.identity.services.audit import Actor
from app.identity.services.notices import Change
from app.identity.services.sessions import Visit, shown_network

MOST = 20


@dataclass(frozen=True, slots=True)
class PasskeyLine:
    """A passkey as its owner sees it; ``is_refused`` when there are two of it."""

    id: str
    label: str
    is_synced: bool
    added_at: datetime
    used_at: datetime | None
    network: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What a device made, once it was verified."""

    credential: bytes
    public_key: bytes
    sign_count: int
    is_synced: bool
    transports: str

    @property
    def methods(self) -> frozenset[str]:
        """What using it shows (RFC 8176)."""
        return methods_of(is_synced=self.is_synced)


def methods_of(*, is_synced: bool) -> frozenset[str]:
    """What using one shows: a key in a device, or one that is copied, and a person; so both."""
    return frozenset({"swk" if is_synced else "hwk", "user", "mfa"})


def listed(session: Session, account_id: str) -> list[PasskeyLine]:
    """The account's passkeys, the oldest first; 20 at most."""
    wanted = select(Passkey).where(Passkey.account_id == account_id)
    return [
        PasskeyLine(
            id=row.id,
            label=row.label,
            is_synced=row.is_synced,
            added_at=row.added_at,
            used_at=row.used_at,
            network=row.address,
            is_refused=row.cloned_at is not None,
        )
        for row in session.scalars(wanted.order_by(Passkey.added_at, Passkey.id))
    ]


def known_to(session: Session, account_id: str) -> Mapping[bytes, str]:
    """The account's credential ids, each with how it is reached: none is made again."""
    wanted = select(Passkey.credential, Passkey.transports)
    rows = session.execute(wanted.where(Passkey.account_id == account_id))
    return {row.credential: row.transports for row in rows}


def find(session: Session, credential: bytes) -> Passkey | None:
    """The passkey of this credential id, with its account open."""
    wanted = select(Passkey).join(Account, Account.id == Passkey.account_id)
    is_open = and_(Account.closed_at.is_(None), Account.kind == "person")
    return session.scalars(wanted.where(Passkey.credential == credential, is_open)).first()


def add(session: Session, visit: Visit, known: Known, new: NewPasskey, label: str) -> str:
    """Keeps a passkey; the session goes on with it shown, since its device just saw the person.

    :raises ConflictError: when there is this one already, or when there are 20.
    """
    session.get_one(Account, known.account_id, with_for_update=True)
    if len(known_to(session, known.account_id)) >= MOST:
        raise ConflictError("There are 20 passkeys. Take one away first.")
    if session.scalar(select(Passkey.id).where(Passkey.credential == new.credential)):
        raise ConflictError("This passkey is registered already.")
    row_id = random_id()
    session.add(
        Passkey(
            id=row_id,
            account_id=known.account_id,
            credential=new.credential,
            public_key=new.public_key,
            sign_count=new.sign_count,
            is_synced=new.is_synced,
            transports=new.transports,
            label=label,
            added_at=now(),
        )
    )
    actor = visit.actor(known.account_id)
    audit.note(session, actor, "passkey.added", f"account:{known.account_id}", id=row_id)
    notices.tell(session, actor, known.account_id, Change.PASSKEY_ADDED)
    session.flush()
    return sessions.begin(session, visit, known.account_id, {*known.methods, *new.methods})


def use(session: Session, visit: Visit, passkey_id: str, sign_count: int) -> str | None:
    """A session of the passkey's account; nothing when its counter did not go on.

    Then there are two of it, and from now on neither is taken (§ 6.1.1). A counter that stays
    zero is none: passkeys that are copied on purpose have that.
    """
    kept = Passkey.sign_count
    goes_on = kept == 0 if sign_count == 0 else kept < sign_count
    used = update(Passkey).where(Passkey.id == passkey_id, Passkey.cloned_at.is_(None), goes_on)
    used = used.values(sign_count=sign_count, used_at=now(), address=shown_network(visit.address))
    row = session.execute(used.returning(Passkey.account_id, Passkey.is_synced)).first()
    if row is not None:
        return sessions.begin(session, visit, row.account_id, methods_of(is_synced=row.is_synced))
    cloned = update(Passkey).where(Passkey.id == passkey_id, Passkey.cloned_at.is_(None))
    account_id = session.scalar(cloned.values(cloned_at=now()).returning(Passkey.account_id))
    if account_id is not None:
        about = f"account:{account_id}"
        audit.note(session, visit.actor(None), "passkey.cloned", about, id=passkey_id)
    return None


def rename(session: Session, actor: Actor, account_id: str, passkey_id: str, label: str) -> None:
    """Calls a passkey something else. :raises NotFoundError: when the account has none such."""
    mine = update(Passkey).where(Passkey.account_id == account_id, Passkey.id == passkey_id)
    if session.scalar(mine.values(label=label).returning(Passkey.id)) is None:
        raise NotFoundError("passkey", passkey_id)
    audit.note(session, actor, "passkey.renamed", f"account:{account_id}", id=passkey_id)


def remove(session: Session, actor: Actor, known: Known, passkey_id: str) -> None:
    """Takes a passkey away: it opens nothing any more.

    :raises ForbiddenError: when the person did not sign in a moment ago, or has power over others
        and did not show a second factor.
    :raises NotFoundError: when the account has none such.
    :raises ConflictError: when it is the last second factor of who has power over others.
    """
    sessions.require_fresh(known)
    if second_factor.has_power(known) and not known.is_proven:
        raise ForbiddenError("proven-session", "Sign in with a second factor first.")
    session.get_one(Account, known.account_id, with_for_update=True)
    mine = listed(session, known.account_id)
    if not any(one.id == passkey_id for one in mine):
        raise NotFoundError("passkey", passkey_id)
    others = [one for one in mine if one.id != passkey_id and not one.is_refused]
    second_factor.require_left(known, has_other=known.has_factor or bool(others))
    session.execute(delete(Passkey).where(Passkey.id == passkey_id))
    audit.note(session, actor, "passkey.removed", f"account:{known.account_id}", id=passkey_id)
    notices.tell(session, actor, known.account_id, Change.PASSKEY_REMOVED)


def remove_all(session: Session, actor: Actor, account_id: str) -> None:
    """Takes every passkey of an account away that were lost."""
    mine = delete(Passkey).where(Passkey.account_id == account_id).returning(Passkey.id)
    for passkey_id in session.scalars(mine).all():
        audit.note(session, actor, "passkey.removed", f"account:{account_id}", id=passkey_id)


def handle_of(account_id: str) -> bytes:
    """By what devices name the account: its id, which is random and tells nothing (§ 14.6.1)."""
    return account_id.encode()
