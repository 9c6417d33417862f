"""CAS as a client: a ticket of a library's server, shown there, answers who it was given to.

CAS Protocol 3.0.3 §2.5. The answer is XML from elsewhere: no document type, no entities, nothing
fetched, and no more of it than fits. Attributes are not looked at.
"""

from __future__ import annotations

from urllib.parse import urlencode

from lxml import etree

from app.outgoing.ports import Outgoing, Web
from app.signon.disbelief import DisbeliefError, asked
from app.signon.services.providers import KnownProvider

LONGEST_TICKET = 256
"""§3.1.1, and those that are longer than they must be taken."""
LONGEST_USER = 255
MOST = 64 * 1024
"""Bytes of an answer."""
_CAS = "{http://www.yale.edu/tp/cas}"


def login(provider: KnownProvider, service: str) -> str:
    """Where the browser is sent (§2.1.1)."""
    return f"{provider.address.rstrip('/')}/login?{urlencode({'service': service})}"


def subject(web: Web, provider: KnownProvider, service: str, ticket: str) -> str:
    """Whom the server gave the ticket to, for this very address.

    :raises UnavailableError: without an answer. :raises DisbeliefError: when it is nobody.
    """
    user = _answered(web, provider, service, ticket).findtext(
        f"{_CAS}authenticationSuccess/{_CAS}user"
    )
    found = (user or "").strip()
    if not 0 < len(found) <= LONGEST_USER:
        raise DisbeliefError("ticket")
    return found


def check(web: Web, provider: KnownProvider, service: str) -> None:
    """That the server refuses a ticket that it never gave, as CAS does.

    :raises UnavailableError: without an answer. :raises DisbeliefError: when it answers otherwise.
    """
    answer = _answered(web, provider, service, "ST-0-none")
    if answer.find(f"{_CAS}authenticationFailure") is None:
        raise DisbeliefError("ticket")


def _answered(web: Web, provider: KnownProvider, service: str, ticket: str) -> etree._Element:
    if not 0 < len(ticket) <= LONGEST_TICKET:
        raise DisbeliefError("ticket")
    asks = urlencode({"service": service, "ticket": ticket})
    there = f"{provider.address.rstrip('/')}/serviceValidate?{asks}"
    answer = asked(web, Outgoing("GET", there, {"Accept": "application/xml"}, most=MOST), "ticket")
    return _read(answer.body)


def _read(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        dtd_validation=False,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DisbeliefError("ticket-form") from error
    if root.getroottree().docinfo.internalDTD is not None or root.tag != f"{_CAS}serviceResponse":
        raise DisbeliefError("ticket-form")
    return root
