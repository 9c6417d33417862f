"""What people agree that a system may learn and do, and that they take it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import NotFoundError
from app.identity.queries.minors import require_consent
from app.identity.services import audit
from app.identity.services.audit import Actor
from app.signon.models import Approval, Client
from app.signon.schemas import Scope
from app.signon.services import authorizations, tickets

VERSION = 1
"""Of the words that people agree to: another one has them asked again."""
ALWAYS_ASKED = frozenset({Scope.PHONE, Scope.EMAIL, Scope.OFFLINE})
"""What nobody is trusted with unasked."""
MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Agreed:
    """A system that was agreed to."""

    client_id: str
    name: str
    scopes: list[str]
    given_at: datetime


def missing(
    session: Session,
    account_id: str,
    client_id: str,
    scopes: Iterable[str],
    *,
    is_trusted: bool,
    since: datetime | None = None,
) -> frozenset[str]:
    """What of these the person is still to be asked about; with ``since``, asked again since."""
    asked = frozenset(scopes)
    needed = asked & ALWAYS_ASKED if is_trusted else asked
    given = session.get(Approval, (account_id, client_id))
    if since is not None and (given is None or given.given_at < since):
        return asked
    if given is None or given.version != VERSION:
        return needed
    return needed - frozenset(given.scope.split())


def give(
    session: Session, actor: Actor, account_id: str, client_id: str, scopes: Iterable[str]
) -> None:
    """Keeps that the person agreed, beside what they agreed to before.

    :raises ForbiddenError: when the account is a child's whose guardian has to consent first.
    """
    require_consent(session, account_id)
    given = session.get(Approval, (account_id, client_id), with_for_update=True)
    before = given.scope.split() if given is not None and given.version == VERSION else []
    scope = " ".join(sorted({*before, *scopes}))
    session.merge(
        Approval(
            account_id=account_id, client_id=client_id, scope=scope, version=VERSION, given_at=now()
        )
    )
    about = f"account:{account_id}"
    audit.note(session, actor, "approval.given", about, client=client_id, scope=scope, text=VERSION)


def listed(session: Session, account_id: str) -> list[Agreed]:
    """The systems that the person agreed to, the newest first; 200 at most."""
    wanted = (
        select(Client.id, Client.name, Approval.scope, Approval.given_at)
        .join(Client, Client.id == Approval.client_id)
        .where(Approval.account_id == account_id)
        .order_by(Approval.given_at.desc(), Client.id)
        .limit(MOST_LISTED)
    )
    return [Agreed(x.id, x.name, x.scope.split(), x.given_at) for x in session.execute(wanted)]


def take_back(session: Session, actor: Actor, account_id: str, client_id: str) -> None:
    """Nothing is agreed to any more, and nothing that came of it works.

    :raises NotFoundError: when nothing was.
    """
    mine = delete(Approval).where(
        Approval.account_id == account_id, Approval.client_id == client_id
    )
    if session.scalar(mine.returning(Approval.client_id)) is None:
        raise NotFoundError("approval", client_id)
    authorizations.end_all(session, account_id, client_id)
    tickets.end_all(session, account_id, client_id)
    audit.note(session, actor, "approval.taken-back", f"account:{account_id}", client=client_id)
