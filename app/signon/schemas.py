"""What the protocols need to know of a client, as it is kept and as staff set it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

Address = Annotated[str, Meta(min_length=1, max_length=500)]
Addresses = Annotated[tuple[Address, ...], Meta(max_length=20)]


class Protocol(StrEnum):
    """How a system signs people on."""

    OIDC = "oidc"
    CAS = "cas"


class Vouching(StrEnum):
    """How another says who somebody is."""

    OIDC = "oidc"
    CAS = "cas"
    WECHAT = "wechat"


class Scope(StrEnum):
    """What a client may learn or do (OpenID Connect Core 1.0 §5.4)."""

    OPENID = "openid"
    PROFILE = "profile"
    """Name, home library, and how well the person is known."""
    PHONE = "phone"
    EMAIL = "email"
    READING = "reading"
    """To call the API as the reader."""
    OFFLINE = "offline_access"
    """To go on when the session has ended."""


class OidcSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenID Connect client: its addresses are compared as a whole, to the letter."""

    redirect_uris: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=20)]
    scopes: tuple[Scope, ...] = (Scope.OPENID, Scope.PROFILE)
    """What it may ask for."""
    post_logout_redirect_uris: Addresses = ()
    backchannel_logout_uri: Address | None = None
    is_trusted: bool = False
    """A library's own system, for which people are not asked; phone and e-mail they always are."""
    has_device_flow: bool = False


class CasSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CAS service: where it is, and what it may do."""

    services: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=20)]
    """Origin and path; what is below that path is the service's too."""
    scopes: tuple[Scope, ...] = ()
    """Of profile, phone and email: the attributes that it is told."""
    may_proxy: bool = False
    proxy_callback: Address | None = None
    """Where proxy-granting tickets are sent: this address with a query, nothing else."""
    proxies: Addresses = ()
    """Proxy callbacks of the systems whose proxy tickets it takes; without any it takes none."""
    has_single_logout: bool = True
    is_trusted: bool = False


ClientSettings = OidcSettings | CasSettings
KINDS: dict[str, type[OidcSettings] | type[CasSettings]] = {
    Protocol.OIDC: OidcSettings,
    Protocol.CAS: CasSettings,
}
