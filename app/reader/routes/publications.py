"""What is beside a record: its cover, its file, its manifest, its positions."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import Literal

import msgspec
from flask import Response, redirect, request, send_file
from sqlalchemy.orm import Session

from app.adapters import Adapters
from app.catalog.composing import PLURALS
from app.catalog.description import Kind
from app.catalog.queries import records
from app.catalog.routes.noting import used
from app.catalog.schemas import RecordId
from app.config import Settings
from app.errors import NotFoundError
from app.identity.access import is_open, require_use
from app.identity.services.circumstances import Now
from app.permissions import Caller, DeviceScope, Permission
from app.publications.models import Entry
from app.publications.positions import positions as count_positions
from app.reader.queries import content
from app.reader.routes.opening import Places
from app.reader.schemas import Locations, Locator, Manifest, Positions
from app.reader.services import manifests
from app.reader.services.grants import Grants
from app.storage.keys import derived_key, key_of
from app.usage.facts import Event
from app.usage.recorder import Recorder
from app.web import bytes as sending
from app.web.api import Answer, Endpoints, Limited

OPEN_FILES = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
LINK_LIFE = timedelta(minutes=10)
KIND_OF = {PLURALS[kind]: kind for kind in (Kind.BOOK, Kind.ARTICLE, Kind.ITEM, Kind.LECTURE)}
"""The kinds of records that may hold a publication, by how addresses call them."""
Plural = Literal["books", "articles", "items", "lectures"]


class CoverQuery(msgspec.Struct, frozen=True):
    """One of the four widths, in pixels."""

    width: Literal[120, 240, 480, 960] = 240


publications = Endpoints(
    "reader.publications", f"/api/v1/<any({', '.join(KIND_OF)}):plural>/<record_id>"
)


@publications.get(
    "/cover", Permission.PUBLIC, problems=(410,), json=False, devices=DeviceScope.OPDS
)
def cover(
    session: Session,
    caller: Caller,
    adapters: Adapters,
    plural: Plural,
    record_id: RecordId,
    query: CoverQuery,
) -> Response:
    """The cover, as WebP where the client takes it, else as JPEG."""
    found = records.visible(session, record_id, caller.audience, KIND_OF[plural])
    return _cover(session, adapters, found, query.width)


@publications.get("/manifest", Permission.PUBLIC, problems=(403, 410))
def manifest(
    session: Session,
    caller: Caller,
    settings: Settings,
    grants: Grants,
    places: Places,
    usage: Recorder,
    plural: Plural,
    record_id: RecordId,
) -> Answer[Manifest]:
    """The Readium Web Publication Manifest: what there is to read, in which order.

    Where readers are limited in number it takes a place, or goes on with the one that is taken.
    """
    found = records.visible(session, record_id, caller.audience, KIND_OF[plural])
    held = content.publication(session, record_id)
    use = places.open(session, caller, found)
    grant = grants.give(found, f"{record_id}-{held.sha256[: content.PREFIX]}", use)
    if use is None or use.is_new:  # who reads on has opened it once
        used(usage, caller, Event.OPEN, found)
    answer = manifests.manifest(
        held,
        record_id=record_id,
        kind=KIND_OF[plural],
        title=summary_title(found),
        grant=grant,
        origin=settings.content_url or _origin(settings),
        until=use.until if use else None,
    )
    headers = {**OPEN_FILES, "Content-Type": manifests.MEDIA_TYPE}
    return Answer(answer, headers=headers, cache="no-store")


@publications.get("/positions", Permission.PUBLIC, problems=(403, 410))
def positions(
    session: Session, caller: Caller, plural: Plural, record_id: RecordId
) -> Answer[Positions]:
    """The publication's positions: places that do not depend on a screen's size."""
    found = records.visible(session, record_id, caller.audience, KIND_OF[plural])
    require_use(caller, found, Now(session, caller))
    held = content.publication(session, record_id)
    headers = {**OPEN_FILES, "Content-Type": manifests.POSITIONS_TYPE}
    return Answer(_positions(session, held), headers=headers)


@publications.get(
    "/download",
    Permission.PUBLIC,
    problems=(403, 410, 416),
    json=False,
    limited=Limited("downloads"),
    devices=DeviceScope.OPDS,
)
def download(
    session: Session,
    caller: Caller,
    adapters: Adapters,
    places: Places,
    usage: Recorder,
    plural: Plural,
    record_id: RecordId,
) -> Response:
    """The file, unaltered, under its own name. It takes a place as the manifest does."""
    found = records.visible(session, record_id, caller.audience, KIND_OF[plural])
    held = content.publication(session, record_id)
    places.open(session, caller, found)
    used(usage, caller, Event.DOWNLOAD, found)
    return _download(adapters, held, found)


def summary_title(found: records.Found) -> str:
    """The record's title, from its ready-made summary."""
    from_summary: dict[str, str] = msgspec.json.decode(found.summary)
    return from_summary["title"]


def _origin(settings: Settings) -> str:
    """Absolute links come from the settings, never from the request's Host."""
    return settings.public_url or ""


def _cover(session: Session, adapters: Adapters, found: records.Found, width: int) -> Response:
    held = content.publication(session, found.id)
    places: dict[str, tuple[int, int]] = msgspec.json.decode(held.covers)
    webp = request.accept_mimetypes["image/webp"] > 0 and "image/webp" in str(
        request.accept_mimetypes
    )
    name = f"{width}.{'webp' if webp else 'jpg'}"
    if name not in places:
        raise NotFoundError("cover", found.id)
    offset, length = places[name]
    key = derived_key(held.sha256, "covers")
    public = is_open(found)
    return sending.answer(
        lambda start, count: (adapters.store.read(key, offset + start, count),),
        size=length,
        etag=f"{held.sha256[:24]}-{name}",
        media_type="image/webp" if webp else "image/jpeg",
        headers={
            **OPEN_FILES,
            "Cache-Control": f"{'public, s-maxage=300' if public else 'private'}, max-age=86400",
            "Vary": "Accept" if public else "Accept, Authorization, Cookie",
        },
    )


def _positions(session: Session, held: content.Held) -> Positions:
    publication = manifests.decoder.decode(held.publication)
    entries = tuple(
        Entry(path, 0, compressed, size, 0, 8, "")
        for path, (compressed, size) in content.sizes(session, held.sha256).items()
    )
    found = count_positions(publication, entries)
    return Positions(
        len(found),
        [
            Locator(
                href=p.path,
                type=p.media_type,
                title=p.title or "",
                locations=Locations(
                    p.position,
                    round(p.progression, 6),
                    round(p.total_progression, 6),
                    [p.fragment] if p.fragment else [],
                ),
            )
            for p in found
        ],
    )


def download_name(held: content.Held) -> str:
    """The file's own name, without characters that break a header or show another ending."""
    kept = "".join(c for c in held.filename if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return kept.strip() or f"{held.sha256[:16]}.{held.format}"


def _download(adapters: Adapters, held: content.Held, found: records.Found) -> Response:
    key = key_of(held.sha256, held.format)
    url = adapters.store.signed_url(
        key,
        expires=LINK_LIFE,
        filename=download_name(held),
        media_type=held.media_type,
        disposition="attachment",
    )
    if url is not None:
        answer = redirect(url, 302)
        answer.headers["Cache-Control"] = "no-store"
        return answer  # type: ignore[return-value]  # werkzeug's Response, which Flask's is
    path = adapters.store.local_path(key)
    if path is None:  # a store in memory
        return sending.answer(
            lambda start, count: (adapters.store.read(key, start, count),),
            size=held.size,
            etag=held.sha256,
            media_type=held.media_type,
            headers={**OPEN_FILES, "Cache-Control": "private, max-age=0"},
        )
    answer = send_file(
        path,
        mimetype=held.media_type,
        as_attachment=True,
        download_name=download_name(held),
        conditional=True,
        etag=held.sha256,
    )
    public = is_open(found)
    answer.headers["Cache-Control"] = "public, no-cache" if public else "private, no-cache"
    answer.headers.update(OPEN_FILES)
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
