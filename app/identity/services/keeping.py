"""What coming in writes: each of these is one transaction of :mod:`entering`."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import UnauthenticatedError
from app.identity import accounts
from app.identity.accounts import Known
from app.identity.documents import TO_SIGN_UP
from app.identity.models import Account, Password
from app.identity.names import name_key
from app.identity.queries.minors import require_consent
from app.identity.services import (
    attaching,
    audit,
    codes,
    consents,
    homes,
    minors,
    notices,
    second_factor,
    sessions,
)
from app.identity.services.audit import Actor
from app.identity.services.codes import Proof
from app.identity.services.notices import Change
from app.identity.services.second_factor import Enrolment
from app.identity.services.sessions import Visit
from app.sealing import Sealer

REACHED = 1
"""The assurance of who has shown to be reached by phone or mail."""


def password(session: Session, account_id: str) -> str | None:
    """The hash of the account's password, if it has one."""
    return session.scalar(select(Password.hash).where(Password.account_id == account_id))


def set_password(session: Session, account_id: str, kept: str) -> None:
    """Keeps another hash, and says so to whatever rests on the one before."""
    session.merge(Password(account_id=account_id, hash=kept, set_at=now()))
    account = session.get_one(Account, account_id)
    account.version += 1
    session.flush()


def use_link(session: Session, visit: Visit, secret: str) -> tuple[str, str]:
    """Trades a link for a session."""
    account_id = accounts.use_link(session, secret)
    return account_id, sessions.begin(session, visit, account_id, ("link",))


def begin_by_password(
    session: Session, visit: Visit, account_id: str, kept: str | None, fresh: str | None
) -> str:
    """A session, and the password hashed with the parameters of now.

    :raises UnauthenticatedError: when another password was set since this one was looked at.
    """
    if password(session, account_id) != kept:
        raise UnauthenticatedError("The password was changed a moment ago.")
    if fresh:
        session.merge(Password(account_id=account_id, hash=fresh, set_at=now()))
    return sessions.begin(session, visit, account_id, ("pwd",))


def begin_by_code(
    session: Session, sealer: Sealer, visit: Visit, proof: Proof, method: str
) -> tuple[str, str]:
    """A session of the account that the handle belongs to.

    :raises InvalidError: when the code was used, or it belongs to nobody any more.
    """
    codes.spend(session, proof)
    account_id = attaching.find(session, sealer, proof.handle)
    if account_id is None:
        raise codes.wrong()
    if attaching.reached(session, sealer, proof.handle):
        _know_reached(session, account_id)
    return account_id, sessions.begin(session, visit, account_id, (method,))


def recover(
    session: Session, sealer: Sealer, visit: Visit, proof: Proof, method: str, kept: str
) -> tuple[str, str]:
    """Another password; every session ends but the new one."""
    account_id, secret = begin_by_code(session, sealer, visit, proof, method)
    came_by = proof.handle.lookup(sealer)
    _replace(session, visit, account_id, kept, secret, Change.RECOVERED, came_by)
    return account_id, secret


def change_password(session: Session, visit: Visit, known: Known, kept: str) -> str:
    """Another password; every other session ends, and this one goes on under another secret.

    :raises UnauthenticatedError: when this one was ended meanwhile.
    """
    secret = accounts.rotate(session, known.digest)
    _replace(session, visit, known.account_id, kept, secret, Change.CHANGED)
    return secret


def _replace(
    session: Session,
    visit: Visit,
    account_id: str,
    kept: str,
    secret: str,
    change: Change,
    came_by: str = "",
) -> None:
    set_password(session, account_id, kept)
    actor = visit.actor(account_id)
    sessions.end_others(session, actor, account_id, but=accounts.digest(secret))
    action = "account.recovered" if change is Change.RECOVERED else "password.changed"
    audit.note(session, actor, action, f"account:{account_id}")
    notices.tell(session, actor, account_id, change, last=came_by)


def step_up(session: Session, sealer: Sealer, visit: Visit, known: Known, code: str) -> str | None:
    """The session with its second factor; nothing when the code is not right."""
    by = second_factor.verify(session, sealer, known.account_id, code)
    if by is None:
        return None
    return sessions.begin(session, visit, known.account_id, {*known.methods, "otp", by})


def enrol(
    session: Session, sealer: Sealer, visit: Visit, known: Known, code: str
) -> tuple[list[str], str]:
    """Turns the second factor on: recovery codes, and the session with it. The others are asked
    for it from now on."""
    actor = visit.actor(known.account_id)
    recovery = second_factor.confirm(session, sealer, actor, known.account_id, code)
    notices.tell(session, actor, known.account_id, Change.FACTOR_ADDED)
    return recovery, sessions.begin(session, visit, known.account_id, {*known.methods, "otp"})


def add_handle(session: Session, sealer: Sealer, visit: Visit, known: Known, proof: Proof) -> None:
    """What the code was sent to is the account's too, which is known a little better for it."""
    codes.spend(session, proof)
    if proof.account_id != known.account_id:
        raise codes.wrong()
    require_consent(session, known.account_id)
    actor = visit.actor(known.account_id)
    notices.tell(session, actor, known.account_id, Change.HANDLE_ADDED)
    attaching.attach(session, sealer, actor, known.account_id, proof.handle, verified=True)
    _know_reached(session, known.account_id)


def _know_reached(session: Session, account_id: str) -> None:
    account = session.get_one(Account, account_id)
    if account.assurance < REACHED:
        homes.settle(session, account, account.home_id, REACHED)


def remove_handle(session: Session, actor: Actor, account_id: str, handle_id: str) -> None:
    """Takes a handle away. :raises: as :func:`attaching.detach`."""
    notices.tell(session, actor, account_id, Change.HANDLE_REMOVED)
    attaching.detach(session, actor, account_id, handle_id)


def begin_factor(session: Session, sealer: Sealer, known: Known) -> Enrolment:
    """A new key, under the name by which the device shows it."""
    shown = next((one.mask for one in attaching.listed(session, known.account_id)), "")
    name = session.get_one(Account, known.account_id).name
    return second_factor.begin(session, sealer, known, shown or name)


def remove_factor(session: Session, sealer: Sealer, visit: Visit, known: Known, code: str) -> bool:
    """Whether the code was right, and the second factor is gone.

    :raises ConflictError: when it is the last of who has power over others.
    """
    second_factor.require_left(known, has_other=known.has_passkey)
    if second_factor.verify(session, sealer, known.account_id, code) is None:
        return False
    actor = visit.actor(known.account_id)
    second_factor.remove(session, actor, known.account_id)
    notices.tell(session, actor, known.account_id, Change.FACTOR_REMOVED)
    return True


def welcome(
    session: Session, actor: Actor, account_id: str, agreed: Mapping[str, str], born: int | None
) -> None:
    """What a new account agreed to, and that it is a minor's."""
    for purpose in TO_SIGN_UP:
        consents.give(session, actor, account_id, purpose, agreed.get(purpose, ""))
    if born is not None:
        minors.state(session, actor, account_id, born)


def rename(session: Session, account_id: str, name: str) -> None:
    """What the person is called."""
    account = session.get_one(Account, account_id)
    account.name, account.name_key = name, name_key(name)
    session.flush()
