"""How a library is reached, when it is open and what it looks like: public, and its own to say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import now
from app.errors import Fault, InvalidError, StaleError
from app.identity import tree
from app.identity.models import LibraryProfile
from app.identity.services import audit, authority
from app.identity.services.audit import Actor
from app.identity.wording import line
from app.permissions import Permission

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
_SCHEMES = ("http", "https")


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it is open on a day of the week, 1 for Monday (ISO 8601); in China's time."""

    day: Annotated[int, Meta(ge=1, le=7)]
    opens: Clock
    closes: Clock


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where it stands; degrees of WGS 84 where they are known."""

    text: Annotated[str, Meta(max_length=200)] = ""
    postcode: Annotated[str, Meta(pattern=r"^([0-9]{6})?$")] = ""
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None


class Contacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the library, not a person of it, is reached."""

    phone: Annotated[str, Meta(max_length=30, pattern=r"^(\+?[0-9][0-9 ()/-]*)?$")] = ""
    email: Annotated[str, Meta(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How its own pages look."""

    colour: Annotated[str, Meta(pattern=r"^(#[0-9a-f]{6})?$")] = ""
    motto: Annotated[str, Meta(max_length=80)] = ""
    website: Annotated[str, Meta(max_length=300)] = ""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a library says of itself; every part may be missing."""

    contacts: Contacts = Contacts()
    address: Address = Address()
    opening: Annotated[list[Hours], Meta(max_length=28)] = []
    opening_note: Annotated[str, Meta(max_length=200)] = ""
    look: Look = Look()


def get(session: Session, library_id: str) -> tuple[Profile, int]:
    """The profile of a library and its version; an empty one at version 1 where none was given.

    :raises NotFoundError: for an unknown library.
    """
    tree.shown(session, library_id)
    row = session.get(LibraryProfile, library_id)
    if row is None:
        return Profile(), 1
    return msgspec.json.decode(row.profile, type=Profile), row.version


def put(
    session: Session,
    actor: Actor,
    reach: Sequence[str],
    library_id: str,
    version: int,
    profile: Profile,
) -> int:
    """Sets the whole profile, and returns its new version.

    :raises NotFoundError, ForbiddenError: for the library.
    :raises StaleError: when it is past ``version``. :raises InvalidError: for what it says.
    """
    library = tree.locked(session, library_id)
    authority.require(reach, Permission.MANAGE_LIBRARIES, library)
    row = session.get(LibraryProfile, library_id)
    stands = row.version if row else 1
    if stands != version:
        raise StaleError("profile", library_id, stands)
    _check(profile)
    if row is None:
        row = LibraryProfile(library_id=library_id)
        session.add(row)
    row.version, row.changed_at = version + 1, now()
    row.profile = msgspec.json.encode(profile)
    session.flush()
    audit.note(session, actor, "library.profile", f"library:{library_id}", library_id)
    return row.version


def _check(profile: Profile) -> None:
    texts = {
        "address.text": profile.address.text,
        "opening_note": profile.opening_note,
        "look.motto": profile.look.motto,
    }
    for place, text in texts.items():
        line(text, f"body.{place}", 200, needed=False)
    if (profile.address.latitude is None) != (profile.address.longitude is None):
        raise InvalidError(Fault("body.address", "incomplete", "both degrees, or none"))
    _check_hours(profile.opening)
    _check_website(profile.look.website)


def _check_hours(opening: list[Hours]) -> None:
    for number, hours in enumerate(opening):
        if hours.opens >= hours.closes:
            message = "it opens before it closes; what is open over midnight is two"
            raise InvalidError(Fault(f"body.opening[{number}]", "order", message))
    ordered = sorted(opening, key=lambda hours: (hours.day, hours.opens))
    for before, after in pairwise(ordered):
        if before.day == after.day and after.opens < before.closes:
            message = f"{before.opens} to {before.closes} and {after.opens} to {after.closes}"
            raise InvalidError(Fault("body.opening", "overlap", f"on day {after.day}: {message}"))


def _check_website(website: str) -> None:
    """Only what a browser may follow as an ordinary link, and without a password in it."""
    if not website:
        return
    try:
        parts = urlsplit(line(website, "body.look.website", 300))
        is_fine = parts.scheme in _SCHEMES and bool(parts.hostname) and "@" not in parts.netloc
        is_fine = is_fine and parts.port != 0
    except ValueError:
        is_fine = False
    if not is_fine or any(character.isspace() or character in "<>\"'" for character in website):
        message = "an address such as https://library.example.cn/"
        raise InvalidError(Fault("body.look.website", "invalid", message))
