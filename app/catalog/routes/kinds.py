"""The catalogue by kind: books, journals and their issues and articles, collections, courses.

Every kind has the same list and the same record page; what belongs to another record (issues of
a journal) is listed below it.
"""

from __future__ import annotations

from msgspec import Raw
from sqlalchemy.orm import Session

from app.catalog.composing import PLURALS
from app.catalog.description import CHILDREN, Kind
from app.catalog.queries import records
from app.catalog.routes.noting import used
from app.catalog.schemas import ListQuery, RawList, RecordId, RecordView, SummaryList
from app.catalog.services.viewing import view
from app.cursors import Cursors
from app.permissions import Caller, Permission
from app.usage.facts import Event
from app.usage.recorder import Recorder
from app.web.api import Answer, Endpoints

LISTED = (Kind.BOOK, Kind.JOURNAL, Kind.COLLECTION, Kind.COURSE)


def endpoints_of(kind: Kind) -> Endpoints:
    """The typed endpoints of one kind."""
    plural = PLURALS[kind]
    group = Endpoints(f"catalog.{plural}", f"/api/v1/{plural}")

    if kind in LISTED:

        @group.get("", Permission.PUBLIC)
        def index(
            session: Session, caller: Caller, query: ListQuery, cursors: Cursors
        ) -> Answer[SummaryList]:
            """Published records of this kind, the newest first."""
            return _list(session, caller, query, cursors, kind, None)

    @group.get("/<record_id>", Permission.PUBLIC, problems=(410,))
    def show(
        session: Session, caller: Caller, usage: Recorder, record_id: RecordId
    ) -> Answer[RecordView]:
        """A record: its description, its files, and whether you may open it."""
        found = records.visible(session, record_id, caller.audience, kind)
        used(usage, caller, Event.VIEW, found)
        return Answer(view(session, caller, found))

    @group.get("/<record_id>/editions", Permission.PUBLIC, problems=(410,))
    def editions(session: Session, caller: Caller, record_id: RecordId) -> Answer[SummaryList]:
        """The editions of the same work."""
        found = records.visible(session, record_id, caller.audience, kind)
        kept = records.editions(session, found.work_id, caller.audience)
        return Answer(RawList([Raw(summary) for summary in kept], None))  # type: ignore[arg-type]  # kept ready-made

    if child := CHILDREN.get(kind):

        @group.get(f"/<record_id>/{PLURALS[child]}", Permission.PUBLIC, problems=(410,))
        def parts(
            session: Session,
            caller: Caller,
            record_id: RecordId,
            query: ListQuery,
            cursors: Cursors,
        ) -> Answer[SummaryList]:
            """What belongs to this record, the newest first."""
            records.visible(session, record_id, caller.audience, kind)
            return _list(session, caller, query, cursors, child, record_id)

    return group


GROUPS = {kind: endpoints_of(kind) for kind in Kind}


def _list(
    session: Session,
    caller: Caller,
    query: ListQuery,
    cursors: Cursors,
    kind: Kind,
    parent_id: str | None,
) -> Answer[SummaryList]:
    question = [str(kind), parent_id, query.library]
    page = records.newest(
        session,
        audience=caller.audience,
        kind=kind,
        parent_id=parent_id,
        library_id=query.library,
        after=cursors.open(question, query.cursor),
        limit=query.limit,
    )
    end = cursors.seal(question, page.next) if page.next else None
    items = RawList([Raw(summary) for summary in page.summaries], end)
    return Answer(items)  # type: ignore[arg-type]  # the same JSON, kept ready-made
