"""Whom an access token stands for when the API is called with it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.errors import ForbiddenError, UnauthenticatedError
from app.identity.accounts import Known
from app.signon.schemas import Scope
from app.signon.services import authorizations
from app.signon.services.authorizations import Standing
from app.signon.services.tokens import Access, Tokens

_GONE = "This token is not valid, or no longer."


def standing(session: Session, tokens: Tokens, token: str) -> tuple[Access, Standing]:
    """What an access token says, and what it rests on, while that is what it was.

    :raises UnauthenticatedError: for anything else.
    """
    said = tokens.read_access(token)
    found = authorizations.standing(session, said.authorization_id)
    if found is None or (found.account_id, found.version) != (said.account_id, said.version):
        raise UnauthenticatedError(_GONE)
    return said, found


def reader(session: Session, tokens: Tokens, token: str) -> Known:
    """The reader whom an access token lets a client act for: none of their roles come with it.

    :raises UnauthenticatedError: for what is no token of ours. :raises ForbiddenError: when the
        reader did not agree to that.
    """
    said, found = standing(session, tokens, token)
    if Scope.READING not in said.scope:
        raise ForbiddenError(Scope.READING, f"This token lacks the scope {Scope.READING}.")
    return Known(
        account_id=found.account_id,
        kind="access",
        digest="",
        methods=frozenset(found.methods),
        made_at=found.auth_time,
        seen_at=None,
        expires_at=datetime.fromtimestamp(said.expires_at, UTC),
        has_factor=False,
        has_passkey=False,
        credential_id=None,
    )
