"""Verifying real names: what is asked of the service, and what is kept of the answer.

The number is sealed until the asking ends, however it ends. What stays is its hash under a key of
its own: that of a later version is to be a hash over the one before, so that rows can be brought
to it although the numbers are not kept.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError
from app.identity.documents import Purpose
from app.identity.handles import HandleKind
from app.identity.models import Account, DeskConfirmation, Handle, Identity, Verification
from app.identity.services import audit, consents, homes, minors
from app.identity.services.audit import SYSTEM, Actor
from app.jobs import enqueue
from app.sealing import Sealer
from app.verification.numbers import IdentityNumber
from app.verification.ports import Person, Result, VerifierAwayError

JOB = "identity.verify_name"
KEY_VERSION = 1
LIFE = timedelta(days=1)
"""How long a service that is away is asked again."""
KEPT = timedelta(days=90)
"""How long it is kept that there was an asking, and how it ended."""
FIRST_REST, LONGEST_REST = 5.0, 900.0
AT_ONCE = 200
MET, REACHED = 2, 1
_PURPOSE = "verification"


class _Sealed(msgspec.Struct, frozen=True):
    name: str
    number: str
    phone: str

    def __repr__(self) -> str:
        return "_Sealed(…)"


def lookup(sealer: Sealer, number: IdentityNumber) -> str:
    """By which a person is known again."""
    return sealer.lookup(f"identity:{KEY_VERSION}", number.value)


def begin(session: Session, sealer: Sealer, actor: Actor, account_id: str, person: Person) -> None:
    """Has the service be asked, by a job that knows only the id of the row.

    :raises ConflictError: when the account is verified, or its asking is under way.
    """
    session.get(Account, account_id, with_for_update=True)
    if session.get(Identity, account_id) is not None:
        raise ConflictError("This account is verified already.")
    if _pending(session, account_id) is not None:
        raise ConflictError("A verification is under way. Wait for its result.")
    asking, at = random_id(), now()
    session.add(
        Verification(
            id=asking,
            account_id=account_id,
            method=str(person.method),
            state="pending",
            mask=person.number.mask,
            sealed=_sealed(sealer, asking, person),
            made_at=at,
            expires_at=at + LIFE,
        )
    )
    enqueue(session, JOB, unique=asking, asking=asking)
    audit.note(
        session, actor, "real-name.asked", f"account:{account_id}", method=str(person.method)
    )


def prepare(session: Session, sealer: Sealer, asking: str) -> Person | None:
    """Whom the service is to be asked about; nothing when that has ended."""
    row = session.get(Verification, asking)
    if row is None or row.sealed is None or row.expires_at <= now():
        return None
    told = msgspec.json.decode(sealer.unseal(_PURPOSE, asking, row.sealed), type=_Sealed)
    return Person(told.name, IdentityNumber(told.number), told.phone)


def put_off(session: Session, asking: str, away: VerifierAwayError) -> None:
    """Asks again later, twice as late each time; gives up after a day."""
    row = _locked(session, asking)
    if row is None:
        return
    rest = max(away.rest, min(FIRST_REST * 2**row.tries, LONGEST_REST))
    row.tries, row.reason = row.tries + 1, "service"
    later = now() + timedelta(seconds=rest)
    if later >= row.expires_at:
        _end(session, row, "failed", "service")
    else:
        enqueue(session, JOB, unique=asking, run_after=later, asking=asking)


def conclude(session: Session, sealer: Sealer, asking: str, person: Person, result: Result) -> None:
    """What the service said becomes what the account is. Doing it again changes nothing.

    That a person has another account is said only to who knows name and number alike.
    """
    whose = select(Verification.account_id).where(Verification.id == asking)
    account = session.get(Account, session.scalar(whose) or "", with_for_update=True)
    row = _locked(session, asking)  # after the account, as everywhere: nobody waits in a circle
    if row is None or account is None:
        return
    if result is not Result.MATCH:
        _end(session, row, "refused", str(result))
    elif account.closed_at is not None:
        _end(session, row, "failed", "closed")
    elif not _take(session, sealer, row, person.number):
        _end(session, row, "refused", "taken")
    else:
        homes.settle(session, account, account.home_id, homes.VERIFIED)
        account.version += 1
        minors.verified(session, account.id, person.number.born.year)
        _end(session, row, "verified")


def withdraw(
    session: Session, actor: Actor, account_id: str, action: str, reason: str = ""
) -> bool:
    """Forgets the person; the account is known as well as without. Whether there was anything.

    ``action`` is what the audit calls it.
    """
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        return False
    row = _pending(session, account_id)
    if row is not None:
        _end(session, row, "failed", "withdrawn")
    mine = delete(Identity).where(Identity.account_id == account_id).returning(Identity.method)
    was_verified = session.scalar(mine) is not None
    if was_verified:
        homes.settle(session, account, account.home_id, level_without(session, account_id))
        account.version += 1
    consents.withdraw(session, actor, account_id, Purpose.REAL_NAME)
    if was_verified or row is not None:
        about = {"reason": reason} if reason else {}
        audit.note(session, actor, action, f"account:{account_id}", account.home_id, **about)
    return was_verified or row is not None


def level_without(session: Session, account_id: str) -> int:
    """How well an account is known that has no verified real name."""
    known = select(Handle.kind).where(
        Handle.account_id == account_id, Handle.verified_at.is_not(None)
    )
    kinds = set(session.scalars(known))
    at_desk = select(exists().where(DeskConfirmation.account_id == account_id))
    if HandleKind.CARD in kinds or session.scalar(at_desk):
        return MET
    return REACHED if kinds else 0


def last(session: Session, account_id: str) -> Verification | None:
    """The asking that was begun last."""
    wanted = select(Verification).where(Verification.account_id == account_id)
    return session.scalar(
        wanted.order_by(Verification.made_at.desc(), Verification.id.desc()).limit(1)
    )


def forget(session: Session) -> int:
    """Gives up what waited for too long, and forgets what ended long ago; answers how many."""
    wanted = select(Verification).where(Verification.expires_at < now()).limit(AT_ONCE)
    rows = session.scalars(wanted.with_for_update(skip_locked=True)).all()
    for row in rows:
        if row.sealed is not None:
            _end(session, row, "failed", "service")
        else:
            session.delete(row)
    return len(rows)


def count(session: Session) -> dict[str, int]:
    """How many askings there are in each state."""
    wanted = select(Verification.state, func.count()).group_by(Verification.state)
    return {row[0]: row[1] for row in session.execute(wanted)}


def _sealed(sealer: Sealer, asking: str, person: Person) -> bytes:
    """In a function of its own: a report of what fails later shows the variables around it."""
    told = _Sealed(person.name, person.number.value, person.phone)
    return sealer.seal(_PURPOSE, asking, msgspec.json.encode(told))


def _pending(session: Session, account_id: str) -> Verification | None:
    wanted = select(Verification).where(
        Verification.account_id == account_id, Verification.state == "pending"
    )
    return session.scalar(wanted.with_for_update())


def _locked(session: Session, asking: str) -> Verification | None:
    row = session.get(Verification, asking, with_for_update=True)
    return row if row is not None and row.state == "pending" else None


def _take(session: Session, sealer: Sealer, row: Verification, number: IdentityNumber) -> bool:
    """Whether the person is this account's from now on: of two at the same time, one's."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = (sqlite if is_sqlite else postgresql).insert(Identity)
    taken = insert.values(
        account_id=row.account_id,
        lookup=lookup(sealer, number),
        key_version=KEY_VERSION,
        mask=number.mask,
        method=row.method,
        verified_at=now(),
    ).on_conflict_do_nothing()
    return session.scalar(taken.returning(Identity.account_id)) is not None


def _end(session: Session, row: Verification, state: str, reason: str = "") -> None:
    """The one way in which an asking ends: what was sealed is gone."""
    row.state, row.reason, row.sealed = state, reason, None
    row.ended_at, row.expires_at = now(), now() + KEPT
    session.flush()
    about = {"reason": reason} if reason else {}
    audit.note(session, SYSTEM, f"real-name.{state}", f"account:{row.account_id}", **about)
