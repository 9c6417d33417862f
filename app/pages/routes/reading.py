"""The reading page."""

from __future__ import annotations

from flask import Response
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.queries import records
from app.catalog.schemas import RecordId
from app.catalog.services.viewing import view
from app.errors import NotUsableError
from app.pages.render import Site, page
from app.permissions import Caller, Permission
from app.reader.routes.opening import Places
from app.web.api import Endpoints

reading = Endpoints("pages.reading")


@reading.get("/read/<record_id>", Permission.PUBLIC, json=False, problems=(403, 410))
def show(
    session: Session, caller: Caller, places: Places, record_id: RecordId, site: Site
) -> Response:
    """Opens a publication from its manifest; the catalogue's answer decides who may."""
    found = records.visible(session, record_id, caller.audience)
    seen = view(session, caller, found)
    if not seen.files:
        raise NotUsableError("no-file", "The library has only the record, no text to open.")
    with places.noting(caller, found):
        if not seen.use.allowed:
            raise NotUsableError(seen.use.reason, seen.use.remedy, seen.use.about)
    return page(
        site,
        "reading.html",
        summary=summary_decoder.decode(found.summary),
        manifest=seen.links["manifest"],
        download=seen.links["download"],
        back=seen.links["page"],
    )
