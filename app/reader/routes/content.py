"""What a manifest links to: chapters, images, fonts, so that relative links inside a book work."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.adapters import Adapters
from app.errors import NotFoundError
from app.identity.access import require_anew
from app.identity.services.circumstances import Now
from app.permissions import Caller, Permission
from app.reader.queries import content as queries
from app.reader.routes import sending
from app.reader.services.grants import Grants
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
    grant: GrantText,
    held: Held,
    path: InsidePath,
) -> Response:
    """A resource of a publication, as it lies in its archive where that is possible.

    The grant says that the reader was let in; place and time are asked again, the reader is not.
    """
    record_id, _, prefix = held.rpartition("-")
    resource = queries.resource(session, record_id, prefix, path)
    if resource.state == "draft":
        raise NotFoundError("resource", path[:200])
    left = grants.check(grant, resource, held)
    if left is not None:
        require_anew(caller, resource, Now(session, caller))
    cache = "public, max-age=86400, s-maxage=300" if left is None else f"private, max-age={left}"
    return sending.send(adapters.store, resource, cache)
