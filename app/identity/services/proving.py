"""Showing that another account is one's own too, without leaving the one that is signed in.

It is shown as if one signed in there: by its password or a code, and by its second factor where
it has one. What is answered is signed for this session and these two accounts, for ten minutes.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app.database import from_micros, now, to_micros
from app.errors import Fault, InvalidError, UnknownCursorError
from app.identity.accounts import Known
from app.identity.handles import Handle
from app.identity.models import Account
from app.identity.services import attaching, codes, second_factor, sessions
from app.identity.services.codes import Purpose
from app.identity.services.entering import Entrance
from app.identity.services.merging import Other
from app.identity.services.sessions import Visit

LIFE = timedelta(minutes=10)


def ask(entrance: Entrance, visit: Visit, known: Known, handle: Handle) -> str:
    """Has a code be sent to a handle of the other account; answers its ticket either way.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    """
    sessions.require_fresh(known)
    return entrance.ask(visit, Purpose.MERGE, handle, known.account_id)


def by_password(
    entrance: Entrance, visit: Visit, known: Known, handle: Handle, password: str, factor: str
) -> str:
    """The proof, by the other account's password.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises UnauthenticatedError: when there is no such account, or another password.
    :raises InvalidError: when the second factor is missing or not right.
    """
    sessions.require_fresh(known)
    account_id, _, whom = entrance.check_password(visit, handle, password)
    _require_factor(entrance, visit, account_id, factor)
    entrance.limiter.forget("sign-in", "account", whom)
    return entrance.database.run(lambda s: seal(s, entrance, known, account_id), writes=False)


def by_code(
    entrance: Entrance, visit: Visit, known: Known, ticket: str, code: str, factor: str
) -> str:
    """The proof, by a code that :func:`ask` had sent.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises InvalidError: when the code proves nothing, was another account's to ask for, or the
        second factor is missing or not right.
    """
    sessions.require_fresh(known)
    proof = entrance.confirmed(visit, Purpose.MERGE, ticket, code)
    with entrance.database.transaction(writes=False) as session:
        account_id = attaching.find(session, entrance.sealer, proof.handle)
    if account_id is None or proof.account_id != known.account_id:
        raise codes.wrong()
    _require_factor(entrance, visit, account_id, factor)

    def spend(session: Session) -> str:
        codes.spend(session, proof)
        return seal(session, entrance, known, account_id)

    return entrance.database.run(spend)


def seal(session: Session, entrance: Entrance, known: Known, account_id: str) -> str:
    """The proof that this account was shown to be the person's too."""
    version = session.get_one(Account, account_id).version
    until = to_micros(now() + LIFE)
    return entrance.cursors.seal(_question(known), [account_id, version, until])


def opened(entrance: Entrance, known: Known, proof: str) -> Other:
    """The account of a proof.

    :raises InvalidError: when it is too old, or of another session.
    """
    try:
        found = entrance.cursors.open(_question(known), proof)
    except UnknownCursorError:
        found = None
    if not found or from_micros(found[2]) < now():
        raise InvalidError(Fault("proof", "proof-void", "show again that the account is yours"))
    return Other(found[0], found[1])


def _question(known: Known) -> list[str]:
    return ["merge", known.account_id, known.digest]


def _require_factor(entrance: Entrance, visit: Visit, account_id: str, code: str) -> None:
    with entrance.database.transaction(writes=False) as session:
        if not second_factor.is_on(session, account_id):
            return
    if not code:
        raise InvalidError(Fault("factor", "factor-needed", "a code of that account's device"))
    whom = entrance.count_steps(visit, account_id)
    by = entrance.database.run(lambda s: second_factor.verify(s, entrance.sealer, account_id, code))
    if by is None:
        entrance.failed(visit, account_id, "second-factor")
        raise second_factor.wrong()
    entrance.limiter.forget("sign-in", "account", whom)
