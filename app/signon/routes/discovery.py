"""What clients learn of the provider by themselves (OpenID Connect Discovery 1.0, RFC 8414)."""

from __future__ import annotations

from itertools import chain
from typing import Any

import msgspec
from flask import Response

from app.permissions import Permission
from app.signon.keys import ALGORITHM
from app.signon.routes.oauth import ANYWHERE
from app.signon.schemas import Scope
from app.signon.services import claims
from app.signon.services.granting import AUTH_METHODS, DEVICE, SECRET_METHODS
from app.signon.services.tokens import Tokens
from app.web.api import Endpoints

discovery = Endpoints("signon.discovery", "/.well-known")
LEVELS = ("0", "1", "2", "3")
OWN_CLAIMS = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "amr", "sid")


@discovery.get("/openid-configuration", Permission.PUBLIC, json=False)
def openid(tokens: Tokens) -> Response:
    """What this provider is and does."""
    return _document(tokens)


@discovery.get("/oauth-authorization-server", Permission.PUBLIC, json=False)
def oauth_server(tokens: Tokens) -> Response:
    """The same, for clients of OAuth 2.0 alone."""
    return _document(tokens)


def _document(tokens: Tokens) -> Response:
    headers = {**ANYWHERE, "Cache-Control": "public, max-age=3600"}
    body = msgspec.json.encode(document(tokens.issuer))
    return Response(body, headers=headers, content_type="application/json")


def document(issuer: str) -> dict[str, Any]:
    """The metadata of an issuer (Discovery 1.0 §3, RFC 8414 §2)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth2/authorize",
        "token_endpoint": f"{issuer}/oauth2/token",
        "userinfo_endpoint": f"{issuer}/oauth2/userinfo",
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "device_authorization_endpoint": f"{issuer}/oauth2/device_authorization",
        "end_session_endpoint": f"{issuer}/oauth2/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "scopes_supported": list(Scope),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": SECRET_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claim_types_supported": ["normal"],
        "claims_supported": [*OWN_CLAIMS, *chain(*claims.NAMES.values())],
        "acr_values_supported": LEVELS,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["zh-CN", "en"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
