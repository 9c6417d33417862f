"""Signing out of one system, while one stays signed in here."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.database import now
from app.errors import NotFoundError
from app.identity.services import audit
from app.identity.services.audit import Actor
from app.jobs.intake import ring_after_commit
from app.signon.models import SignOn
from app.signon.services import authorizations, tickets


def end(session: Session, actor: Actor, account_id: str, client_id: str) -> None:
    """Signs the account out of one system, on every device; the system is told.

    Whatever it was given stops working, also what was to go on without the session.

    :raises NotFoundError: when it is not signed on there.
    """
    mine = update(SignOn).where(
        SignOn.account_id == account_id,
        SignOn.client_id == client_id,
        SignOn.session_id.is_not(None),
    )
    ended = mine.values(session_id=None, tell_at=now()).returning(SignOn.id)
    found = session.scalars(ended.execution_options(synchronize_session=False)).all()
    if not found:
        raise NotFoundError("sign-on", client_id)
    tickets.end_all(session, account_id, client_id)
    authorizations.end_all(session, account_id, client_id)
    audit.note(session, actor, "sign-on.ended", f"account:{account_id}", client=client_id)
    ring_after_commit(session)
