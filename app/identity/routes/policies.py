"""What using any record of a library asks for."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from app.identity import tree
from app.identity.models import Library
from app.identity.policies import Policy, Rules
from app.identity.queries.policies import rules
from app.identity.schemas import LibraryId
from app.identity.services import audit
from app.identity.services import policies as services
from app.permissions import Caller, Permission
from app.web.api import Endpoints

policies = Endpoints("identity.policies", "/api/v1/libraries/<library_id>/policy")
MANAGE = Permission.MANAGE_LIBRARIES


class LibraryPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy by its name, or by what it asks for."""

    policy: Policy | Rules


class PolicyView(msgspec.Struct, frozen=True):
    """A policy by its name, and what it asks for; null when this release cannot read it."""

    policy: str
    rules: Rules | None


@policies.get("", Permission.PUBLIC)
def show(session: Session, library_id: LibraryId) -> PolicyView:
    """What using any of the library's records asks for, beside what each asks for itself."""
    return _view(session, tree.shown(session, library_id))


@policies.put("", MANAGE)
def put(session: Session, caller: Caller, library_id: LibraryId, body: LibraryPolicy) -> PolicyView:
    """Have every use of the library's records ask for this; it counts within a minute.

    The libraries below it have policies of their own.
    """
    reach, actor = caller.reach(MANAGE), audit.actor_of(caller)
    library = services.set_for_library(session, actor, reach, library_id, body.policy)
    return _view(session, library)


def _view(session: Session, library: Library) -> PolicyView:
    name = library.policy or Policy.OPEN
    return PolicyView(name, rules(session, name))
