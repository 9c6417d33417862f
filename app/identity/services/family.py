"""What is done for a child by whoever can prove to be the guardian; each is one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.database import now
from app.identity.accounts import Known
from app.identity.models import Minor
from app.identity.queries import minors as rules
from app.identity.queries import teen
from app.identity.services import minors, sessions, teen_mode
from app.identity.services.codes import Proof, Purpose
from app.identity.services.entering import Entrance
from app.identity.services.sessions import Visit
from app.identity.teen import Teen, TeenRules


@dataclass(frozen=True, slots=True)
class Shown:
    """A code that was sent, as it is shown again."""

    ticket: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Childhood:
    """How it stands with a minor: ``guardian`` is an account, or the mask of a phone."""

    is_child: bool
    waits: bool
    guardian: str = ""
    by_account: bool = False
    consented_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """Children and guardians at the door."""

    entrance: Entrance

    def childhood(self, session: Session, account_id: str) -> Childhood | None:
        """Of this account; ``None`` for whoever is of age, as far as is known."""
        row = session.get(Minor, account_id)
        if row is None:
            return None
        return Childhood(
            is_child=rules.is_child(row.born_year),
            waits=rules.waits(row),
            guardian=row.guardian_mask or "",
            by_account=row.guardian_id is not None,
            consented_at=row.consented_at,
        )

    def teen(self, session: Session, account_id: str) -> Teen | None:
        """The mode that the account is in."""
        return teen.teen(session, account_id, now())

    def say_year(self, visit: Visit, known: Known, born_year: int) -> None:
        """See :func:`minors.state`."""
        actor = visit.actor(known.account_id)
        self.entrance.database.run(lambda s: minors.state(s, actor, known.account_id, born_year))

    def invite(self, visit: Visit, known: Known) -> str:
        """See :func:`minors.invite`."""
        actor = visit.actor(known.account_id)
        return self.entrance.database.run(
            lambda s: minors.invite(s, self.entrance.sealer, actor, known.account_id)
        )

    def accept(self, visit: Visit, known: Known, code: str, version: str) -> None:
        """See :func:`minors.accept`; tries are counted."""
        self.entrance.limiter.spend("guardian", "account", known.account_id)
        actor = visit.actor(known.account_id)
        self.entrance.database.run(
            lambda s: minors.accept(s, self.entrance.sealer, actor, code, version)
        )

    def consent(self, visit: Visit, known: Known, shown: Shown, version: str) -> None:
        """See :func:`minors.consent_by_phone`."""
        proof, account_id = self._proof(visit, shown), known.account_id
        actor = visit.actor(account_id)
        self.entrance.database.run(
            lambda s: minors.consent_by_phone(
                s, self.entrance.sealer, actor, account_id, proof, version
            )
        )

    def withdraw(self, visit: Visit, known: Known, shown: Shown) -> None:
        """The guardian whose phone this is takes the consent back.

        :raises ForbiddenError: when it is not the guardian's.
        """
        proof, account_id = self._proof(visit, shown), known.account_id

        def write(session: Session) -> None:
            minors.require_guardian(session, self.entrance.sealer, account_id, proof)
            minors.withdraw(session, visit.actor(None), account_id)

        self.entrance.database.run(write)

    def withdraw_as_guardian(self, visit: Visit, known: Known, account_id: str) -> None:
        """The guardian with this account takes the consent for a child back.

        :raises NotFoundError: when the child is none of theirs.
        """

        def write(session: Session) -> None:
            minors.ward(session, known.account_id, account_id)
            minors.withdraw(session, visit.actor(known.account_id), account_id)

        self.entrance.database.run(write)

    def set_teen_mode(
        self, visit: Visit, known: Known, asked: TeenRules, shown: Shown | None
    ) -> None:
        """Sets or ends the mode of one's own account; with a code as its guardian.

        :raises ForbiddenError: when a guardian set it, and this does not come from them.
        """
        sessions.require_fresh(known)
        proof = self._proof(visit, shown) if shown else None
        account_id = known.account_id

        def write(session: Session) -> None:
            if proof:
                minors.require_guardian(session, self.entrance.sealer, account_id, proof)
            actor = visit.actor(None if proof else account_id)
            teen_mode.change(session, actor, account_id, asked, by_guardian=proof is not None)

        self.entrance.database.run(write)

    def set_wards_mode(self, visit: Visit, known: Known, account_id: str, asked: TeenRules) -> None:
        """Sets or ends the mode of a child, as its guardian.

        :raises NotFoundError: when the child is none of theirs.
        """

        def write(session: Session) -> None:
            minors.ward(session, known.account_id, account_id)
            actor = visit.actor(known.account_id)
            teen_mode.change(session, actor, account_id, asked, by_guardian=True)

        self.entrance.database.run(write)

    def _proof(self, visit: Visit, shown: Shown) -> Proof:
        return self.entrance.confirmed(visit, Purpose.GUARDIAN, shown.ticket, shown.code)
