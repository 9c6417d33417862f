"""Having one's real name verified."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.services.identifying import Claim, Identifying, Standing, State
from app.permissions import Caller, Permission
from app.web.api import Endpoints

verification = Endpoints("identity.verification", "/api/v1/me/verification")
SIGNED_IN = Permission.SIGNED_IN


class RealName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name and the identity number as they stand in the document.

    ``carrier`` also asks the carrier of the account's phone. ``agreed`` is the version of the text
    on real names that was agreed to.
    """

    method: Literal["number", "carrier"]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    number: Annotated[str, Meta(min_length=1, max_length=80)]
    agreed: Annotated[str, Meta(max_length=16)]

    def __repr__(self) -> str:
        return "RealName(…)"


class VerificationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How it stands.

    ``offered`` are the methods there are here; ``level`` is how well the account is known;
    ``reason``: mismatch, unknown, taken (the person is verified with another account), service,
    closed.
    """

    offered: list[str]
    level: int
    state: State
    method: str = ""
    mask: str = ""
    reason: str = ""
    at: str | None = None


@verification.get("", SIGNED_IN)
def show(session: Session, caller: Caller, identifying: Identifying) -> VerificationState:
    """How it stands with the verification of one's real name."""
    return told(identifying.standing(session, session_of(caller).account_id))


# Without a session: what is kept to answer a repeated write would be a hash of the number.
@verification.post("", SIGNED_IN, status=202, problems=(409, 429))
def ask(
    database: Database, identifying: Identifying, caller: Caller, body: RealName
) -> VerificationState:
    """Have one's real name verified; the result is there in a moment, or when the service is.

    An identity number is a resident's, or of a foreigner's permanent residence card with eighteen
    characters. With any other document, ask at the desk of your library.
    """
    known = session_of(caller)
    claim = Claim(body.method, body.name, body.number, body.agreed)
    identifying.identify(visits.visit_of(caller), known, claim)
    with database.transaction(writes=False) as session:
        return told(identifying.standing(session, known.account_id))


@verification.delete("", SIGNED_IN)
def withdraw(identifying: Identifying, caller: Caller) -> None:
    """Take back the consent: what was verified is deleted. Asks to have signed in a moment ago."""
    identifying.withdraw(visits.visit_of(caller), session_of(caller))


def told(standing: Standing) -> VerificationState:
    """The standing as it is sent."""
    return VerificationState(
        offered=[str(one) for one in standing.offered],
        level=standing.level,
        state=standing.state,
        method=standing.method,
        mask=standing.mask,
        reason=standing.reason,
        at=rfc3339(standing.at) if standing.at else None,
    )
