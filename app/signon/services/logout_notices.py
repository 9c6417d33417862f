"""What a client is told when a session has ended that was signed on to it.

OpenID Connect Back-Channel Logout 1.0 §2.5, and the single logout of CAS (CAS Protocol 3.0.3 §2.3.3
and appendix C).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from app.database import now, random_id
from app.outgoing.ports import Incoming, Outgoing
from app.signon import addresses
from app.signon.schemas import CasSettings, ClientSettings, OidcSettings
from app.signon.services.endings import Ending

LIFE = timedelta(minutes=2)
PATIENCE = 5.0
MOST = 16 * 1024
TYPE = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
_REQUEST = (
    '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="{id}" '
    'Version="2.0" IssueInstant="{at}">'
    '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>'
    "<samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
)
Sign = Callable[[str, str, Mapping[str, Any]], str]
"""A token of this type for this client, with these claims beside those of every token."""


def notice(sign: Sign, client_id: str, settings: ClientSettings, ending: Ending) -> Outgoing | None:
    """The request that tells it; nothing for a client that does not want to be told."""
    if isinstance(settings, OidcSettings):
        if settings.backchannel_logout_uri is None:
            return None
        claims = {"sub": ending.account_id, "sid": ending.id, "events": {EVENT: {}}}
        token = sign(TYPE, client_id, claims)
        return _form(settings.backchannel_logout_uri, logout_token=token)
    known = any(addresses.is_below(ending.service, one) for one in settings.services)
    if not settings.has_single_logout or not known:
        return None
    return _form(ending.service, logoutRequest=_saml(ending.ticket))


def is_told(settings: ClientSettings, answer: Incoming) -> bool:
    """Whether the client has taken it. CAS defines no answer: that there is one must do."""
    if isinstance(settings, CasSettings):
        return answer.status < 500
    return answer.is_fine


def _form(url: str, **fields: str) -> Outgoing:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields).encode()
    return Outgoing("POST", url, headers, body, patience=PATIENCE, most=MOST)


def _saml(ticket: str) -> str:
    at = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    return _REQUEST.format(id=f"LR-{random_id()}", at=at, ticket=escape(ticket))
