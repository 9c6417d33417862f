"""The device flow as Authlib checks it (RFC 8628), on our own table."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc8628 import (
    AuthorizationPendingError,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    ExpiredTokenError,
    SlowDownError,
)

from app.sealing import Sealer
from app.signon.services import device_flow
from app.signon.services.device_flow import Refusal
from app.signon.services.granting import AUTH_METHODS, DEVICE, OAuthClient, held

PAGE = "/device"
_ERRORS: dict[Refusal, type[OAuth2Error]] = {
    Refusal.PENDING: AuthorizationPendingError,
    Refusal.SLOW_DOWN: SlowDownError,
    Refusal.DENIED: AccessDeniedError,
    Refusal.EXPIRED: ExpiredTokenError,
    Refusal.WRONG: InvalidGrantError,
}


class DeviceGrant(DeviceCodeGrant):
    """The device code, traded for tokens once somebody let the app in."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def validate_token_request(self) -> None:
        """See Authlib; refused as RFC 8628 §3.5 says, and the code spent in one step."""
        request, by = self.request, self.server
        client = self.authenticate_token_endpoint_client()
        _require(client)
        found = device_flow.poll(by.session, client.id, _one(request, "device_code"))
        credential = None if isinstance(found, Refusal) else held(by, found)
        if credential is None:
            raise _ERRORS[found if isinstance(found, Refusal) else Refusal.DENIED]()
        request.client, request.credential = client, credential
        request.user = credential.standing


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    """Where an app asks to be let in (RFC 8628 §3.1); somebody decides at ``site``'s page."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def __init__(self, server: Any, sealer: Sealer, site: str) -> None:
        super().__init__(server)
        self._sealer, self._page = sealer, site + PAGE

    def create_endpoint_response(self, request: Any) -> tuple[int, Any, list[tuple[str, str]]]:
        """See Authlib."""
        client = self.authenticate_client(request)
        _require(client)
        scope = client.get_allowed_scope(request.payload.scope)
        if scope is None:
            raise InvalidScopeError()
        by = self.server
        asked = device_flow.ask(by.session, self._sealer, client.known, scope, by.actor.address)
        answer = {
            "device_code": asked.device_code,
            "user_code": asked.user_code,
            "verification_uri": self._page,
            "verification_uri_complete": f"{self._page}?user_code={asked.user_code}",
            "expires_in": int(device_flow.LIFE.total_seconds()),
            "interval": device_flow.PAUSE,
        }
        return 200, answer, [("Content-Type", "application/json")]


def _require(client: OAuthClient) -> None:
    if not client.check_grant_type(DEVICE):
        raise UnauthorizedClientError("This client was not registered for devices.")


def _one(request: Any, name: str) -> str:
    value: str | None = request.payload.data.get(name)
    if not value:
        raise InvalidRequestError(f"Missing {name!r}.")
    return value
