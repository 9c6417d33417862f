"""What a manifest links to: chapters, images, fonts, so that relative links inside a book work."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.adapters import Adapters
from app.errors import NotFoundError, NotUsableError
from app.identity import access
from app.identity.services.circumstances import Now
from app.permissions import Caller, Permission
from app.reader.queries import content as queries
from app.reader.routes import opening, sending
from app.reader.services.grants import Grants, parsed
from app.web.api import Endpoints

content = Endpoints("reader.content")
content.blueprint.after_request(sending.secure)
GrantText = Annotated[str, Meta(max_length=64)]
Held = Annotated[str, Meta(pattern=r"\A[0-9a-f-]{36}-[0-9a-f]{16}\Z")]
InsidePath = Annotated[str, Meta(max_length=1_024)]


@content.get("/content/<grant>/<held>/<path:path>", Permission.PUBLIC, json=False)
def show(
    session: Session,
    caller: Caller,
    adapters: Adapters,
    grants: Grants,
    places: opening.Places,
    grant: GrantText,
    held: Held,
    path: InsidePath,
) -> Response:
    """A resource of a publication, as it lies in its archive where that is possible.

    The grant says that the reader was let in; place and time are asked again, the reader is not.
    Reading goes on with the use that a grant names, and ends with it.
    """
    record_id, _, prefix = held.rpartition("-")
    given = parsed(grant)
    resource = queries.resource(session, record_id, prefix, path, given.use)
    if resource.state == "draft":
        raise NotFoundError("resource", path[:200])
    left = grants.check(given, resource, held)
    if left is None:
        return sending.send(adapters.store, resource, "public, max-age=86400, s-maxage=300")
    facts = Now(session, caller)
    access.require_anew(caller, resource, facts)
    if access.numbers(resource, facts):
        _require_running(resource, facts.when)
    answer = sending.send(adapters.store, resource, f"private, max-age={left}")
    return places.read_on(answer, given.use, resource.use_until)


def _require_running(resource: queries.Resource, when: datetime) -> None:
    """That the use which the grant names goes on: given back, it opens nothing more."""
    if resource.use_until is None or resource.use_until <= when:
        raise NotUsableError("grant", "Ask for the manifest again.")
