"""Whom an access token stands for when the API is called with it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.errors import ForbiddenError, UnauthenticatedError
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


def reader(session: Session, tokens: Tokens, token: str) -> str:
    """The account of the reader whom an access token lets a client act for.

    :raises UnauthenticatedError: for what is no token of ours. :raises ForbiddenError: when the
        reader did not agree to that.
    """
    said, found = standing(session, tokens, token)
    if Scope.READING not in said.scope:
        raise ForbiddenError(Scope.READING, f"This token lacks the scope {Scope.READING}.")
    return found.account_id
