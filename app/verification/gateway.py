"""A service behind HTTP: see :mod:`app.verification.answers` for what is sent and answered."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from app.outgoing.ports import Incoming, Outgoing, OutgoingError, Web
from app.verification.answers import LARGEST, encoded, understood
from app.verification.ports import Method, Person, Result, VerifierAwayError

PATIENCE = 10.0
"""Seconds for the whole conversation."""


@dataclass(frozen=True, slots=True)
class GatewayVerifier:
    """Asks at ``url``, with the name and password that stand in it (RFC 7617).

    No redirect is followed: what is sent is for this address alone.
    """

    url: str = field(repr=False)
    web: Web
    offers: tuple[Method, ...] = tuple(Method)
    patience: float = PATIENCE

    def verify(self, asking: str, person: Person) -> Result:
        """See :class:`app.verification.ports.Verifier`."""
        answer = self._exchange(asking, person)
        if isinstance(answer, str):
            raise VerifierAwayError(answer)
        return understood(answer.status, answer.body, answer.headers.get("retry-after", ""))

    def _exchange(self, asking: str, person: Person) -> Incoming | str:
        """The answer, or what failed: what was sent stands in no frame of a traceback."""
        there = urlsplit(self.url)
        headers = {"Content-Type": "application/json", "Idempotency-Key": asking}
        if there.username:
            pair = f"{unquote(there.username)}:{unquote(there.password or '')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        address = urlunsplit(there._replace(netloc=there.netloc.rpartition("@")[2]))
        body = encoded(asking, person)
        try:
            return self.web.ask(
                Outgoing("POST", address, headers, body, patience=self.patience, most=LARGEST)
            )
        except OutgoingError as error:
            return str(error)
