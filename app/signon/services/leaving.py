"""Signing out where a system sends the person (OpenID Connect RP-Initiated Logout 1.0 §2).

Nobody is sent anywhere but to an address that the system registered, letter by letter. Who shows
an ID token of this very session speaks for its person; anybody else's word is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Fault, InvalidError, UnauthenticatedError
from app.identity.accounts import Known
from app.signon.models import SignOn
from app.signon.services import clients
from app.signon.services.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Asked:
    """What the system says; everything may be left out."""

    id_token_hint: str = ""
    client_id: str = ""
    return_to: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What was understood: which system asks, where to go on, and whether the person is known to
    mean it."""

    client: str | None
    onwards: str | None
    is_meant: bool


def understand(session: Session, tokens: Tokens, known: Known | None, asked: Asked) -> Leaving:
    """What a system asks for, the person's session being ``known``.

    :raises InvalidError: for an ID token that is not ours or not the system's, for a system that
        is not registered, and for an address that it has not registered.
    """
    client_id, sign_on_id = asked.client_id, ""
    if asked.id_token_hint:
        client_id, sign_on_id = _hinted(tokens, asked)
    client = clients.oidc(session, client_id) if client_id else None
    if client_id and client is None:
        raise InvalidError(Fault("client_id", "client-unknown", "a system that is registered"))
    if asked.return_to and (
        client is None or asked.return_to not in client.settings.post_logout_redirect_uris
    ):
        wanted = "an address that the system registered for this"
        raise InvalidError(Fault("post_logout_redirect_uri", "return-unknown", wanted))
    return Leaving(
        client=client.name if client else None,
        onwards=_with_state(asked.return_to, asked.state) or None,
        is_meant=known is not None and _is_of(session, sign_on_id, known),
    )


def _hinted(tokens: Tokens, asked: Asked) -> tuple[str, str]:
    """The client and the sign-on that an ID token of ours names; it may have run out (§2)."""
    try:
        claims = tokens.read_hint(asked.id_token_hint)
    except UnauthenticatedError:
        claims = {}
    client_id = claims.get("aud")
    if not isinstance(client_id, str) or asked.client_id not in ("", client_id):
        raise InvalidError(Fault("id_token_hint", "hint-wrong", "an ID token of ours for it"))
    return client_id, str(claims.get("sid", ""))


def _is_of(session: Session, sign_on_id: str, known: Known) -> bool:
    if not sign_on_id or known.credential_id is None:
        return False
    wanted = select(SignOn.session_id).where(SignOn.id == sign_on_id)
    return session.scalar(wanted) == known.credential_id


def _with_state(address: str, state: str) -> str:
    if not address or not state:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'state': state})}"
