"""Tokens that can be checked without asking (JWT, RFC 7519), under the keys of the installation.

Only our own algorithm is taken, whatever a token says of itself (RFC 8725 §3.1), and each kind has
its own type in the header, so that none passes for another (§3.11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from app.database import now, random_id
from app.errors import UnauthenticatedError
from app.signon.keys import ALGORITHM, Keys

ACCESS_LIFE = timedelta(minutes=10)
ID_LIFE = timedelta(minutes=10)
NOTICE_LIFE = timedelta(minutes=2)
ACCESS, ID = "at+jwt", "JWT"
"""Types: of access tokens (RFC 9068 §2.1), and of ID tokens."""


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says, once its signature, issuer, audience and time are right."""

    authorization_id: str
    account_id: str
    client_id: str
    scope: frozenset[str]
    version: int
    made_at: int
    expires_at: int


class Tokens:
    """Makes and reads the tokens of an issuer."""

    def __init__(self, keys: Keys, issuer: str) -> None:
        self.keys, self.issuer = keys, issuer

    def sign(
        self, kind: str, audience: str, claims: Mapping[str, Any], life: timedelta = NOTICE_LIFE
    ) -> str:
        """A token of this type for this audience, with these claims beside those of every token."""
        key, at = self.keys.signing(), now()
        header = {"alg": ALGORITHM, "typ": kind, "kid": key.id}
        common = {"iss": self.issuer, "aud": audience, "jti": random_id()}
        times = {"iat": _seconds(at), "exp": _seconds(at + life)}
        return jwt.encode(header, {**common, **times, **claims}, key.key, [ALGORITHM])

    def access(
        self, authorization_id: str, version: int, client_id: str, scope: str, **claims: Any
    ) -> str:
        """An access token (RFC 9068 §2.2). Its id begins with what it rests on."""
        own = {"jti": f"{authorization_id}.{random_id()}", "ver": version}
        said = {"client_id": client_id, "scope": scope, **own, **claims}
        return self.sign(ACCESS, self.issuer, said, ACCESS_LIFE)

    def id(self, client_id: str, access_token: str, **claims: Any) -> str:
        """An ID token (OpenID Connect Core 1.0 §2) beside this access token."""
        half = create_half_hash(access_token, ALGORITHM).decode()
        return self.sign(ID, client_id, {"at_hash": half, **claims}, ID_LIFE)

    def read_access(self, token: str) -> Access:
        """What an access token of ours says.

        :raises UnauthenticatedError: for anything else.
        """
        checked = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.issuer},
            "exp": {"essential": True},
        }
        try:
            claims = self._read(ACCESS, token, self._published(token))
            jwt.JWTClaimsRegistry(_seconds(now()), **checked).validate(claims)  # type: ignore[arg-type]  # literal options
            return Access(
                authorization_id=claims["jti"].partition(".")[0],
                account_id=claims["sub"],
                client_id=claims["client_id"],
                scope=frozenset(claims["scope"].split()),
                version=claims["ver"],
                made_at=claims["iat"],
                expires_at=claims["exp"],
            )
        except (JoseError, ValueError, KeyError, AttributeError) as error:
            raise UnauthenticatedError("This token is not valid, or no longer.") from error

    def read_hint(self, token: str) -> dict[str, Any]:
        """The claims of an ID token that we gave, also of one that has run out.

        :raises UnauthenticatedError: for anything else.
        """
        try:
            claims = self._read(ID, token, self.keys.remembered())
        except (JoseError, ValueError) as error:
            raise UnauthenticatedError("This is no ID token of ours.") from error
        if claims.get("iss") != self.issuer:
            raise UnauthenticatedError("This is no ID token of ours.")
        return claims

    def _published(self, token: str) -> KeySet:
        self.keys.knows(str(extract_compact(token.encode()).headers().get("kid", "")))
        return self.keys.published()

    @staticmethod
    def _read(kind: str, token: str, keys: KeySet) -> dict[str, Any]:
        read = jwt.decode(token, keys, [ALGORITHM])
        if read.header.get("typ") != kind:
            raise ValueError("a token of another type")
        return read.claims


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
