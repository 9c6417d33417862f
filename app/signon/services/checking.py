"""Trying a provider before anybody comes from it: it is asked what a sign-in would ask."""

from __future__ import annotations

from app.outgoing.ports import Web
from app.signon.disbelief import DisbeliefError
from app.signon.schemas import Vouching
from app.signon.services import cas_client, wechat
from app.signon.services.believing import Issuers
from app.signon.services.providers import KnownProvider


def check(issuers: Issuers, web: Web, provider: KnownProvider, callback: str) -> list[str]:
    """What was found of a provider, suspended or not.

    :raises UnavailableError, DisbeliefError: when it does not work.
    """
    if provider.protocol == Vouching.CAS:
        cas_client.check(web, provider, callback)
        return ["serviceValidate"]
    if provider.protocol == Vouching.WECHAT:
        wechat.check(web, provider)
        return ["access_token"]
    metadata = issuers.metadata(provider.address)
    keys = issuers.keys(provider.address)
    if not keys:
        raise DisbeliefError("keys")
    return [metadata.authorization_endpoint, metadata.token_endpoint, f"{len(keys)} keys"]
