"""How a library is reached, when it is open and what it looks like."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.identity.schemas import LibraryId
from app.identity.services import profiles
from app.identity.services.audit import actor_of
from app.identity.services.profiles import Profile
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints, IfMatch

library_profiles = Endpoints("identity.library_profiles", "/api/v1/libraries/<library_id>/profile")


@library_profiles.get("", Permission.PUBLIC)
def show(session: Session, library_id: LibraryId) -> Answer[Profile]:
    """A library's contacts, address, opening times and look."""
    profile, version = profiles.get(session, library_id)
    return Answer(profile, etag=f"v{version}")


@library_profiles.put("", Permission.MANAGE_LIBRARIES, problems=(412, 428))
def edit(
    session: Session, caller: Caller, library_id: LibraryId, version: IfMatch, body: Profile
) -> Answer[Profile]:
    """Set the whole profile of a library.

    Send the ETag that you read as If-Match.
    """
    reach = caller.reach(Permission.MANAGE_LIBRARIES)
    stands = profiles.put(session, actor_of(caller), reach, library_id, version, body)
    return Answer(body, etag=f"v{stands}")
