"""A record's page, the same for every kind, at one address each."""

from __future__ import annotations

from flask import Response, redirect
from sqlalchemy.orm import Session

from app.catalog.composing import PLURALS, summary_decoder
from app.catalog.description import Kind
from app.catalog.models import SourceRecord
from app.catalog.queries import records as queries
from app.catalog.queries import subjects as subject_queries
from app.catalog.schemas import RecordId
from app.catalog.services.viewing import view
from app.database import now
from app.identity.access import numbers
from app.identity.queries.uses import UseLine, running
from app.identity.services.circumstances import Now
from app.pages.facts import facts, received
from app.pages.render import Site, language, page
from app.pages.visits import looked_at
from app.pages.words import Words
from app.permissions import Caller, Permission
from app.usage.recorder import Recorder
from app.web.api import Endpoints

records = Endpoints("pages.records")
_PAGES = {f"{plural}": kind for kind, plural in PLURALS.items()}
EDITIONS = 8
PARTS = 24


@records.get("/records/<record_id>", Permission.PUBLIC, json=False)
def find(session: Session, caller: Caller, record_id: RecordId) -> Response:
    """Leads to the record's page, whatever its kind."""
    found = queries.visible(session, record_id, caller.audience)
    return _to(address(found.kind, found.id))


@records.get(f"/<any({', '.join(_PAGES)}):plural>/<record_id>", Permission.PUBLIC, json=False)
def show(
    session: Session,
    caller: Caller,
    usage: Recorder,
    plural: str,
    record_id: RecordId,
    site: Site,
) -> Response:
    """A record: what it is, whether it can be opened, and everything said of it."""
    found = queries.visible(session, record_id, caller.audience)
    if found.kind != _PAGES[plural]:
        return _to(address(found.kind, found.id))
    seen = view(session, caller, found)
    about = seen.description
    editions = queries.editions(session, found.work_id, caller.audience, EDITIONS + 1)
    parts = queries.newest(session, audience=caller.audience, parent_id=found.id, limit=PARTS)
    looked_at(usage, caller, found)
    labels = subject_queries.labels(session, [subject.key for subject in about.subjects])
    most, mine = _places(session, caller, found)
    return page(
        site,
        "record.html",
        seen=seen,
        about=about,
        summary=summary_decoder.decode(found.summary),
        file=seen.files[0] if seen.files else None,
        most=most,
        mine=mine,
        subjects=[(subject, labels.get(subject.key, "")) for subject in about.subjects],
        editions=[s for kept in editions if (s := summary_decoder.decode(kept)).id != found.id],
        parts=[summary_decoder.decode(part) for part in parts.summaries],
        facts=facts(seen, Words(language())),
        source_fields=received(session.get(SourceRecord, found.id)),
    )


def _places(
    session: Session, caller: Caller, found: queries.Found
) -> tuple[int | None, UseLine | None]:
    """How many may read it at once, where that is limited, and the reader's own place."""
    limiting = numbers(found, Now(session, caller)).values()
    most = min((rules.at_once for rules in limiting if rules.at_once), default=None)
    if most is None or caller.account_id is None:
        return most, None
    return most, running(session, caller.account_id, found.id, now())


def address(kind: str, record_id: str) -> str:
    """The one address of a record's page."""
    return f"/{PLURALS[Kind(kind)]}/{record_id}"


def _to(place: str) -> Response:
    answer = redirect(place, 308)
    return Response(answer.get_data(), answer.status_code, answer.headers)
