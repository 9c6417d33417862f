"""The authorization endpoint: who is asked to sign in, who for consent, who is sent on at once.

Sources: OpenID Connect Core 1.0 §3.1.2, RFC 6749 §4.1, RFC 9207.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.base import invalid_error_characters
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidRequestError,
    OAuth2Error,
)
from authlib.oidc.core.errors import (
    ConsentRequiredError,
    LoginRequiredError,
    RequestNotSupportedError,
    RequestURINotSupportedError,
)

from app.cursors import Cursors
from app.database import from_micros, now, to_micros
from app.errors import Fault, InvalidError, UnauthenticatedError, UnknownCursorError
from app.identity.accounts import Known
from app.signon.services import approvals
from app.signon.services.clients import KnownClient
from app.signon.services.provider import Params, Provider, Question, Reply

ADDRESS = "/oauth2/authorize"
ASKED = "asked"
"""Our own parameter: when this request came first, sealed for the rest of it."""
LONGEST = 3000
"""Characters of a request."""
_AGAIN = frozenset({"login", "select_account"})


@dataclass(frozen=True, slots=True)
class SignIn:
    """The person is to sign in; then this address is asked."""

    onwards: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The person is to agree; then this address is asked."""

    client: KnownClient[Any]
    host: str
    """Where the answer goes."""
    scopes: tuple[str, ...]
    onwards: str


def authorize(
    provider: Provider, cursors: Cursors, params: Params, known: Known | None
) -> Reply | SignIn | Consent:
    """What becomes of a client's request, for the person of this session.

    :raises InvalidError: where nobody may be sent on, since who asks is not known for sure.
    :raises ForbiddenError: for an account that is suspended.
    """
    asked = _Asked(provider, cursors, params)
    try:
        found = asked.step(known)
        return found if isinstance(found, SignIn | Consent) else asked.allowed(found)
    except OAuth2Error as error:
        return asked.refused(error)


def still_asked(
    provider: Provider, cursors: Cursors, params: Params, known: Known
) -> Consent | None:
    """What the person is still to be asked before :func:`authorize` goes on.

    :raises InvalidError: as there.
    """
    try:
        found = _Asked(provider, cursors, params).step(known)
    except OAuth2Error:
        return None
    return found if isinstance(found, Consent) else None


def deny(provider: Provider, cursors: Cursors, params: Params, known: Known) -> Reply:
    """What the client is told when the person does not agree.

    :raises InvalidError: as :func:`authorize`.
    """
    asked = _Asked(provider, cursors, params)
    try:
        grant = asked.grant(known)
        raise AccessDeniedError(redirect_uri=grant.redirect_uri)
    except OAuth2Error as error:
        return asked.refused(error)


class _Asked:
    """A request, and when it came first."""

    def __init__(self, provider: Provider, cursors: Cursors, params: Params) -> None:
        self._provider, self._cursors = provider, cursors
        self._params = {name: values for name, values in params.items() if name != ASKED}
        self._said = {name: values[-1] for name, values in self._params.items()}
        if any(len(values) > 1 for values in params.values()):
            raise InvalidError(Fault("query", "repeated", "give each parameter once"))
        if sum(len(name) + len(value) for name, value in self._said.items()) > LONGEST:
            raise InvalidError(Fault("query", "too-long", f"at most {LONGEST:,} characters"))
        quoted = self._said.get("redirect_uri", "") + self._said.get("response_type", "")
        if invalid_error_characters(quoted):  # Authlib repeats them in what it says
            raise InvalidError(Fault("query", "invalid", "an address and a type of plain ASCII"))
        self._since = self._first(params.get(ASKED, [""])[-1])
        prompt = self._said.get("prompt", "").split()
        self._prompts = frozenset(prompt)

    def step(self, known: Known | None) -> Any:
        """What is to be done first, or the grant where nothing is.

        :raises OAuth2Error: for what the client is told is refused.
        """
        grant = self.grant(known)
        to = grant.redirect_uri
        self._require_known_ways(to)
        silent = "none" in self._prompts
        if known is None or not self._is_fresh(known, to) or not self._is_meant(known, to):
            if silent:
                raise LoginRequiredError(redirect_uri=to)
            return SignIn(self._again())
        client, scopes = grant.request.client.known, grant.request.scope.split()
        missing = approvals.missing(
            self._provider.session,
            known.account_id,
            client.id,
            scopes,
            is_trusted=client.settings.is_trusted,
            since=(self._since or now()) if "consent" in self._prompts else None,
        )
        if missing:
            if silent:
                raise ConsentRequiredError(redirect_uri=to)
            return Consent(client, _host(to), tuple(scopes), self._again())
        return grant

    def allowed(self, grant: Any) -> Reply:
        """On to the client with a code."""
        asked = grant.request
        reply = self._provider.create_authorization_response(asked, asked.user, grant)
        return self._signed(reply)

    def grant(self, known: Known | None) -> Any:
        """The grant that Authlib finds it to be, with its address checked.

        :raises OAuth2Error: when it is none.
        """
        return self._provider.get_consent_grant(Question(self._params, method="GET"), known)

    def refused(self, error: OAuth2Error) -> Reply:
        """What a refusal answers: to the client where it is known, else to the person.

        :raises InvalidError: where nobody may be sent on.
        """
        if not error.redirect_uri:
            raise InvalidError(Fault("query", error.error, error.get_error_description()))
        error.state = self._said.get("state")
        return self._signed(self._provider.refused(error))

    def _require_known_ways(self, to: str) -> None:
        """What we do not do is refused, rather than passed over."""
        if "request" in self._said:
            raise RequestNotSupportedError(redirect_uri=to)
        if "request_uri" in self._said:
            raise RequestURINotSupportedError(redirect_uri=to)
        if self._said.get("response_mode", "query") != "query":
            raise InvalidRequestError("The response_mode is query.", redirect_uri=to)
        if "none" in self._prompts and len(self._prompts) > 1:
            raise InvalidRequestError("The prompt none stands alone.", redirect_uri=to)

    def _is_fresh(self, known: Known, to: str) -> bool:
        """Whether the person signed in as lately as is asked for."""
        if self._since is not None and known.made_at >= self._since:
            return True
        age = self._said.get("max_age")
        if age is not None and not (age.isascii() and age.isdigit() and len(age) < 10):
            raise InvalidRequestError("The max_age is a number of seconds.", redirect_uri=to)
        too_old = age is not None and now() - known.made_at > timedelta(seconds=int(age))
        return not (too_old or self._prompts & _AGAIN)

    def _is_meant(self, known: Known, to: str) -> bool:
        """Whether the person is whom the ID token names that the client gave with its request.

        :raises OAuth2Error: when another has signed in for this request, or it is no such token.
        """
        if "id_token_hint" not in self._said:
            return True
        try:
            claims = self._provider.tokens.read_hint(self._said["id_token_hint"])
        except UnauthenticatedError:
            claims = {}
        if claims.get("aud") != self._said["client_id"]:
            message = "The id_token_hint is an ID token that this client got here."
            raise InvalidRequestError(message, redirect_uri=to)
        if claims.get("sub") == known.account_id:
            return True
        if self._since is not None and known.made_at >= self._since:
            raise LoginRequiredError(redirect_uri=to)
        return False

    def _again(self) -> str:
        """The address of this request, which knows from then on when it came first."""
        since = to_micros(self._since or now())
        sealed = self._cursors.seal(self._question(), since)
        return f"{ADDRESS}?{urlencode({**self._said, ASKED: sealed})}"

    def _first(self, sealed: str) -> datetime | None:
        try:
            found = self._cursors.open(self._question(), sealed)
        except UnknownCursorError:
            return None  # made up, or of another request
        return from_micros(found) if isinstance(found, int) else None

    def _question(self) -> list[Any]:
        return ["authorize", sorted(self._said.items())]

    def _signed(self, reply: Reply) -> Reply:
        """The answer with the name of who gives it, against mix-up (RFC 9207 §2)."""
        to = add_params_to_uri(reply.headers["Location"], [("iss", self._provider.tokens.issuer)])
        return replace(reply, status=303, headers={**reply.headers, "Location": to})


def _host(address: str) -> str:
    parts = urlsplit(address)
    return parts.hostname or parts.scheme
