"""Through a library's own sign-on: sent there, awaited, and let in by what comes back.

The trip is bound to the browser by a cookie and to the provider by a row that is spent once. What
the provider's answer is checked by is made of both, so that none of it needs to be kept. Every
provider is answered at an address of its own (RFC 9700 §4.4.2.2).
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from hmac import new as hmac

from sqlalchemy import Row, delete
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ForbiddenError
from app.identity import accounts
from app.identity.accounts import Known
from app.identity.services import audit, proving, second_factor, sessions
from app.identity.services.entering import Entered, Entrance
from app.identity.services.sessions import Visit
from app.outgoing.ports import Web
from app.signon.disbelief import DisbeliefError
from app.signon.models import ProviderVisit
from app.signon.schemas import Vouching
from app.signon.services import cas_client, identities, providers, wechat
from app.signon.services.believing import Issuers, Return
from app.signon.services.providers import Choice, KnownProvider

LIFE = timedelta(minutes=10)
PATH = "/sign-in/library/"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back from a provider; ``browser`` is our cookie's."""

    provider_id: str
    browser: str = field(repr=False)
    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    """Of OpenID Connect a code, of CAS a ticket."""
    issuer: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who came in, and where they wanted to go on.

    ``entered`` is a new session; nothing where the library was linked to the account that is
    signed in. With ``proof`` it opens another account, which was thereby shown to be theirs too.
    """

    provider_id: str
    onwards: str
    entered: Entered | None = None
    proof: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The door of those who come through a library."""

    entrance: Entrance
    issuers: Issuers
    web: Web
    base: str
    """Our public address."""

    def depart(
        self,
        visit: Visit,
        browser: str,
        provider_id: str,
        onwards: str,
        *,
        known: Known | None = None,
        born: int | None = None,
    ) -> str:
        """Where the browser is to go, which is awaited for ten minutes; ``known`` links.

        ``born`` is the year in which a minor was who comes the first time.

        :raises NotFoundError: when nobody is taken in from there now.
        :raises ForbiddenError: to link, when the person did not sign in a moment ago.
        :raises UnavailableError, DisbeliefError: when the provider does not say where.
        """
        if known:
            sessions.require_fresh(known)
        self.entrance.count_network("sign-in", visit)
        provider = self._known(provider_id)
        state = secrets.token_hex(32)  # WeChat brings back letters and digits alone
        there = self._there(provider, browser, state)
        row = ProviderVisit(
            state=accounts.digest(state),
            browser=accounts.digest(browser),
            provider_id=provider.id,
            account_id=known.account_id if known else None,
            born_year=born,
            onwards=onwards,
            expires_at=now() + LIFE,
        )
        self.entrance.database.run(lambda session: session.merge(row))
        return there

    def arrive(self, visit: Visit, back: Returned, known: Known | None) -> Arrived:
        """Who came back. The trip is spent, whatever comes of it.

        :raises ForbiddenError: when this browser is not awaited, or somebody else is signed in.
        :raises UnavailableError, DisbeliefError: when the provider vouches for nobody.
        :raises UnauthenticatedError: when the account is closed.
        """
        trip = self.entrance.database.run(lambda session: _spend(session, back))
        if trip is None or trip.provider_id != back.provider_id:
            raise ForbiddenError("trip", "Nobody is awaited from there. Begin again.")
        provider = self._known(back.provider_id)
        try:
            subject = self._subject(provider, back)
        except DisbeliefError as error:
            self._refused(visit, provider, error.reason)
            raise
        if trip.account_id is not None:
            return self._link(visit, provider, subject, trip, known)
        sealer = self.entrance.sealer
        account_id, secret = self.entrance.database.run(
            lambda s: identities.enter(s, sealer, visit, provider, subject, trip.born_year)
        )
        entered = self.entrance.entered(account_id, secret)
        return Arrived(provider.id, trip.onwards, entered)

    def wechat(self) -> Choice | None:
        """WeChat, where people may come in through it now."""
        with self.entrance.database.transaction(writes=False) as session:
            return providers.wechat(session)

    def callback(self, provider_id: str) -> str:
        """Where a provider sends people back to: it is to be registered there."""
        return callback(self.base, provider_id)

    def _link(
        self,
        visit: Visit,
        provider: KnownProvider,
        subject: str,
        trip: Row[str, str | None, str, int | None],
        known: Known | None,
    ) -> Arrived:
        if known is None or known.is_half_open or known.account_id != trip.account_id:
            raise ForbiddenError("trip", "Somebody else is signed in by now. Begin again.")
        sealer, database = self.entrance.sealer, self.entrance.database

        def link(session: Session) -> str | None:
            other = identities.owner(session, sealer, provider, subject)
            is_theirs = other not in (None, known.account_id)
            if is_theirs and other and not second_factor.is_on(session, other):
                return proving.seal(session, self.entrance, known, other)
            actor = visit.actor(known.account_id)
            identities.link(session, sealer, actor, known, provider, subject)
            return None

        sessions.require_fresh(known)
        return Arrived(provider.id, trip.onwards, proof=database.run(link))

    def _known(self, provider_id: str) -> KnownProvider:
        with self.entrance.database.transaction(writes=False) as session:
            return providers.known(session, self.entrance.sealer, provider_id)

    def _there(self, provider: KnownProvider, browser: str, state: str) -> str:
        if provider.protocol == Vouching.CAS:
            return cas_client.login(provider, self._service(provider, state))
        if provider.protocol == Vouching.WECHAT:
            return wechat.login(provider, self.callback(provider.id), state)
        trip = self._trip(provider, browser, state)
        return self.issuers.authorization(provider, trip, state)

    def _subject(self, provider: KnownProvider, back: Returned) -> str:
        if back.error or not back.code:
            raise DisbeliefError("refused")
        if provider.protocol == Vouching.CAS:
            service = self._service(provider, back.state)
            return cas_client.subject(self.web, provider, service, back.code)
        if provider.protocol == Vouching.WECHAT:
            return wechat.subject(self.web, provider, back.code)
        self.issuers.require_issuer(provider, back.issuer)
        trip = self._trip(provider, back.browser, back.state, back.code)
        return self.issuers.subject(provider, trip)

    def _trip(self, provider: KnownProvider, browser: str, state: str, code: str = "") -> Return:
        nonce, verifier = (_derived(browser, what, state) for what in ("nonce", "verifier"))
        return Return(code, self.callback(provider.id), nonce, verifier)

    def _service(self, provider: KnownProvider, state: str) -> str:
        return f"{self.callback(provider.id)}?state={state}"

    def _refused(self, visit: Visit, provider: KnownProvider, reason: str) -> None:
        about = (f"provider:{provider.id}", provider.library_id)
        self.entrance.database.run(
            lambda s: audit.note(s, visit.actor(None), "provider.refused", *about, reason=reason)
        )


def callback(base: str, provider_id: str) -> str:
    """Where a provider sends people back to an installation at ``base``."""
    return f"{base}{PATH}{provider_id}"


def purge(session: Session) -> None:
    """Forgets those who did not come back in time."""
    session.execute(delete(ProviderVisit).where(ProviderVisit.expires_at < now()))


def _spend(session: Session, back: Returned) -> Row[str, str | None, str, int | None] | None:
    """The trip of this state and this browser, which is over."""
    mine = delete(ProviderVisit).where(
        ProviderVisit.state == accounts.digest(back.state),
        ProviderVisit.browser == accounts.digest(back.browser),
        ProviderVisit.expires_at > now(),
    )
    spent = mine.returning(
        ProviderVisit.provider_id,
        ProviderVisit.account_id,
        ProviderVisit.onwards,
        ProviderVisit.born_year,
    )
    return session.execute(spent).first()


def _derived(browser: str, what: str, state: str) -> str:
    """A secret of this browser and this trip alone: 43 characters (RFC 7636 §4.1)."""
    made = hmac(browser.encode(), f"{what}:{state}".encode(), sha256).digest()
    return urlsafe_b64encode(made).decode().rstrip("=")
