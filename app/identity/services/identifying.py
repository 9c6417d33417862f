"""Having one's real name verified: what is asked for is looked at and counted, then written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

from sqlalchemy.orm import Session

from app.database import Database, now
from app.errors import ConflictError, ForbiddenError
from app.identity.accounts import Known
from app.identity.documents import Purpose
from app.identity.handles import HandleKind
from app.identity.models import Account, Identity, Minor
from app.identity.policies import CHINA
from app.identity.queries import minors as rules
from app.identity.services import attaching, consents, minors, real_names, sessions
from app.identity.services.limits import Limiter, network_of
from app.identity.services.sessions import Visit
from app.sealing import Sealer
from app.verification.numbers import parse
from app.verification.ports import Method, Person, Verifier, real_name

State = Literal["none", "pending", "verified", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says they are. ``version`` is of the text that they agreed to."""

    method: str
    name: str = field(repr=False)
    number: str = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with an account: ``state`` is none, pending, verified, refused or failed."""

    offered: tuple[Method, ...]
    level: int
    state: State = "none"
    method: str = ""
    mask: str = ""
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identifying:
    """The counter at which it is done; without a verifier, it is not offered."""

    database: Database
    limiter: Limiter
    sealer: Sealer
    verifier: Verifier | None

    def standing(self, session: Session, account_id: str) -> Standing:
        """How it stands, as its owner sees it."""
        level = session.get_one(Account, account_id).assurance
        offered = self.verifier.offers if self.verifier else ()
        if (kept := session.get(Identity, account_id)) is not None:
            about = (kept.method, kept.mask, "", kept.verified_at)
            return Standing(offered, level, "verified", *about)
        row = real_names.last(session, account_id)
        if row is None or row.state == "verified" or row.reason == "withdrawn":
            return Standing(offered, level)
        about = (row.method, row.mask, row.reason, row.ended_at or row.made_at)
        return Standing(offered, level, cast(State, row.state), *about)

    def identify(self, visit: Visit, known: Known, claim: Claim) -> None:
        """Has the service be asked.

        What is wrong with a number is said before anything is counted or asked. Of a child, the
        number says that a guardian has to consent; from then on it counts as said.

        :raises ConflictError: where it is not offered, without a phone for the carrier, when the
            account is verified or an asking is under way.
        :raises InvalidError: for a name or number that can be nobody's, or without consent.
        :raises ForbiddenError: when a guardian has to consent first.
        :raises TooManyError: for this account, network or number.
        """
        person = self._person(known.account_id, claim)
        actor, born = visit.actor(known.account_id), person.number.born.year
        self.limiter.spend("verification", "account", known.account_id)
        if network := network_of(visit.address):
            self.limiter.spend("verification", "address", network)
        self.limiter.spend("verification", "number", person.number.value)
        if self.database.run(lambda s: _is_childs(s, visit, known.account_id, born)):
            raise ForbiddenError(rules.GUARDIAN, "A parent or guardian has to consent first.")

        def write(session: Session) -> None:
            real_names.begin(session, self.sealer, actor, known.account_id, person)
            purpose = Purpose.REAL_NAME
            consents.give(session, actor, known.account_id, purpose, claim.version)

        self.database.run(write)

    def withdraw(self, visit: Visit, known: Known) -> None:
        """Takes back the consent: nothing that was verified is kept.

        :raises ForbiddenError: when the person did not sign in a moment ago.
        """
        sessions.require_fresh(known)
        actor = visit.actor(known.account_id)
        self.database.run(
            lambda s: real_names.withdraw(s, actor, known.account_id, "real-name.withdrawn")
        )

    def _person(self, account_id: str, claim: Claim) -> Person:
        if self.verifier is None or claim.method not in self.verifier.offers:
            raise ConflictError("This is not offered here. Ask at the desk of your library.")
        number = parse(claim.number, now().astimezone(CHINA).date())
        name = real_name(claim.name)
        consents.require_version(Purpose.REAL_NAME, claim.version)
        phone = self._phone(account_id) if claim.method == Method.CARRIER else ""
        return Person(name, number, phone)

    def _phone(self, account_id: str) -> str:
        with self.database.transaction(writes=False) as session:
            found = attaching.first(session, self.sealer, account_id, HandleKind.PHONE)
        phone, is_reached = found or ("", False)
        if not is_reached:
            raise ConflictError("Add a phone number to your account first.")
        return phone


def _is_childs(session: Session, visit: Visit, account_id: str, born_year: int) -> bool:
    """Whether this is a child's number, without a guardian who consented.

    One of somebody older is asked about whatever was said before: the answer sets that right.
    """
    if not rules.is_child(born_year):
        return False
    minors.state(session, visit.actor(account_id), account_id, born_year)
    row = session.get_one(Minor, account_id)
    return row.consented_at is None
