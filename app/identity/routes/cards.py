"""Staff at the desk: library cards of people who stand there. Numbers are sent in bodies alone."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.errors import Fault, InvalidError
from app.identity.handles import normal
from app.identity.people import AccountId
from app.identity.schemas import CardItem, LibraryId
from app.identity.services import audit
from app.identity.services import cards as services
from app.identity.services.cards import Standing
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Answer, Endpoints

cards = Endpoints("identity.cards", "/api/v1/libraries")
MANAGE = Permission.MANAGE_READERS
CardText = Annotated[str, Meta(min_length=2, max_length=64)]


class CardNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of a card of the library."""

    card: CardText


class CardGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card, and whose it is to be: a reader of the library by the id of their account, or
    whoever tells the code that their account shows them.
    """

    card: CardText
    account: AccountId | None = None
    code: Annotated[str, Meta(min_length=4, max_length=40)] | None = None


class Slip(msgspec.Struct, frozen=True):
    """The code to print for the reader. It is shown this once."""

    code: str
    until: str


@cards.post("/<library_id>/cards/standing", MANAGE, problems=(404,))
def standing(
    session: Session, caller: Caller, sealer: Sealer, library_id: LibraryId, body: CardNamed
) -> CardItem:
    """How a card of the library stands."""
    return _item(services.standing(session, sealer, caller, normal(body.card, library_id)))


@cards.post("/<library_id>/cards", MANAGE, problems=(404, 409))
def give(
    session: Session, caller: Caller, sealer: Sealer, library_id: LibraryId, body: CardGiven
) -> CardItem:
    """Put a card on the account of a person who stands at the desk."""
    card, actor = normal(body.card, library_id), audit.actor_of(caller)
    if body.account is not None and body.code is None:
        found = services.give(session, sealer, caller, actor, card, body.account)
    elif body.code is not None and body.account is None:
        found = services.give_by_code(session, sealer, caller, actor, card, body.code)
    else:
        raise InvalidError(Fault("account", "either-or", "either `account` or `code`"))
    return _item(found)


@cards.post("/<library_id>/cards/removals", MANAGE, status=204, problems=(404, 409))
def take_off(
    session: Session, caller: Caller, sealer: Sealer, library_id: LibraryId, body: CardNamed
) -> None:
    """Take a card off its account; one that nobody claimed goes with the account."""
    card = normal(body.card, library_id)
    services.take_off(session, sealer, caller, audit.actor_of(caller), card)


@cards.post("/<library_id>/cards/slips", MANAGE, status=201, problems=(404, 409))
def slip(
    database: Database, caller: Caller, sealer: Sealer, library_id: LibraryId, body: CardNamed
) -> Answer[Slip]:
    """Make the code by which a reader without a phone claims their card, to be printed."""
    card, actor = normal(body.card, library_id), audit.actor_of(caller)
    # In a transaction of its own, so that no Idempotency-Key keeps the code with the answer.
    code, until = database.run(lambda s: services.slip(s, sealer, caller, actor, card))
    return Answer(Slip(code, rfc3339(until)), 201)


def _item(found: Standing) -> CardItem:
    return CardItem(
        found.account_id,
        found.state,
        rfc3339(found.expires_at) if found.expires_at else None,
        found.is_claimed,
        rfc3339(found.slip_until) if found.slip_until else None,
    )
