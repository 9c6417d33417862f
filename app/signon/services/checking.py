"""Trying a provider before anybody comes from it: it is asked what a sign-in would ask."""

from __future__ import annotations

from app.outgoing.ports import Web
from app.signon.disbelief import DisbeliefError
from app.signon.schemas import Protocol
from app.signon.services import cas_client
from app.signon.services.believing import Issuers
from app.signon.services.providers import KnownProvider


def check(issuers: Issuers, web: Web, provider: KnownProvider, callback: str) -> list[str]:
    """What was found of a provider, suspended or not.

    :raises UnavailableError, DisbeliefError: when it does not work.
    """
    if provider.protocol == Protocol.CAS:
        cas_client.check(web, provider, callback)
        return ["serviceValidate"]
    metadata = issuers.metadata(provider.address)
    keys = issuers.keys(provider.address)
    if not keys:
        raise DisbeliefError("keys")
    return [metadata.authorization_endpoint, metadata.token_endpoint, f"{len(keys)} keys"]
