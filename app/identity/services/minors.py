"""Children and their guardians: who is one, who consents for whom, and until when."""

from __future__ import annotations

import secrets
from base64 import b32encode
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError, Fault, ForbiddenError, InvalidError, NotFoundError
from app.identity.documents import Purpose
from app.identity.handles import HandleKind
from app.identity.models import Account, Handle, Identity, Minor, TeenMode
from app.identity.queries import minors as rules
from app.identity.services import audit, codes, consents
from app.identity.services.audit import SYSTEM, Actor
from app.identity.services.codes import Proof
from app.sealing import Sealer

INVITED = timedelta(days=1)
"""How long a guardian may take to use an invitation."""
EARLIEST = 1900
AT_ONCE = 200
_INVITATION = "guardian"


def state(session: Session, actor: Actor, account_id: str, born_year: int) -> None:
    """Takes a year of birth as it was said; it is kept of a minor alone, and said once.

    :raises InvalidError: for a year in which nobody was born.
    """
    if not EARLIEST <= born_year <= rules.year_of(now()):
        raise InvalidError(Fault("born", "number-date", "a year from 1900 until now"))
    if rules.is_minor(born_year) and session.get(Minor, account_id) is None:
        session.add(Minor(account_id=account_id, born_year=born_year))
        session.flush()
        child = rules.is_child(born_year)
        audit.note(session, actor, "minor.stated", f"account:{account_id}", child=child)


def verified(session: Session, account_id: str, born_year: int) -> None:
    """Takes the year of a verified number; whoever is of age has no guardian any more."""
    row = session.get(Minor, account_id)
    if not rules.is_minor(born_year):
        _release(session, [account_id] if row else [])
    elif row is None:
        session.add(Minor(account_id=account_id, born_year=born_year, is_verified=True))
    else:
        row.born_year, row.is_verified = born_year, True
    session.flush()


def release_grown(session: Session) -> int:
    """Forgets the years and guardians of those who have come of age; answers of how many."""
    before = rules.year_of(now()) - rules.ADULT
    grown = session.scalars(select(Minor.account_id).where(Minor.born_year < before).limit(AT_ONCE))
    return _release(session, list(grown))


def release_left(session: Session) -> int:
    """Ends the consents of guardians whose accounts are closed; answers how many.

    Somebody has to stand for a child: without, another guardian consents.
    """
    wanted = (
        select(Minor.account_id)
        .join(Account, Account.id == Minor.guardian_id)
        .where(Account.closed_at.is_not(None))
        .limit(AT_ONCE)
    )
    left = session.scalars(wanted).all()
    for account_id in left:
        withdraw(session, SYSTEM, account_id)
    return len(left)


def invite(session: Session, sealer: Sealer, actor: Actor, account_id: str) -> str:
    """A code for a guardian who has an account; the one before is void. Shown once.

    :raises NotFoundError: when the account is no minor's.
    """
    row = _minor(session, account_id)
    code = b32encode(secrets.token_bytes(10)).decode().lower()
    row.invitation, row.invited_until = sealer.lookup(_INVITATION, code), now() + INVITED
    audit.note(session, actor, "guardian.invited", f"account:{account_id}")
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def accept(session: Session, sealer: Sealer, actor: Actor, code: str, version: str) -> None:
    """The actor is the guardian of the account of the invitation, and consents.

    :raises ForbiddenError: without a verified real name, or for a minor.
    :raises InvalidError: when there is no such invitation, or the text is another by now.
    :raises ConflictError: when there is another guardian.
    """
    guardian_id = actor.account_id or ""
    if session.get(Identity, guardian_id) is None or session.get(Minor, guardian_id) is not None:
        raise ForbiddenError("real-name", "A guardian is an adult with a verified real name.")
    kept = sealer.lookup(_INVITATION, code.replace("-", "").replace(" ", "").lower())
    wanted = select(Minor).where(Minor.invitation == kept, Minor.invited_until > now())
    row = session.scalar(wanted.with_for_update())
    if row is None:
        raise InvalidError(Fault("code", "code-wrong", "the code that the child was shown"))
    if row.consented_at and not _is_guardian(session, row, guardian_id):
        raise _other_guardian()
    _consent(session, actor, row, version)
    row.guardian_id, row.guardian_lookup, row.guardian_mask = guardian_id, None, None


def consent_by_phone(
    session: Session, sealer: Sealer, actor: Actor, account_id: str, proof: Proof, version: str
) -> None:
    """Whoever has the code that was sent to this phone is the guardian, and consents.

    :raises ConflictError: when it is a phone of the child, or there is another guardian.
    :raises InvalidError: when the code proves nothing here, or the text is another by now.
    """
    row = _minor(session, account_id)
    _require_phone(session, sealer, account_id, proof)
    kept = proof.handle.lookup(sealer)
    if row.consented_at and row.guardian_lookup != kept:
        raise _other_guardian()
    codes.spend(session, proof)
    by_phone = Actor(None, actor.address, actor.request_id)
    _consent(session, by_phone, row, version)
    row.guardian_id, row.guardian_lookup, row.guardian_mask = None, kept, proof.handle.mask


def require_guardian(
    session: Session, sealer: Sealer, account_id: str, proof: Proof | None
) -> None:
    """That the code was sent to the guardian's phone; it is spent.

    :raises ForbiddenError: without one, or with another's.
    """
    row = _minor(session, account_id)
    kept = proof.handle.lookup(sealer) if proof and proof.account_id == account_id else None
    if proof is None or kept is None or kept != row.guardian_lookup:
        raise ForbiddenError(rules.GUARDIAN, "Only the guardian may change this.")
    codes.spend(session, proof)


def ward(session: Session, guardian_id: str, account_id: str) -> Minor:
    """The child of a guardian with an account.

    :raises NotFoundError: when it is none of theirs.
    """
    row = session.get(Minor, account_id, with_for_update=True)
    if row is None or row.guardian_id != guardian_id:
        raise NotFoundError("ward", account_id)
    return row


def withdraw(session: Session, actor: Actor, account_id: str) -> None:
    """The guardian's consent ends; the account can do less until one consents again.

    Whoever is old enough to go without has the teen mode in their own hands from then on.
    """
    row = _minor(session, account_id)
    row.consented_at = None
    row.guardian_id = row.guardian_lookup = row.guardian_mask = None
    mode = session.get(TeenMode, account_id)
    if mode is not None and not rules.is_child(row.born_year):
        mode.by_guardian = False
    consents.withdraw(session, actor, account_id, Purpose.GUARDIAN)
    audit.note(session, actor, "guardian.withdrew", f"account:{account_id}")


def _consent(session: Session, actor: Actor, row: Minor, version: str) -> None:
    consents.give(session, actor, row.account_id, Purpose.GUARDIAN, version)
    row.consented_at, row.invitation, row.invited_until = now(), None, None
    audit.note(session, actor, "guardian.consented", f"account:{row.account_id}")


def _is_guardian(session: Session, row: Minor, account_id: str) -> bool:
    """Whether a child's guardian has this account, or the phone by which they consented is its."""
    if row.guardian_lookup is None:
        return row.guardian_id == account_id
    phone = session.get(Handle, (str(HandleKind.PHONE), row.guardian_lookup))
    return phone is not None and phone.account_id == account_id


def _other_guardian() -> ConflictError:
    return ConflictError("There is a guardian already, who withdraws first.")


def _minor(session: Session, account_id: str) -> Minor:
    row = session.get(Minor, account_id, with_for_update=True)
    if row is None:
        raise NotFoundError("minor", account_id)
    return row


def _require_phone(session: Session, sealer: Sealer, account_id: str, proof: Proof) -> None:
    if proof.account_id != account_id or proof.handle.kind is not HandleKind.PHONE:
        raise codes.wrong()
    own = session.get(Handle, (str(HandleKind.PHONE), proof.handle.lookup(sealer)))
    if own is not None and own.account_id == account_id:
        raise ConflictError("This is the child's own phone. The guardian's is needed.")


def _release(session: Session, account_ids: list[str]) -> int:
    for account_id in account_ids:
        session.execute(delete(Minor).where(Minor.account_id == account_id))
        mode = session.get(TeenMode, account_id)
        if mode is not None and mode.by_guardian:
            session.delete(mode)
        consents.withdraw(session, SYSTEM, account_id, Purpose.GUARDIAN)
        audit.note(session, SYSTEM, "minor.of-age", f"account:{account_id}")
    return len(account_ids)
