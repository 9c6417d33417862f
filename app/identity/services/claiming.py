"""Claiming a library card: by a code to the phone or address that the library knows, or by a slip.

Neither the answer nor its time tells whether there is such a card, whether it was claimed, or
where the code went. What the library knows of a phone is no proof of anything before a code that
was sent there came back: only then does it become a handle, and only where it is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError, Fault, InvalidError
from app.identity import passwords, tree
from app.identity.accounts import Known
from app.identity.handles import Handle, HandleKind
from app.identity.models import Account
from app.identity.queries.minors import require_consent
from app.identity.services import attaching, audit, cards, codes, keeping, registering, sessions
from app.identity.services.codes import Proof, Purpose
from app.identity.services.entering import Entered, Entrance
from app.identity.services.limits import network_of
from app.identity.services.sessions import Visit

_METHODS = {HandleKind.PHONE: "sms", HandleKind.EMAIL: "mail"}
_SLIP = "slip"


@dataclass(frozen=True, slots=True)
class Shown:
    """A card and what is shown for it: a code that was sent, with its ticket, or that of a slip."""

    card: Handle
    code: str = field(repr=False)
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Claimant:
    """What somebody says who claims a card: the texts agreed to, the year of birth of a minor."""

    password: str | None = field(repr=False)
    agreed: Mapping[str, str]
    born: int | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """Where cards are claimed, at the same door."""

    entrance: Entrance

    def ask(self, visit: Visit, card: Handle) -> str:
        """Has a code be sent to where the library reaches the reader; answers its ticket.

        :raises NotFoundError: for an unknown library.
        """
        self._count("codes", visit, card)
        of = f"{card.kind}:{card.library_id}:{card.value}"
        self.entrance.limiter.spend("codes", "handle", of)
        return self.entrance.database.run(lambda session: self._ask(session, card))

    def claim(self, visit: Visit, shown: Shown, claimant: Claimant) -> Entered:
        """Signs the reader in to the account that the library made, which is theirs from now on.

        With a slip they choose a password, for there is nothing else by which to come back.

        :raises InvalidError: when what is shown proves nothing, the password is not taken, or
            without consent.
        :raises ConflictError: when the phone that the code went to is another account's.
        """
        password = claimant.password
        if password is None and shown.ticket is None:
            raise InvalidError(Fault("password", "password-missing", "a password to come back by"))
        if password is not None:
            passwords.check(password, shown.card.value)
        proof = self._proof(visit, shown)
        kept = passwords.hashed(password) if password is not None else None
        account_id, secret = self.entrance.database.run(
            lambda session: self._claim(session, visit, shown, proof, claimant, kept)
        )
        return self.entrance.entered(account_id, secret)

    def add_card(self, visit: Visit, known: Known, shown: Shown) -> None:
        """Has a card be the account's, in the place of the one that the library made for it.

        :raises ForbiddenError: when the person did not sign in a moment ago, or is a child whose
            guardian has to consent first.
        :raises InvalidError: when what is shown proves nothing.
        """
        sessions.require_fresh(known)
        proof = self._proof(visit, shown)

        def put(session: Session) -> None:
            require_consent(session, known.account_id)
            self._shown(session, shown, proof)
            actor = visit.actor(known.account_id)
            cards.bind(session, self.entrance.sealer, actor, shown.card, known.account_id)

        self.entrance.database.run(put)

    def _ask(self, session: Session, card: Handle) -> str:
        tree.get(session, card.library_id or "")
        sealer, lookup = self.entrance.sealer, card.lookup(self.entrance.sealer)
        row = registering.find(session, lookup)
        contact, account_id = None, None
        if row is not None and cards.is_claimable(row) and row.contact is not None:
            value = sealer.unseal(registering.CONTACT, lookup, row.contact).decode()
            contact, account_id = Handle(HandleKind(row.contact_kind), value), row.account_id
        return codes.ask_of(session, sealer, Purpose.CLAIM, lookup, contact, account_id)

    def _proof(self, visit: Visit, shown: Shown) -> Proof | None:
        """What the code that was sent proves; counted, as slips are."""
        self._count("sign-in", visit, shown.card)
        if shown.ticket is None:
            return None
        return self.entrance.confirmed(visit, Purpose.CLAIM, shown.ticket, shown.code)

    def _claim(
        self,
        session: Session,
        visit: Visit,
        shown: Shown,
        proof: Proof | None,
        claimant: Claimant,
        kept: str | None,
    ) -> tuple[str, str]:
        row = self._shown(session, shown, proof)
        actor, sealer = visit.actor(row.account_id), self.entrance.sealer
        if proof:
            if attaching.find(session, sealer, proof.handle) is not None:
                message = (
                    "You have an account with this phone or address. Sign in, and add the card."
                )
                raise ConflictError(message)
            attaching.attach(session, sealer, actor, row.account_id, proof.handle, verified=True)
        cards.claimed(session, row)
        if kept:
            keeping.set_password(session, row.account_id, kept)
        keeping.welcome(session, actor, row.account_id, claimant.agreed, claimant.born)
        subject = f"account:{row.account_id}"
        audit.note(session, actor, "card.claimed", subject, shown.card.library_id)
        method = _METHODS[proof.handle.kind] if proof else _SLIP
        return row.account_id, sessions.begin(session, visit, row.account_id, (method,))

    def _shown(self, session: Session, shown: Shown, proof: Proof | None) -> Row[*tuple[Any, ...]]:
        """The card, which nobody else takes meanwhile.

        :raises InvalidError: when what is shown is not of it, or it cannot be claimed (any more).
        """
        sealer = self.entrance.sealer
        row = registering.find(session, shown.card.lookup(sealer))
        if row is None or not cards.is_claimable(row):
            raise codes.wrong()
        if proof is None:
            given = cards.slip_hash(sealer, row.lookup, shown.code)
            is_due = row.slip_until is not None and row.slip_until > now()
            if not (is_due and compare_digest(row.slip or "", given)):
                raise codes.wrong()
        elif proof.account_id != row.account_id:
            raise codes.wrong()
        else:
            codes.spend(session, proof)
        account = session.get_one(Account, row.account_id)
        if account.suspended_at is not None or account.closed_at is not None:
            raise codes.wrong()
        return row

    def _count(self, what: str, visit: Visit, card: Handle) -> None:
        self.entrance.count_network(what, visit)
        whom = f"{card.kind}:{card.library_id}:{card.value}@{network_of(visit.address)}"
        self.entrance.limiter.spend(what, "account", whom)
