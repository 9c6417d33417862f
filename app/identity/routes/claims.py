"""Readers: claiming the card that a library has of them, and adding cards to one's account."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from app.database import Database
from app.identity.callers import session_of
from app.identity.handles import Handle, normal
from app.identity.routes import visits
from app.identity.routes.bodies import PasswordText, Ticket, TicketText
from app.identity.routes.cards import CardText
from app.identity.routes.sessions import answer
from app.identity.schemas import LibraryId, Me
from app.identity.services import cards, codes, consents, describing
from app.identity.services.claiming import Claimant, Claims, Shown
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Answer, Endpoints

claims = Endpoints("identity.claims", "/api/v1/cards")
own_cards = Endpoints("identity.own_cards", "/api/v1/me/cards")
PUBLIC, SIGNED_IN = Permission.PUBLIC, Permission.SIGNED_IN
CodeText = Annotated[str, Meta(min_length=6, max_length=40)]


class CardAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card by its library and its number."""

    library: LibraryId
    card: CardText


class CardShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card, and what shows that it is one's own: with ``ticket`` the code that was sent to where
    the library reaches its reader, without it the code of the slip that the library printed.
    """

    library: LibraryId
    card: CardText
    code: CodeText
    ticket: TicketText | None = None


class CardClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As for adding a card, and what signing up asks for; with a slip also a password."""

    library: LibraryId
    card: CardText
    code: CodeText
    agreed: Annotated[dict[str, str], Meta(max_length=8)]
    ticket: TicketText | None = None
    password: PasswordText | None = None
    born: Annotated[int, Meta(ge=1900, le=2100)] | None = None


class DeskCode(msgspec.Struct, frozen=True):
    """What is told at the desk of a library, once."""

    code: str
    seconds: int


@claims.post("/codes", PUBLIC, status=202, problems=(404, 429))
def ask(claimed: Claims, caller: Caller, body: CardAsked) -> Ticket:
    """Have a code be sent to the phone or address that the library has of the card's reader.

    The answer is the same whether there is such a card or not, and wherever it went.
    """
    ticket = claimed.ask(visits.visit_of(caller), _card(body))
    return Ticket(ticket, int(codes.LIFE.total_seconds()))


@claims.post("/claims", PUBLIC, status=201, problems=(404, 409, 429))
def claim(database: Database, claimed: Claims, caller: Caller, body: CardClaim) -> Me:
    """Take over the account that a library made for its card, and be signed in."""
    consents.require(body.agreed, "body.agreed")
    shown = Shown(_card(body), body.code, body.ticket)
    claimant = Claimant(body.password, body.agreed, body.born)
    return answer(database, claimed.claim(visits.visit_of(caller), shown, claimant))


@own_cards.post("", SIGNED_IN, status=201, problems=(409, 429))
def add(database: Database, claimed: Claims, caller: Caller, body: CardShown) -> Me:
    """Add a library card to one's account; asks to have signed in a moment ago."""
    known = session_of(caller)
    claimed.add_card(visits.visit_of(caller), known, Shown(_card(body), body.code, body.ticket))
    with database.transaction(writes=False) as session:
        return describing.me(session, known)


@own_cards.post("/desk-codes", SIGNED_IN, status=201)
def desk_code(database: Database, caller: Caller, sealer: Sealer) -> Answer[DeskCode]:
    """A code to tell at the desk of a library, where a card is put on one's account."""
    account_id = session_of(caller).account_id
    # In a transaction of its own, so that no Idempotency-Key keeps the code with the answer.
    code = database.run(lambda session: cards.desk_code(session, sealer, account_id))
    return Answer(DeskCode(code, int(cards.DESK_LIFE.total_seconds())), 201)


def _card(body: CardAsked | CardShown | CardClaim) -> Handle:
    return normal(body.card, body.library)
