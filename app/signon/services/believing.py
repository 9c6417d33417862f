"""OpenID Connect as a client: what a library's provider says of itself, and of who comes from it.

Only the issuer is registered; the rest is what it says of itself at its own address (OpenID
Connect Discovery 1.0 §4), under the same rules for addresses. An ID token is believed when an
asymmetric key of the issuer signed it, for us, for this very sign-in, a moment ago (OpenID Connect
Core 1.0 §3.1.3.7). Nothing else that it claims is used: not who owns a phone or an address.
"""

from __future__ import annotations

import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from hmac import compare_digest
from threading import Lock
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from app.database import now
from app.errors import InvalidError
from app.outgoing.ports import Outgoing, Web
from app.signon.addresses import require_web
from app.signon.disbelief import DisbeliefError, asked, decoded
from app.signon.services.providers import KnownProvider

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""None by which who checks can sign as well, and not ``none`` (RFC 8725 §3.1)."""
LEAST_BITS = 2048
DRIFT = 60
"""Seconds by which a provider's clock may be wrong."""
OLDEST = 600
"""Seconds since a token was issued."""
METADATA_KEPT, KEYS_KEPT = 3600.0, 600.0
MISSED = 60.0
"""Seconds before keys are fetched again because one was not among them."""
LONGEST_SUBJECT = 255
MOST_KEYS = 50
_FORM = "application/x-www-form-urlencoded"
_WELL_KNOWN = "/.well-known/openid-configuration"
Key = RSAKey | ECKey


class Metadata(msgspec.Struct, frozen=True):
    """What an issuer says of itself (OpenID Connect Discovery 1.0 §3, RFC 9207 §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class Claims(msgspec.Struct, frozen=True):
    """What is looked at of an ID token."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """What a browser brings back: to which address it was sent, and what is known of the trip."""

    code: str = field(repr=False)
    redirect_uri: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Of an issuer: when it was asked, and when a key was looked for in vain."""

    metadata: Metadata
    at: float
    keys: tuple[Key, ...] = ()
    keys_at: float = float("-inf")
    missed_at: float = float("-inf")


class Issuers:
    """The providers that this process has asked, with what they said, for a while."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def metadata(self, issuer: str) -> Metadata:
        """What the issuer says of itself.

        :raises UnavailableError, DisbeliefError: when it says nothing, or not that.
        """
        kept = self._kept.get(issuer)
        if kept is None or time.monotonic() - kept.at > METADATA_KEPT:
            kept = _Kept(self._discover(issuer), time.monotonic())
            with self._lock:
                self._kept[issuer] = kept
        return kept.metadata

    def authorization(self, provider: KnownProvider, trip: Return, state: str) -> str:
        """Where the browser is sent (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        there = self.metadata(provider.address).authorization_endpoint
        asks = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": trip.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": trip.nonce,
            "code_challenge": challenge(trip.verifier),
            "code_challenge_method": "S256",
        }
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asks)}"

    def require_issuer(self, provider: KnownProvider, said: str) -> None:
        """That the answer names its issuer, where that issuer does so (RFC 9207 §2.4).

        :raises DisbeliefError: otherwise: somebody mixes two providers up.
        """
        says = self.metadata(provider.address).authorization_response_iss_parameter_supported
        if (said or says) and not compare_digest(said.encode(), provider.address.encode()):
            raise DisbeliefError("iss")

    def subject(self, provider: KnownProvider, trip: Return) -> str:
        """Who comes back, as the provider knows them: what stands in the token for the code.

        :raises UnavailableError, DisbeliefError: when there is no token, or none to believe.
        """
        token = self._exchange(provider, trip)
        claims = self._verified(provider, token)
        _require(claims, provider, trip.nonce)
        return claims.sub

    def keys(self, issuer: str, *, missed: bool = False) -> tuple[Key, ...]:
        """The keys that the issuer signs by; ``missed`` when one was not among those kept."""
        there, at = self.metadata(issuer).jwks_uri, time.monotonic()
        kept = self._kept[issuer]
        again = missed and at - kept.missed_at > MISSED
        if at - kept.keys_at > KEYS_KEPT or again:
            answer = asked(self._web, Outgoing("GET", there, _JSON), "keys")
            found = tuple(_keys_in(decoded(answer.body, _KeySet, "keys")))
            kept = replace(kept, keys=found, keys_at=at, missed_at=at if missed else kept.missed_at)
            with self._lock:
                self._kept[issuer] = kept
        return kept.keys

    def _discover(self, issuer: str) -> Metadata:
        there = issuer.rstrip("/") + _WELL_KNOWN
        answer = asked(self._web, Outgoing("GET", there, _JSON), "discovery")
        found = decoded(answer.body, Metadata, "discovery")
        if found.issuer != issuer:
            raise DisbeliefError("issuer")
        try:
            for address in (found.token_endpoint, found.jwks_uri):
                require_web(address, "address")
            require_web(found.authorization_endpoint.partition("?")[0], "address")
        except InvalidError as error:
            raise DisbeliefError("address") from error
        return found

    def _exchange(self, provider: KnownProvider, trip: Return) -> str:
        """The ID token for the code, over a connection of our own (RFC 6749 §4.1.3)."""
        metadata = self.metadata(provider.address)
        form = {
            "grant_type": "authorization_code",
            "code": trip.code,
            "redirect_uri": trip.redirect_uri,
            "code_verifier": trip.verifier,
        }
        headers = {"Content-Type": _FORM, **_JSON}
        if provider.secret is None:
            form["client_id"] = provider.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": provider.client_id, "client_secret": provider.secret}
        request = Outgoing("POST", metadata.token_endpoint, headers, urlencode(form).encode())
        return decoded(asked(self._web, request, "token").body, _Tokens, "token").id_token

    def _verified(self, provider: KnownProvider, token: str) -> Claims:
        try:
            header = jws.extract_compact(token.encode()).headers()
            key = self._key(provider.address, header.get("kid"))
            signed = jws.deserialize_compact(token.encode(), key, algorithms=ALGORITHMS)
        except (JoseError, ValueError) as error:
            raise DisbeliefError("signature") from error
        return decoded(signed.payload, Claims, "claims")

    def _key(self, issuer: str, name: Any) -> Key:
        """The key of this name; without one, the only one that there is."""
        for missed in (False, True):
            keys = self.keys(issuer, missed=missed)
            if name is None and len(keys) == 1:
                return keys[0]
            for key in keys:
                if name is not None and key.kid == name:
                    return key
        raise DisbeliefError("key")


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _require(claims: Claims, provider: KnownProvider, nonce: str) -> None:
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    at = now().timestamp()
    wrong = {
        "iss": claims.iss != provider.address,
        "aud": provider.client_id not in audience,
        "azp": claims.azp not in ((None,) if len(audience) == 1 else ()) + (provider.client_id,),
        "exp": claims.exp < at - DRIFT,
        "iat": not at - OLDEST - DRIFT < claims.iat < at + DRIFT,
        "nonce": not compare_digest(claims.nonce.encode(), nonce.encode()),
        "sub": not 0 < len(claims.sub) <= LONGEST_SUBJECT,
    }
    for claim, is_wrong in wrong.items():
        if is_wrong:
            raise DisbeliefError(claim)


def _keys_in(found: _KeySet) -> Iterator[Key]:
    """The keys that may sign; what cannot be read, or is too weak, is passed over."""
    for raw in found.keys[:MOST_KEYS]:
        if raw.get("kty") not in ("RSA", "EC") or raw.get("use", "sig") != "sig":
            continue
        with suppress(JoseError, ValueError, TypeError, KeyError):
            key = import_key({name: raw[name] for name in raw.keys() & _PUBLIC})
            is_weak = isinstance(key, RSAKey) and key.public_key.key_size < LEAST_BITS
            if isinstance(key, RSAKey | ECKey) and not is_weak:
                yield key


_JSON = {"Accept": "application/json"}
_PUBLIC = {"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"}
