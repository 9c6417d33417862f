"""Challenges of passkeys: five minutes, one browser, one use (WebAuthn level 3 § 13.4.3).

A challenge carries until when it holds and a code of ours over what it is for, so that showing a
page writes nothing; meeting one does.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hmac import compare_digest

from sqlalchemy import bindparam, delete, text
from sqlalchemy.orm import Session

from app.database import Instant, now
from app.errors import UnauthenticatedError
from app.identity import accounts
from app.identity.models import SpentChallenge
from app.sealing import Sealer

LIFE = timedelta(minutes=5)
_NONCE, _UNTIL = 16, 8
_PURPOSE = "passkey-challenge"
_SPEND = text("""INSERT INTO spent_challenges (digest, expires_at) VALUES (:digest, :until)
ON CONFLICT (digest) DO NOTHING RETURNING digest""").bindparams(bindparam("until", type_=Instant()))


def make(sealer: Sealer, purpose: str, browser: str) -> bytes:
    """A challenge to this browser, such as ``sign-in``."""
    until = int((now() + LIFE).timestamp())
    head = secrets.token_bytes(_NONCE) + until.to_bytes(_UNTIL, "big")
    return head + _code(sealer, purpose, browser, head)


def meet(session: Session, sealer: Sealer, purpose: str, browser: str, shown: bytes) -> None:
    """Takes a challenge of ours, once.

    :raises UnauthenticatedError: when it is none, another browser's or for something else, when it
        was met before, or too long ago.
    """
    head, code = shown[: _NONCE + _UNTIL], shown[_NONCE + _UNTIL :]
    until = int.from_bytes(head[_NONCE:], "big")
    is_ours = compare_digest(code, _code(sealer, purpose, browser, head))
    if not browser or not is_ours or until < now().timestamp():
        raise UnauthenticatedError("That took too long. Try again.")
    spent = {"digest": accounts.digest(shown.hex()), "until": now() + LIFE}
    if session.scalar(_SPEND, spent) is None:
        raise UnauthenticatedError("This was shown before. Try again.")


def purge(session: Session) -> None:
    """Forgets those that would not be taken anyway."""
    session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at < now()))


def _code(sealer: Sealer, purpose: str, browser: str, head: bytes) -> bytes:
    return bytes.fromhex(sealer.lookup(_PURPOSE, f"{purpose}:{browser}:{head.hex()}"))
