"""A record as a reader sees it: description, files, and what they may do with it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.catalog.composing import PLURALS
from app.catalog.description import Kind, decoder
from app.catalog.queries import records
from app.catalog.schemas import FileLine, RecordView, Use
from app.database import rfc3339
from app.identity.access import decide
from app.identity.services.circumstances import Now
from app.permissions import Caller


def view(session: Session, caller: Caller, found: records.Found) -> RecordView:
    """The view of a record that the caller may see."""
    decision = decide(caller, found, Now(session, caller))
    holds = b'"available":true' in found.summary  # most records hold nothing: no need to ask
    files = [
        FileLine(file.format, file.media_type, file.size, file.filename)
        for file in (records.held(session, found.id) if holds else ())
    ]
    return RecordView(
        id=found.id,
        kind=Kind(found.kind),
        state=found.state,
        version=found.version,
        library=found.library_id,
        library_name=found.library,
        work=found.work_id,
        parent=found.parent_id,
        added_at=rfc3339(found.added_at),
        changed_at=rfc3339(found.changed_at),
        source=found.source,
        source_id=found.source_id,
        description=decoder.decode(found.description),
        files=files,
        use=Use(decision.allowed, decision.reason, decision.remedy, dict(decision.about)),
        links=_links(found, bool(files)),
    )


def _links(found: records.Found, readable: bool) -> dict[str, str]:
    base = f"/api/v1/{PLURALS[Kind(found.kind)]}/{found.id}"
    links = {"self": base, "page": f"/{PLURALS[Kind(found.kind)]}/{found.id}"}
    if b'"cover"' in found.summary:
        links["cover"] = f"{base}/cover"
    if readable:
        links |= {name: f"{base}/{name}" for name in ("manifest", "positions", "download")}
        links["read"] = f"/read/{found.id}"
    return links
