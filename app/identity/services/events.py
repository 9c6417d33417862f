"""What happens to a library: written into its history and into the audit, at a new version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.database import new_id, now
from app.identity.models import Library, LibraryEvent
from app.identity.services import audit
from app.identity.services.audit import Actor

Facts = Mapping[str, str | None]


def happened(
    session: Session,
    actor: Actor,
    library: Library,
    kind: str,
    *,
    was: Facts,
    now_is: Facts,
    note: str = "",
    below: str | None = None,
) -> None:
    """Adds an event: what was and what is, and the reason that people are given for it.

    ``below`` is for moves: see the table.
    """
    library.version += 1
    detail: dict[str, Any] = {"was": was, "now": now_is}
    session.add(
        LibraryEvent(
            id=new_id(),
            library_id=library.id,
            kind=kind,
            at=now(),
            account_id=actor.account_id,
            below=below,
            note=note,
            detail=msgspec.json.encode(detail),
        )
    )
    session.flush()
    audit.note(session, actor, f"library.{kind}", f"library:{library.id}", library.id, **detail)
