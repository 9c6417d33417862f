"""Explaining to those who look after it why a record can be used, or cannot."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.queries import records
from app.catalog.schemas import Use
from app.database import rfc3339
from app.identity import access
from app.identity.services.circumstances import Now
from app.permissions import Caller


class StepLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a decision: which condition of which policy, what it wanted, what was found."""

    of: str
    step: str
    wanted: str
    found: str
    holds: bool
    reason: str = ""
    remedy: str = ""


class AccessView(msgspec.Struct, frozen=True, kw_only=True):
    """How it is decided who may use a record: every step, the first that does not hold decides.

    ``account`` and ``address`` are who asks and from where, ``networks`` the libraries in whose
    networks that is, ``at`` is when.
    """

    record: str
    account: str | None
    address: str
    networks: list[str]
    at: str
    use: Use
    steps: list[StepLine]


class AccessQuery(msgspec.Struct, frozen=True):
    """For whom, from where, and when; nobody, from nowhere, and now, when it is left out."""

    account: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")] | None = None
    address: Annotated[str, Meta(max_length=45, description="IPv4 or IPv6.")] = ""
    at: Annotated[datetime, Meta(tz=True)] | None = None


def explain(session: Session, caller: Caller, record_id: str, at: datetime | None) -> AccessView:
    """Every step of the decision whether this caller may use the record at that moment.

    :raises NotFoundError: when there is no such record.
    """
    found, facts = records.find(session, record_id), Now(session, caller, at)
    decision = access.decide(caller, found, facts)
    return AccessView(
        record=record_id,
        account=caller.account_id,
        address=caller.address,
        networks=list(facts.networks()),
        at=rfc3339(facts.when),
        use=Use(decision.allowed, decision.reason, decision.remedy, dict(decision.about)),
        steps=[_line(step) for step in access.steps(caller, found, facts)],
    )


def _line(step: access.Step) -> StepLine:
    return StepLine(
        of=step.part,
        step=step.finding.name,
        wanted=step.finding.wanted,
        found=step.finding.found,
        holds=step.decision.allowed,
        reason=step.decision.reason,
        remedy=step.decision.remedy,
    )
