"""Coming in: by a link, a password, a code; the second step; signing up; recovering.

What tells accounts apart is neither said nor shown by the time it takes. Attempts are counted
before they are made, in transactions of their own. A count shuts out who came too often from a
network, never the account: a device that its owner signed in on before is counted for itself.
Hashing is done between transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.database import Database
from app.errors import Fault, InvalidError, UnauthenticatedError, UnknownCursorError
from app.identity import accounts, passwords, tree
from app.identity.accounts import Known
from app.identity.handles import Handle, HandleKind
from app.identity.services import (
    attaching,
    audit,
    codes,
    consents,
    homes,
    keeping,
    second_factor,
    sessions,
)
from app.identity.services.codes import Proof, Purpose
from app.identity.services.limits import Limiter, network_of
from app.identity.services.second_factor import Enrolment
from app.identity.services.sessions import Visit
from app.sealing import Sealer

_METHODS = {HandleKind.PHONE: "sms", HandleKind.EMAIL: "mail"}


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who came in: ``secret`` is the session's, ``device_cookie`` for the next time.

    With ``is_half_open`` the second factor is still to be shown, with ``consents_due`` a text is
    still to be agreed to.
    """

    account_id: str
    secret: str
    is_half_open: bool
    device_cookie: str
    consents_due: bool = False


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody says who signs up: ``agreed`` to which texts, in which versions."""

    name: str
    password: str | None = None
    library_id: str | None = None
    agreed: Mapping[str, str] = field(default_factory=dict)
    born: int | None = None


@dataclass(frozen=True, slots=True)
class Entrance:
    """The door, with what watches over it."""

    database: Database
    limiter: Limiter
    sealer: Sealer
    cursors: Cursors

    def by_link(self, visit: Visit, secret: str) -> Entered:
        """:raises UnauthenticatedError: when the link was used, has expired, or never was."""
        self.count_network("sign-in", visit)
        account_id, new = self.database.run(lambda s: keeping.use_link(s, visit, secret))
        return self.entered(account_id, new)

    def by_password(self, visit: Visit, handle: Handle, password: str) -> Entered:
        """:raises UnauthenticatedError: as :meth:`check_password`."""
        account_id, kept, whom = self.check_password(visit, handle, password)
        fresh = passwords.hashed(password) if kept and passwords.is_outdated(kept) else None
        new = self.database.run(
            lambda s: keeping.begin_by_password(s, visit, account_id, kept, fresh)
        )
        self.limiter.forget("sign-in", "account", whom)
        return self.entered(account_id, new)

    def check_password(
        self, visit: Visit, handle: Handle, password: str
    ) -> tuple[str, str | None, str]:
        """Whose password it is, its hash, and for whom the attempt was counted.

        :raises UnauthenticatedError: when there is no such account, or another password.
        """
        with self.database.transaction(writes=False) as session:
            found = attaching.find_with_password(session, self.sealer, handle)
        account_id, kept = found or (None, None)
        whom = self._count("sign-in", visit, handle, account_id)
        if not passwords.verify(kept, password) or account_id is None:
            self.failed(visit, account_id, "password")
            raise UnauthenticatedError("No account has this handle and this password.")
        return account_id, kept, whom

    def ask(
        self, visit: Visit, purpose: Purpose, handle: Handle, account_id: str | None = None
    ) -> str:
        """Has a code be sent, if there is whom to send it to; answers its ticket either way."""
        with self.database.transaction(writes=False) as session:
            owner = attaching.find(session, self.sealer, handle)
        self._count("codes", visit, handle, owner)
        if self._device(visit, owner) is None:  # or strangers could keep codes from the owner
            self.limiter.spend("codes", "handle", f"{handle.kind}:{handle.value}")
        return self.database.run(lambda s: codes.ask(s, self.sealer, purpose, handle, account_id))

    def by_code(self, visit: Visit, ticket: str, code: str) -> Entered:
        """:raises InvalidError: when the code proves nothing."""
        proof = self.confirmed(visit, Purpose.SIGN_IN, ticket, code)
        method = _METHODS[proof.handle.kind]
        account_id, new = self.database.run(
            lambda s: keeping.begin_by_code(s, self.sealer, visit, proof, method)
        )
        return self.entered(account_id, new)

    def sign_up(self, visit: Visit, ticket: str, code: str, newcomer: Newcomer) -> Entered:
        """Makes an account for who has the code.

        :raises InvalidError: when the code proves nothing, the password is not taken, or without
            consent. :raises ConflictError: when there is an account with the handle already.
        :raises NotFoundError: when there is no such library.
        """
        proof = self.confirmed(visit, Purpose.SIGN_UP, ticket, code)
        kept = self._hashed(newcomer.password, proof.handle.value) if newcomer.password else None
        method = _METHODS[proof.handle.kind]

        def make(session: Session) -> tuple[str, str]:
            codes.spend(session, proof)
            if newcomer.library_id:
                tree.get(session, newcomer.library_id)
            account = accounts.add_account(session, newcomer.name)
            actor = visit.actor(account.id)
            attaching.attach(session, self.sealer, actor, account.id, proof.handle, verified=True)
            homes.settle(session, account, newcomer.library_id, keeping.REACHED)
            if kept:
                keeping.set_password(session, account.id, kept)
            keeping.welcome(session, actor, account.id, newcomer.agreed, newcomer.born)
            audit.note(session, actor, "account.made", f"account:{account.id}")
            return account.id, sessions.begin(session, visit, account.id, (method,))

        return self.entered(*self.database.run(make))

    def recover(self, visit: Visit, ticket: str, code: str, password: str) -> Entered:
        """Sets another password, and ends every session; a second factor is still asked for.

        :raises InvalidError: when the code proves nothing, or the password is not taken.
        """
        passwords.check(password)
        proof = self.confirmed(visit, Purpose.RECOVER, ticket, code)
        kept = self._hashed(password, proof.handle.value)
        method = _METHODS[proof.handle.kind]
        account_id, new = self.database.run(
            lambda s: keeping.recover(s, self.sealer, visit, proof, method, kept)
        )
        return self.entered(account_id, new)

    def step_up(self, visit: Visit, known: Known, code: str) -> Entered:
        """Shows the second factor: the session goes on as another, with it.

        :raises InvalidError: for a code that is not right, or was used before.
        """
        whom = self.count_steps(visit, known.account_id)
        new = self.database.run(lambda s: keeping.step_up(s, self.sealer, visit, known, code))
        if new is None:
            self.failed(visit, known.account_id, "second-factor")
            raise second_factor.wrong()
        self.limiter.forget("sign-in", "account", whom)
        return self.entered(known.account_id, new)

    def change_password(self, visit: Visit, known: Known, old: str, password: str) -> Entered:
        """Sets another password; the other sessions end, and this one goes on as a new one.

        Without a password until now, the person must have signed in a moment ago.

        :raises InvalidError: when the old one is not right, or the new one is not taken.
        """
        with self.database.transaction(writes=False) as session:
            kept = keeping.password(session, known.account_id)
            handles = attaching.values(session, self.sealer, known.account_id)
        if kept is None:
            sessions.require_fresh(known)
        else:
            whom = f"password:{known.account_id}@{network_of(visit.address)}"
            self.limiter.spend("sign-in", "account", whom)
            if not passwords.verify(kept, old):
                self.failed(visit, known.account_id, "password")
                raise InvalidError(Fault("old", "password-wrong", "the password until now"))
            self.limiter.forget("sign-in", "account", whom)
        passwords.check(password, *handles)
        fresh = passwords.hashed(password)
        new = self.database.run(lambda s: keeping.change_password(s, visit, known, fresh))
        return self.entered(known.account_id, new)

    def add_handle(self, visit: Visit, known: Known, ticket: str, code: str) -> None:
        """Has the account be signed in to by what the code was sent to, too.

        :raises ForbiddenError: when the person did not sign in a moment ago.
        :raises InvalidError: when the code proves nothing, or was another account's to ask for.
        :raises ConflictError: when it is another account's.
        """
        sessions.require_fresh(known)
        proof = self.confirmed(visit, Purpose.ADD, ticket, code)
        self.database.run(lambda s: keeping.add_handle(s, self.sealer, visit, known, proof))

    def begin_factor(self, known: Known) -> Enrolment:
        """See :func:`second_factor.begin`."""
        return self.database.run(lambda s: keeping.begin_factor(s, self.sealer, known))

    def enrol(self, visit: Visit, known: Known, code: str) -> tuple[list[str], Entered]:
        """Turns the second factor on: recovery codes, and the session with it.

        :raises InvalidError: for a code that is not of the key.
        """
        self.count_steps(visit, known.account_id)
        recovery, new = self.database.run(
            lambda s: keeping.enrol(s, self.sealer, visit, known, code)
        )
        return recovery, self.entered(known.account_id, new)

    def remove_factor(self, visit: Visit, known: Known, code: str) -> None:
        """Takes the second factor away.

        :raises InvalidError: for a code that is not right, or was used before.
        """
        self.count_steps(visit, known.account_id)
        gone = self.database.run(
            lambda s: keeping.remove_factor(s, self.sealer, visit, known, code)
        )
        if not gone:
            self.failed(visit, known.account_id, "second-factor")
            raise second_factor.wrong()

    def count_steps(self, visit: Visit, account_id: str) -> str:
        """Counts an attempt to show the account's second factor; answers for whom."""
        whom = f"second-factor:{account_id}@{network_of(visit.address)}"
        self.limiter.spend("sign-in", "account", whom)
        return whom

    def _hashed(self, password: str, *handles: str) -> str:
        passwords.check(password, *handles)
        return passwords.hashed(password)

    def confirmed(self, visit: Visit, purpose: Purpose, ticket: str, code: str) -> Proof:
        """What a code proves, counted. :raises InvalidError: when that is nothing."""
        self.count_network("sign-up" if purpose is Purpose.SIGN_UP else "sign-in", visit)
        return codes.confirm(self.database, self.sealer, purpose, ticket, code)

    def _count(self, what: str, visit: Visit, handle: Handle, account_id: str | None) -> str:
        """Counts an attempt on a handle; answers for whom."""
        device = self._device(visit, account_id)
        network = network_of(visit.address)
        if device is None:
            self.count_network(what, visit)
        of = f"{handle.kind}:{handle.library_id}:{handle.value}"
        whom = f"device:{device}" if device else f"{of}@{network}"
        self.limiter.spend(what, "account", whom)
        return whom

    def count_network(self, what: str, visit: Visit) -> None:
        """Counts an attempt from a network. :raises TooManyError: when it is one too many."""
        if network := network_of(visit.address):
            self.limiter.spend(what, "address", network)

    def _device(self, visit: Visit, account_id: str | None) -> str | None:
        """The device, if this account was signed in to on it before (OWASP: device cookies)."""
        try:
            found = self.cursors.open(["device", account_id or ""], visit.device_cookie)
        except UnknownCursorError:
            return None
        return found if isinstance(found, str) and account_id else None

    def failed(self, visit: Visit, account_id: str | None, what: str) -> None:
        """Notes an attempt that failed: the same is written whether there is an account or not."""
        subject = f"account:{account_id or '-'}"
        self.database.run(
            lambda s: audit.note(s, visit.actor(None), "sign-in.failed", subject, by=what)
        )

    def entered(self, account_id: str, secret: str) -> Entered:
        """Who came in with this new session."""
        with self.database.transaction(writes=False) as session:
            known = accounts.find(session, secret, "session")
            due = bool(consents.due(session, account_id))
        if known is None:
            raise UnauthenticatedError
        cookie = self.cursors.seal(["device", account_id], token_hex(8))
        return Entered(account_id, secret, known.is_half_open, cookie, due)
