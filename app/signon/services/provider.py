"""The OpenID Connect provider: Authlib's server within one transaction of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, OAuth2Error
from sqlalchemy.orm import Session

from app.identity.services.audit import Actor
from app.signon.models import Authorization
from app.signon.schemas import Scope
from app.signon.services import authorizations, claims, clients
from app.signon.services.authorizations import Standing
from app.signon.services.device_grant import DeviceGrant
from app.signon.services.granting import (
    AlwaysChallenge,
    CodeGrant,
    Introspection,
    OAuthClient,
    RefreshGrant,
    Revocation,
)
from app.signon.services.tokens import ACCESS_LIFE, Tokens

Params = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What OAuth answers: a document, or where to go on."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """A request to the provider, as far as it needs to know it."""

    params: Params
    """Of the query or the form."""
    authorization: str = ""
    """The header field."""
    method: str = "POST"


class _Payload(OAuth2Payload):
    def __init__(self, params: Params) -> None:
        self._params = params

    @property
    def data(self) -> dict[str, str]:
        return {name: values[-1] for name, values in self._params.items()}

    @property
    def datalist(self) -> Params:
        return self._params


class _Request(OAuth2Request):
    """Authlib asks of an address that it is https; where TLS ends is the operator's to say."""

    def __init__(self, question: Question) -> None:
        headers = {"Authorization": question.authorization}
        super().__init__(question.method, "https://localhost/oauth2", None, headers)
        self.payload = _Payload(question.params)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)


class Provider(AuthorizationServer):
    """Answers one request, in the transaction of ``session``."""

    def __init__(self, session: Session, actor: Actor, tokens: Tokens) -> None:
        super().__init__()
        self.session, self.actor, self.tokens = session, actor, tokens
        self.lasting: str | None = None
        """Of the refresh token that was shown: the half that stays."""
        self.register_grant(CodeGrant, [AlwaysChallenge(required=True)])
        self.register_grant(RefreshGrant)
        self.register_grant(DeviceGrant)
        self.register_endpoint(Introspection)
        self.register_endpoint(Revocation)
        self.register_token_generator("default", self._tokens)

    def token(self, question: Question) -> Reply:
        """The token endpoint (RFC 6749 §3.2)."""
        return self._once(question) or self.create_token_response(question)

    def endpoint(self, name: str, question: Question) -> Reply:
        """Another endpoint, by the name that Authlib has for it."""
        return self._once(question) or self.create_endpoint_response(name, question)

    def _once(self, question: Question) -> Reply | None:
        """A refusal of parameters that are said twice (RFC 6749 §3.2)."""
        twice = any(len(values) > 1 for values in question.params.values())
        error = InvalidRequestError("A parameter is given more than once.")
        return self.refused(error) if twice else None

    def refused(self, error: OAuth2Error) -> Reply:
        """What a refusal answers."""
        return self.handle_response(*error())

    def query_client(self, client_id: str) -> OAuthClient | None:
        """See Authlib."""
        known = clients.oidc(self.session, client_id)
        return OAuthClient(known) if known is not None else None

    def authenticate_client(
        self, request: OAuth2Request, methods: list[str], endpoint: str = "token"
    ) -> OAuthClient:
        """See Authlib, which cannot read every header field: such a one proves nothing."""
        try:
            known: OAuthClient = super().authenticate_client(request, methods, endpoint)
        except ValueError as error:
            raise InvalidClientError(status_code=401) from error
        return known

    def create_oauth2_request(self, request: Question | OAuth2Request) -> OAuth2Request:
        """See Authlib."""
        return _Request(request) if isinstance(request, Question) else request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Reply:
        """See Authlib. Nothing of it is kept anywhere (RFC 6749 §5.1)."""
        return Reply(status, body, {**dict(headers), "Cache-Control": "no-store"})

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Kept already, as far as it is."""

    def _tokens(
        self,
        grant_type: str,
        client: OAuthClient,
        user: Standing,
        scope: str,
        expires_in: int | None,
        include_refresh_token: bool,
    ) -> dict[str, Any]:
        """The answer with tokens, for every grant (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3)."""
        row = self.session.get_one(Authorization, user.id)
        said = {
            "sub": user.account_id,
            "auth_time": int(user.auth_time.timestamp()),
            "acr": claims.acr(user),
            "amr": list(user.methods),
        }
        access = self.tokens.access(row.id, user.version, client.id, scope, **said)
        answer = {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "scope": scope,
            "refresh_token": authorizations.renew(self.session, row, self.lasting),
        }
        if Scope.OPENID in scope.split():
            said |= {"sid": user.sign_on_id} if user.sign_on_id else {}
            said |= {"nonce": row.nonce} if row.nonce and not self.lasting else {}
            answer["id_token"] = self.tokens.id(client.id, access, **said)
        return answer
