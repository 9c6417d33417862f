"""Keeping policies, and saying which one a library has."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError
from app.identity import policies, tree
from app.identity.models import Library, PolicyRow
from app.identity.policies import Policy, Rules
from app.identity.services import audit, authority
from app.identity.services.audit import Actor
from app.permissions import Permission


def kept(session: Session, said: Policy | Rules, place: str) -> str:
    """The name of a policy, which is kept if it is new.

    :raises InvalidError: when it makes no sense; ``place`` is where it was said.
    """
    if isinstance(said, Policy):
        return said
    policies.require_sense(said, place)
    name = policies.name_of(said)
    if name in policies.NAMED:
        return name
    rules = policies.encoded(said)
    there = session.scalar(select(PolicyRow.rules).where(PolicyRow.name == name))
    if there is None:
        session.add(PolicyRow(name=name, rules=rules, added_at=now()))
        session.flush()
    elif there != rules:
        raise ConflictError("Another policy has this one's name. Change a minute of it.")
    return name


def set_for_library(
    session: Session, actor: Actor, reach: Sequence[str], library_id: str, said: Policy | Rules
) -> Library:
    """Has every use of the library's records ask for this, beside what each asks for itself.

    What is kept of a record in caches may go by the old policy for as long as
    ``app.caching.LONGEST`` says.

    :raises InvalidError: when the policy makes no sense.
    :raises NotFoundError, ForbiddenError: for the library.
    """
    library = tree.locked(session, library_id)
    authority.require(reach, Permission.MANAGE_LIBRARIES, library)
    name = kept(session, said, "body.policy")
    before = library.policy or Policy.OPEN
    if name != before:
        library.policy = None if name == Policy.OPEN else name
        library.version += 1
        subject = f"library:{library.id}"
        audit.note(session, actor, "library.policy", subject, library.id, before=before, after=name)
        session.flush()
    return library
