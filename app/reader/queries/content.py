"""Finding bytes: which record holds which publication, and where a resource of it lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from app.catalog.models import (
    HeldPublication,
    PublicationEntry,
    RecordRow,
    StoredPublication,
)
from app.catalog.queries.records import PARENT, WHOLE
from app.database import read
from app.errors import NotFoundError
from app.identity.access import Policies, counted_at, policies_of
from app.identity.models import Library, Use

PREFIX = 16
"""Hexadecimal digits of the SHA-256 that stand in an address."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a publication, where its bytes lie, and what decides on its use.

    ``use_until`` is when the use ends that was asked about, if there is one and it goes on.
    """

    id: str
    state: str
    audience: str
    policy: str
    parent_policy: str | None
    whole_policy: str | None
    library_policy: str | None
    parent_id: str | None
    whole_id: str | None
    library_id: str
    library_path: str
    use_until: datetime | None
    sha256: str
    served_key: str
    media_type: str
    method: int
    offset: int
    compressed: int
    size: int
    crc: int
    passthrough: bool
    copy_key: str | None
    withheld: str | None

    @property
    def policies(self) -> Policies:
        """Every policy that the use of its record asks for."""
        return policies_of(self.policy, self.parent_policy, self.whole_policy, self.library_policy)

    @property
    def counted(self) -> dict[str, str]:
        """Where the uses of its record are counted."""
        return counted_at(self.id, self.parent_id, self.whole_id, self.library_id)


_RESOURCE = (
    select(
        RecordRow.id, RecordRow.state, RecordRow.audience, RecordRow.policy,
        PARENT.policy.label("parent_policy"), WHOLE.policy.label("whole_policy"),
        Library.policy.label("library_policy"), RecordRow.parent_id,
        PARENT.parent_id.label("whole_id"), RecordRow.library_id, Library.path,
        Use.until.label("use_until"),
        StoredPublication.sha256, StoredPublication.served_key,
        PublicationEntry.media_type, PublicationEntry.method, PublicationEntry.offset,
        PublicationEntry.compressed, PublicationEntry.size, PublicationEntry.crc,
        PublicationEntry.passthrough, PublicationEntry.copy_key, PublicationEntry.withheld,
    )
    .join(Library, Library.id == RecordRow.library_id)
    .outerjoin(PARENT, PARENT.id == RecordRow.parent_id)
    .outerjoin(WHOLE, WHOLE.id == PARENT.parent_id)
    .outerjoin(
        Use,
        and_(
            Use.id == bindparam("use"), Use.record_id == RecordRow.id, Use.ended_at.is_(None)
        ),
    )
    .join(HeldPublication, HeldPublication.record_id == RecordRow.id)
    .join(StoredPublication, StoredPublication.sha256 == HeldPublication.sha256)
    .join(PublicationEntry, PublicationEntry.sha256 == StoredPublication.sha256)
    .where(
        RecordRow.id == bindparam("record_id"),
        HeldPublication.sha256 >= bindparam("first"),
        HeldPublication.sha256 < bindparam("end"),
        PublicationEntry.path == bindparam("path"),
    )
)  # fmt: skip


def resource(session: Session, record_id: str, prefix: str, path: str, use: str = "") -> Resource:
    """A resource by the record, the beginning of the publication's digest, and its path.

    ``use`` is the id of the use that it is asked for under.

    :raises NotFoundError: when the record does not hold it.
    """
    values = {"record_id": record_id, "first": prefix, "end": prefix + "g", "path": path}
    row = read(session, _RESOURCE, **values, use=use).first()
    if row is None:
        raise NotFoundError("resource", path[:200])
    return Resource(*tuple(row))


@dataclass(frozen=True, slots=True)
class Held:
    """A publication as its manifest needs it."""

    sha256: str
    format: str
    media_type: str
    size: int
    served_key: str
    filename: str
    publication: bytes
    covers: bytes


_HELD = (
    select(
        StoredPublication.sha256, StoredPublication.format, StoredPublication.media_type,
        StoredPublication.size, StoredPublication.served_key, HeldPublication.filename,
        StoredPublication.publication, StoredPublication.covers,
    )
    .join(HeldPublication, HeldPublication.sha256 == StoredPublication.sha256)
    .where(HeldPublication.record_id == bindparam("record_id"))
    .order_by(HeldPublication.held_at.desc(), HeldPublication.sha256)
    .limit(1)
)  # fmt: skip


def publication(session: Session, record_id: str) -> Held:
    """The publication that a record holds: the newest, where there are several.

    :raises NotFoundError: when it holds none.
    """
    row = read(session, _HELD, record_id=record_id).one_or_none()
    if row is None:
        raise NotFoundError("publication", record_id)
    return Held(*tuple(row))


def sizes(session: Session, sha256: str) -> dict[str, tuple[int, int]]:
    """The (compressed, full) bytes of every resource that is served, by path."""
    wanted = select(
        PublicationEntry.path, PublicationEntry.compressed, PublicationEntry.size
    ).where(and_(PublicationEntry.sha256 == sha256, PublicationEntry.withheld.is_(None)))
    return {row.path: (row.compressed, row.size) for row in session.execute(wanted)}
