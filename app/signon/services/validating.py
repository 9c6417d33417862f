"""Tickets as systems show them: validated, traded for the right to proxy, and proxied.

CAS Protocol 3.0.3 §2.4–2.9. A ticket is spent by the first who shows it, whatever comes of it. A
proxy-granting ticket is sent to the callback address that was registered, and nowhere else; no
transaction is held meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.outgoing.ports import Outgoing, OutgoingError, Web
from app.sealing import Sealer
from app.signon import addresses
from app.signon.cas_answers import Code, Failure, ProxyFailure, ProxyTicket, Success
from app.signon.schemas import CasSettings, Scope
from app.signon.services import approvals, claims, clients, sign_ons, tickets
from app.signon.services.clients import KnownClient
from app.signon.services.tickets import Person, Spent

Attributes = dict[str, str | bool | int]
PATIENCE = 5.0
"""Seconds that a proxy callback may take."""
MOST = 64 * 1024
"""Bytes of its answer."""
_UNKNOWN = "This ticket is not known, was used before, or has expired."
_OVER = "The session that this ticket is of has ended."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a system wants to know. Empty is what it did not say."""

    service: str
    ticket: str
    callback: str = ""
    """Where a proxy-granting ticket is to be sent (``pgtUrl``)."""
    needs_new_login: bool = False
    """Whether the person must have signed in for this very ticket (``renew``)."""
    takes_proxies: bool = False
    wants_attributes: bool = False
    """Whether it is to learn more than who it is and how they signed in (``/p3``)."""


@dataclass(frozen=True, slots=True)
class _Good:
    """A ticket that held what it was asked."""

    spent: Spent
    client: KnownClient[CasSettings]
    person: Person


@dataclass(frozen=True, slots=True)
class Validator:
    """Answers systems; ``web`` is the way to their callbacks."""

    database: Database
    web: Web
    sealer: Sealer

    def validate(self, asked: Asked) -> Success | Failure:
        """Who the person is that the ticket stands for; the ticket is spent."""
        if not asked.service or not asked.ticket:
            return Failure(Code.INVALID_REQUEST, "Both 'service' and 'ticket' are needed.")
        if not asked.callback:
            return self.database.run(lambda s: self._answered(s, asked, _checked(s, asked)))
        good = self.database.run(lambda s: _checked(s, asked))
        if isinstance(good, Failure):
            return good
        granting, iou = tickets.random("PGT-"), tickets.random("PGTIOU-")
        if not self._is_handed_over(asked.callback, granting, iou):
            return Failure(Code.INVALID_PROXY_CALLBACK, "The proxy callback did not answer 200.")
        return self.database.run(lambda s: self._answered(s, asked, good, granting, iou))

    def proxy(self, granting: str, service: str) -> ProxyTicket | ProxyFailure:
        """A proxy ticket for the service at this address (§2.7)."""
        if not granting or not service:
            said = "Both 'pgt' and 'targetService' are needed."
            return ProxyFailure(Code.INVALID_REQUEST, said)
        return self.database.run(lambda s: _proxied(s, granting, service))

    def _is_handed_over(self, callback: str, granting: str, iou: str) -> bool:
        """Sends the ticket to the system itself: who has it proved to be there (§2.5.4)."""
        sent = urlencode({"pgtId": granting, "pgtIou": iou})
        url = f"{callback}{'&' if '?' in callback else '?'}{sent}"
        try:
            return self.web.ask(Outgoing("GET", url, patience=PATIENCE, most=MOST)).status == 200
        except OutgoingError:
            return False

    def _answered(
        self,
        session: Session,
        asked: Asked,
        good: _Good | Failure,
        granting: str = "",
        iou: str = "",
    ) -> Success | Failure:
        """Notes that the person is signed on there, and keeps what was handed over."""
        if isinstance(good, Failure):
            return good
        spent, client = good.spent, good.client
        person = tickets.person(session, spent.session_id)
        if person is None:  # it ended while the callback was asked
            return Failure(Code.INVALID_TICKET, _OVER)
        if spent.kind == "service":
            sign_ons.add(
                session,
                person.session_id,
                person.account_id,
                client.id,
                service=spent.service,
                ticket=asked.ticket,
            )
        if granting:
            chain = (asked.callback, *spent.proxies)
            tickets.add(session, granting, person, client.id, proxies=chain)
        told = _of_the_sign_in(person, is_new_login=spent.is_new_login)
        if asked.wants_attributes:
            told |= self._of_the_person(session, client, person)
        return Success(person.account_id, told, iou, spent.proxies)

    def _of_the_person(
        self, session: Session, client: KnownClient[CasSettings], person: Person
    ) -> Attributes:
        """What was released for the service, and agreed to where that is needed (§2.5.5)."""
        missing = unasked(session, client, person.account_id)
        scopes = [scope for scope in client.settings.scopes if scope not in missing]
        told = claims.of(session, self.sealer, person, " ".join(scopes))
        return {name: value for name, value in told.items() if name != "sub"}


def unasked(session: Session, client: KnownClient[CasSettings], account_id: str) -> frozenset[str]:
    """The scopes of a service that the person is still to be asked about."""
    scopes, is_trusted = (Scope.OPENID, *client.settings.scopes), client.settings.is_trusted
    return approvals.missing(session, account_id, client.id, scopes, is_trusted=is_trusted)


def _checked(session: Session, asked: Asked) -> _Good | Failure:
    """What the ticket stands for, which is spent; a refusal is no error, since that must stand."""
    spent = tickets.spend(session, asked.ticket)
    if spent is None:
        return Failure(Code.INVALID_TICKET, _UNKNOWN)
    if spent.kind == "proxy" and not asked.takes_proxies:
        said = "This is a proxy ticket, and here only service tickets are taken."
        return Failure(Code.INVALID_TICKET_SPEC, said)
    if spent.service != asked.service:
        return Failure(Code.INVALID_SERVICE, "This ticket is for another service.")
    if asked.needs_new_login and not spent.is_new_login:
        return Failure(Code.INVALID_TICKET, "Nobody signed in for this ticket ('renew').")
    client = clients.of_service(session, spent.service)
    if client is None or client.id != spent.client_id:
        return Failure(Code.UNAUTHORIZED_SERVICE, "This service is not registered, or suspended.")
    if not _takes(client.settings, spent.proxies):
        said = "This service does not take tickets from one of these proxies."
        return Failure(Code.INVALID_TICKET, said)
    if asked.callback and (refusal := _refused_callback(client.settings, asked.callback)):
        return refusal
    if asked.callback and _bare(asked.callback) in map(_bare, spent.proxies):
        said = "This system stands in the chain of proxies already: it would go round for ever."
        return Failure(Code.INVALID_PROXY_CALLBACK, said)
    person = tickets.person(session, spent.session_id)
    if person is None:
        return Failure(Code.INVALID_TICKET, _OVER)
    return _Good(spent, client, person)


def _proxied(session: Session, granting: str, service: str) -> ProxyTicket | ProxyFailure:
    held = tickets.granting(session, granting)
    person = tickets.person(session, held.session_id) if held else None
    if held is None or person is None:
        said = "This proxy-granting ticket is not known, or its session has ended."
        return ProxyFailure(Code.INVALID_TICKET, said)
    holder = clients.cas(session, held.client_id)
    if holder is None or _refused_callback(holder.settings, held.proxies[0]):
        return ProxyFailure(Code.UNAUTHORIZED_SERVICE, "This system may not proxy any longer.")
    target = clients.of_service(session, service)
    if target is None or not _takes(target.settings, held.proxies):
        said = "The target service is not registered, or does not take tickets from this proxy."
        return ProxyFailure(Code.UNAUTHORIZED_SERVICE, said)
    if Scope.OPENID in unasked(session, target, person.account_id):
        said = "The person has not agreed yet that the target service knows them."
        return ProxyFailure(Code.UNAUTHORIZED_SERVICE, said)
    secret = tickets.random("PT-")
    tickets.add(session, secret, person, target.id, service, proxies=held.proxies)
    return ProxyTicket(secret)


def _takes(settings: CasSettings, proxies: tuple[str, ...]) -> bool:
    """Whether a service takes what came through all of these; who names no proxies takes none."""
    return all(_bare(proxy) in settings.proxies for proxy in proxies)


def _bare(address: str) -> str:
    return address.partition("?")[0]


def _refused_callback(settings: CasSettings, callback: str) -> Failure | None:
    if not settings.may_proxy or settings.proxy_callback is None:
        return Failure(Code.UNAUTHORIZED_SERVICE_PROXY, "This service may not proxy.")
    address, _, _query = callback.partition("?")
    if address != settings.proxy_callback or addresses.origin(callback) is None:
        said = "This is not the proxy callback that was registered."
        return Failure(Code.INVALID_PROXY_CALLBACK, said)
    return None


def _of_the_sign_in(person: Person, *, is_new_login: bool) -> Attributes:
    """How the person signed in (appendix A).

    Our cookie outlasts the browser: whoever did not sign in for this ticket was remembered (§4.1).
    """
    return {
        "authenticationDate": rfc3339(person.signed_in_at),
        "longTermAuthenticationRequestTokenUsed": not is_new_login,
        "isFromNewLogin": is_new_login,
    }
