"""The issuer of an installation: whose tokens they are, and what they open."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.config import Settings
from app.signon.keys import Keys
from app.signon.services import bearing
from app.signon.services.tokens import Tokens

LOCAL = "http://127.0.0.1:8000"
"""Where an installation is that was not told its public address."""


def open_tokens(settings: Settings) -> Tokens:
    """The tokens of the installation, under its keys and its public address."""
    return Tokens(Keys(settings.oidc_keys_dir), settings.public_url or LOCAL)


def reader_of(tokens: Tokens) -> Callable[[Session, str], str]:
    """How the API knows the reader whom an access token stands for."""
    return lambda session, token: bearing.reader(session, tokens, token)
