"""The grants of OAuth 2.0 as Authlib checks them, on our own authorizations.

Authlib decides what a request must bring and how it is refused; what is kept, and whether it
holds, is ``authorizations``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749 import grants as oauth
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from app.errors import UnauthenticatedError
from app.signon.models import Authorization
from app.signon.schemas import OidcSettings
from app.signon.services import authorizations
from app.signon.services.authorizations import Asked, Standing
from app.signon.services.clients import KnownClient

AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]
SECRET_METHODS = AUTH_METHODS[:2]
CHALLENGE = 43
"""Characters of a SHA-256 in base64url."""
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class OAuthClient(ClientMixin):
    """A client as Authlib asks about it."""

    known: KnownClient[OidcSettings]

    @property
    def id(self) -> str:
        """The ``client_id``."""
        return self.known.id

    def get_client_id(self) -> str:
        """See Authlib."""
        return self.known.id

    def get_default_redirect_uri(self) -> None:
        """There is none: the address is always named (OpenID Connect Core 1.0 §3.1.2.1)."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What it asks for and may; what nobody knows is passed over (Core §3.1.2.1)."""
        allowed = frozenset(self.known.settings.scopes)
        return " ".join(dict.fromkeys(s for s in (scope or "").split() if s in allowed)) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """To the letter (RFC 9700 §2.1)."""
        return redirect_uri in self.known.settings.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """See Authlib."""
        return self.known.has_secret(client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Who has a secret shows it, everywhere."""
        return method == "none" if self.known.is_public else method in SECRET_METHODS

    def check_response_type(self, response_type: str) -> bool:
        """See Authlib."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """See Authlib."""
        if grant_type == DEVICE:
            return self.known.settings.has_device_flow
        return grant_type in ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Held:
    """An authorization as Authlib asks about it."""

    row: Authorization
    standing: Standing

    def get_redirect_uri(self) -> str:
        """See Authlib."""
        return self.row.redirect_uri

    def get_scope(self) -> str:
        """See Authlib."""
        return self.row.scope

    def check_client(self, client: OAuthClient) -> bool:
        """See Authlib."""
        return self.row.client_id == client.id

    @property
    def code_challenge(self) -> str:
        """See Authlib."""
        return self.row.challenge

    @property
    def code_challenge_method(self) -> str:
        """See Authlib."""
        return "S256"


def held(server: Any, row: Authorization | None) -> Held | None:
    """The authorization, while what it rests on goes on."""
    standing = authorizations.standing(server.session, row.id) if row is not None else None
    return Held(row, standing) if row is not None and standing is not None else None


class AlwaysChallenge(CodeChallenge):
    """PKCE (RFC 7636) of every client, by S256 alone (RFC 9700 §2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - Authlib's own way to say it

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Refuses what has none, beside what Authlib refuses."""
        data = grant.request.payload.data
        challenge = data.get("code_challenge", "")
        if len(challenge) != CHALLENGE or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge by the method S256 is needed.")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(oauth.AuthorizationCodeGrant):
    """The authorization code."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keeps the code with what it is bound to."""
        by, data = self.server, request.payload.data
        asked = Asked(code, self.redirect_uri, data["code_challenge"], data.get("nonce"))
        known, client = request.user, request.client
        authorizations.begin(by.session, by.actor, known, client.id, request.scope, asked)

    def query_authorization_code(self, code: str, client: OAuthClient) -> Held | None:
        """What the code stands for; it is spent by that, whatever becomes of the request."""
        by = self.server
        return held(by, authorizations.redeem(by.session, by.actor, code, client.id))

    def authenticate_user(self, credential: Held) -> Standing:
        """Who it is for."""
        return credential.standing

    def delete_authorization_code(self, credential: Held) -> None:
        """It is spent already, and kept, so that showing it again is noticed."""


class RefreshGrant(oauth.RefreshTokenGrant):
    """Refresh tokens, each for one use."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, token: str) -> Held | None:
        """What the token stands for."""
        by = self.server
        by.lasting = authorizations.lasting_half(token)
        client = self.request.client
        row = authorizations.refresh(by.session, by.actor, token, client.id)
        if row is not None:  # what the client may ask for no longer is not gone on with
            row.scope = client.get_allowed_scope(row.scope) or ""
            by.session.flush()
        return held(by, row)

    def authenticate_user(self, credential: Held) -> Standing:
        """Who it is for."""
        return credential.standing

    def revoke_old_credential(self, credential: Held) -> None:
        """The new one took its place."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token that is asked about or given back."""

    row: Authorization
    standing: Standing | None
    kind: str
    scope: str
    made_at: int
    expires_at: int

    def check_client(self, client: OAuthClient) -> bool:
        """See Authlib."""
        return self.row.client_id == client.id

    def is_expired(self) -> bool:
        """What has run out is not found in the first place."""
        return False

    def is_revoked(self) -> bool:
        """Whether what it rests on has ended."""
        return self.standing is None


def shown(server: Any, token: str) -> Shown | None:
    """The token, of whichever kind: a hint is only a hint (RFC 7009 §2.1)."""
    row = authorizations.of_token(server.session, token)
    if row is not None:
        standing = authorizations.standing(server.session, row.id)
        times = int(row.made_at.timestamp()), int(row.expires_at.timestamp())
        return Shown(row, standing, "refresh_token", row.scope, *times)
    try:
        said = server.tokens.read_access(token)
    except UnauthenticatedError:
        return None
    row = server.session.get(Authorization, said.authorization_id)
    if row is None:
        return None
    standing = authorizations.standing(server.session, row.id)
    if standing is not None and standing.version != said.version:
        standing = None
    scope = " ".join(sorted(said.scope))
    return Shown(row, standing, "access_token", scope, said.made_at, said.expires_at)


class Introspection(IntrospectionEndpoint):
    """RFC 7662: a client asks about its own tokens."""

    CLIENT_AUTH_METHODS = SECRET_METHODS

    def query_token(self, token: str, hint: str | None) -> Shown | None:
        """See Authlib."""
        return shown(self.server, token)

    def check_permission(self, token: Shown, client: OAuthClient, request: Any) -> bool:
        """Of others' it learns nothing."""
        return token.check_client(client)

    def introspect_token(self, token: Shown) -> dict[str, Any]:
        """RFC 7662 §2.2."""
        return {
            "active": True,
            "client_id": token.row.client_id,
            "scope": token.scope,
            "sub": token.row.account_id,
            "iss": self.server.tokens.issuer,
            "iat": token.made_at,
            "exp": token.expires_at,
            **({"token_type": "Bearer"} if token.kind == "access_token" else {}),
        }


class Revocation(RevocationEndpoint):
    """RFC 7009: with a token, all that came with it ends."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def query_token(self, token: str, hint: str | None) -> Shown | None:
        """See Authlib."""
        return shown(self.server, token)

    def revoke_token(self, token: Shown, request: Any) -> None:
        """See Authlib."""
        authorizations.end(self.server.session, self.server.actor, token.row, "given-back")
