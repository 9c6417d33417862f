"""Where a record stands: its state, its audience and policy, its library, what it belongs to."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.orm import Session

from app.catalog.description import LIVE, PARENTS, Kind
from app.catalog.models import RecordRow
from app.catalog.services import versions
from app.errors import Fault, InvalidError
from app.identity import tree


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of where a record stands; what is left out stays."""

    state: Literal["draft", "published"] | UnsetType = UNSET
    audience: Literal["public", "staff"] | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    library_id: str | UnsetType = UNSET
    parent_id: str | UnsetType | None = UNSET


STAYS = Place()


def move(session: Session, row: RecordRow, place: Place) -> None:
    """Has the record stand there.

    The caller keeps what stood, and raises the version.

    :raises NotFoundError: when there is no such library or parent.
    :raises InvalidError: when it cannot belong to that parent.
    """
    told = moved(row, place)
    if "library_id" in told:
        tree.get(session, str(told["library_id"]))
    if told.get("parent_id") is not None:
        require_parent(session, row.kind, str(told["parent_id"]))
    for name, value in told.items():
        setattr(row, name, value)


def moved(row: RecordRow, place: Place) -> dict[str, str | None]:
    """The columns in which this place is another than the record's."""
    told = msgspec.structs.asdict(place).items()
    return {n: value for n, value in told if value is not UNSET and value != getattr(row, n)}


def require_parent(session: Session, kind: str, parent_id: str) -> None:
    """That a record of this kind may belong to that record.

    :raises NotFoundError: when there is none. :raises InvalidError: when it may not.
    """
    parent = versions.load(session, parent_id)
    wanted = PARENTS.get(Kind(kind))
    if wanted is None or parent.kind != wanted:
        belongs = f"belongs to a {wanted}" if wanted else "belongs to no other record"
        raise InvalidError(Fault("body.parent", "wrong-kind", f"{kind} {belongs}"))
    if parent.state not in LIVE:
        raise InvalidError(Fault("body.parent", "withdrawn", "it was withdrawn"))
