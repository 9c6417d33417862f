"""Giving and withdrawing roles.

Who gives or withdraws a role needs MANAGE_STAFF at the library and everything that the role may
do, there. Nobody does it to themselves, nor to anyone who may do more at that place. What both
have is read in the transaction that writes, so that a session that began before counts for no
more than what holds now.

What somebody gave stays when they lose their own roles: it is the library's, not theirs, and a
librarian who leaves must not close the libraries below. The list of staff marks it instead, for
whoever is above to look at.
"""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError, Fault, ForbiddenError, InvalidError, NotFoundError
from app.identity import accounts, tree
from app.identity.models import Account, Grant, Library
from app.identity.queries import grants
from app.identity.queries.grants import Given
from app.identity.roles import PERMISSIONS, needed, powers_at
from app.identity.services import audit, authority
from app.identity.services.audit import Actor
from app.permissions import Caller, Permission

MANAGE = Permission.MANAGE_STAFF
_OWN = "Nobody does this to themselves. Ask the administrator above you."
_MORE = "This account may do more than you may. Ask the administrator above you."


def give(
    session: Session, caller: Caller, actor: Actor, library_id: str, account_id: str, role: str
) -> None:
    """Gives a person a role at a library and below it; giving it again changes nothing.

    :raises InvalidError: for a role that this release does not know.
    :raises NotFoundError: for an unknown library, or an account that is not there or is closed.
    :raises ForbiddenError: when it is beyond what the caller may. :raises ConflictError: for an
        account that is suspended, or a system's.
    """
    library = _library(session, caller, library_id)
    _require_known(role)
    mine, theirs = _standings(session, caller, account_id)
    account = session.get_one(Account, account_id)
    if account.closed_at:
        raise NotFoundError("account", account_id)
    _require(caller, mine, theirs, library.path, [role])
    if account.kind != "person":
        raise ConflictError("Systems are no staff. Their tokens are made by the command line.")
    if account.suspended_at or account.closing_at:
        raise ConflictError("This account is suspended, or about to be closed.")
    _add(session, actor, account_id, role, library)


def invite(
    session: Session, caller: Caller, actor: Actor, library_id: str, name: str, role: str
) -> tuple[str, str]:
    """A new account that has the role, and the secret of the link that signs it in once.

    :raises InvalidError, NotFoundError, ForbiddenError: as :func:`give`.
    """
    account = accounts.add_account(session, name)
    audit.note(session, actor, "staff.invited", f"account:{account.id}", library_id)
    give(session, caller, actor, library_id, account.id, role)
    secret = accounts.issue(session, account.id, "link", life=accounts.LINK_LIFE)
    return account.id, secret


def withdraw(
    session: Session,
    caller: Caller,
    actor: Actor,
    library_id: str,
    account_id: str,
    role: str | None = None,
) -> None:
    """Takes a role at this very library away, or all that the account has there.

    :raises NotFoundError: when it has none. :raises ForbiddenError: as :func:`give`.
    """
    library = _library(session, caller, library_id)
    mine, theirs = _standings(session, caller, account_id)
    roles = [g.role for g in theirs if g.path == library.path and role in (None, g.role)]
    if not roles:
        raise NotFoundError("member of the staff", account_id)
    _require(caller, mine, theirs, library.path, roles)
    taken = delete(Grant).where(
        Grant.account_id == account_id, Grant.library_id == library.id, Grant.role.in_(roles)
    )
    session.execute(taken)
    _renew(session, account_id)
    for each in roles:
        audit.note(session, actor, "role.withdrawn", f"account:{account_id}", library.id, role=each)


def give_by_command(session: Session, account_id: str, role: str, library_id: str) -> None:
    """Gives a role from the command line, where nobody is asked what they may.

    :raises InvalidError: for an unknown role. :raises NotFoundError: for an unknown library.
    """
    _require_known(role)
    _add(session, audit.SYSTEM, account_id, role, tree.get(session, library_id))


def require_above(session: Session, caller: Caller, account_id: str) -> None:
    """That the caller may do whatever the account may do anywhere: for what touches all of it.

    :raises ForbiddenError: when they may not, or it is their own.
    """
    mine, theirs = _standings(session, caller, account_id)
    for given in theirs:
        if not needed(given.role) <= _allowed(caller, mine, given.path):
            raise ForbiddenError(MANAGE, _MORE)


def _library(session: Session, caller: Caller, library_id: str) -> Library:
    """The library, which nobody moves or suspends until this commits."""
    library = tree.locked(session, library_id)
    authority.require(caller.reach(MANAGE), MANAGE, library)
    return library


def _require_known(role: str) -> None:
    if role not in PERMISSIONS:
        raise InvalidError(Fault("role", "unknown", "one of " + ", ".join(PERMISSIONS)))


def _standings(
    session: Session, caller: Caller, account_id: str
) -> tuple[list[Given], list[Given]]:
    """The roles of the caller and of the other, as they stand until this commits."""
    if account_id == caller.account_id:
        raise ForbiddenError(MANAGE, _OWN)
    found = grants.standings(session, [caller.account_id or "", account_id])
    if account_id not in found:
        raise NotFoundError("account", account_id)
    return found.get(caller.account_id or "", []), found[account_id]


def _allowed(caller: Caller, mine: list[Given], path: str) -> frozenset[Permission]:
    """What the caller may do at this place: by this session, and by what holds now."""
    held = powers_at([(given.role, given.path) for given in mine if given.holds], path)
    return frozenset(permission for permission in held if caller.may(permission, path))


def _require(
    caller: Caller, mine: list[Given], theirs: list[Given], path: str, roles: list[str]
) -> None:
    """That the caller may give or withdraw these roles there, to somebody who has those."""
    allowed = _allowed(caller, mine, path)
    wanted = frozenset({MANAGE}).union(*map(needed, roles))
    if beyond := sorted(wanted - allowed):
        raise ForbiddenError(beyond[0], f"At this library you may not: {', '.join(beyond)}.")
    there = frozenset[Permission]().union(
        *(needed(given.role) for given in theirs if path.startswith(given.path))
    )
    if not there <= allowed:
        raise ForbiddenError(MANAGE, _MORE)


def _add(session: Session, actor: Actor, account_id: str, role: str, library: Library) -> None:
    if session.get(Grant, (account_id, role, library.id)) is not None:
        return
    session.add(
        Grant(
            account_id=account_id,
            role=role,
            library_id=library.id,
            given_by=actor.account_id,
            given_at=now(),
        )
    )
    _renew(session, account_id)
    audit.note(session, actor, "role.given", f"account:{account_id}", library.id, role=role)


def _renew(session: Session, account_id: str) -> None:
    """Whatever keeps what the account may do looks again."""
    raised = update(Account).where(Account.id == account_id)
    session.execute(raised.values(version=Account.version + 1))
