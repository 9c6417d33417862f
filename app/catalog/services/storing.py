"""A publication's bytes and what was made of them, in the store and as the catalogue knows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.catalog.models import PublicationEntry, StoredPublication
from app.database import now
from app.publications.models import Examination, Publication
from app.storage.errors import ObjectNotFoundError
from app.storage.keys import derived_key, key_of
from app.storage.ports import ObjectStore

COVERS = "covers"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the parts of a publication lie in the store."""

    served_key: str
    text_key: str | None
    covers: dict[str, tuple[int, int]]
    copies: dict[str, str]


def store(store: ObjectStore, path: Path, folder: Path, examination: Examination) -> Stored:
    """Puts the file, and what was made of it, into the store.

    :raises StoreUnavailableError: when it does not answer.
    """
    digest = examination.sha256
    publication = examination.publication
    assert publication is not None  # noqa: S101 - the caller looked
    original = key_of(digest, str(publication.format))
    if not _is_stored(store, original, examination.size):
        store.put_file(original, path, sha256=digest, media_type=publication.media_type)
    served = original
    if examination.made:
        served = derived_key(digest, "made.epub")
        store.put_file(served, folder / examination.made, media_type="application/epub+zip")
    copies = {}
    for entry in examination.entries:
        if entry.copy:
            copies[entry.path] = derived_key(digest, entry.copy)
            store.put_file(copies[entry.path], folder / entry.copy, media_type=entry.media_type)
    text_key = None
    if "text" in examination.files:
        text_key = derived_key(digest, "text")
        store.put_file(text_key, folder / "text")
    return Stored(served, text_key, _pack_covers(store, digest, folder, examination), copies)


def _is_stored(store: ObjectStore, key: str, size: int | None) -> bool:
    try:
        found = store.stat(key).size
    except ObjectNotFoundError:
        return False
    return size is None or found == size


def _pack_covers(
    store: ObjectStore, digest: str, folder: Path, examination: Examination
) -> dict[str, tuple[int, int]]:
    """All previews as one object, each a ranged read: one durable write instead of eight."""
    places: dict[str, tuple[int, int]] = {}
    pack = bytearray()
    for name in examination.files:
        if name.startswith("cover-"):
            data = (folder / name).read_bytes()
            places[name.removeprefix("cover-")] = (len(pack), len(data))
            pack += data
    if pack:
        store.put_bytes(derived_key(digest, COVERS), bytes(pack))
    return places


def keep(
    session: Session, examination: Examination, publication: Publication, stored: Stored
) -> None:
    """Makes known what is in the store, in place of what was known of these bytes before."""
    session.merge(
        StoredPublication(
            sha256=examination.sha256,
            format=str(publication.format),
            media_type=publication.media_type,
            size=examination.size,
            partial_md5=examination.partial_md5,
            served_key=stored.served_key,
            publication=msgspec.json.encode(publication),
            report=msgspec.json.encode(examination.findings),
            text_key=stored.text_key,
            covers=msgspec.json.encode(stored.covers),
            examined_at=now(),
        )
    )
    session.flush()
    session.execute(delete(PublicationEntry).where(PublicationEntry.sha256 == examination.sha256))
    rows = [_entry_row(examination.sha256, entry, stored.copies) for entry in examination.entries]
    if rows:
        session.execute(insert(PublicationEntry), rows)


def _entry_row(digest: str, entry: Any, copies: dict[str, str]) -> dict[str, Any]:
    return {
        "sha256": digest,
        "path": entry.path,
        "media_type": entry.media_type,
        "method": entry.method,
        "offset": entry.offset,
        "compressed": entry.compressed,
        "size": entry.size,
        "crc": entry.crc,
        "passthrough": entry.passthrough,
        "copy_key": copies.get(entry.path),
        "withheld": entry.withheld,
    }


def objects_of(session: Session, digest: str) -> dict[str, int | None]:
    """The objects that the catalogue names for these bytes, and their sizes where it knows them."""
    row = session.get(StoredPublication, digest)
    if row is None:
        return {}
    copies = select(PublicationEntry.copy_key).where(
        PublicationEntry.sha256 == digest, PublicationEntry.copy_key.is_not(None)
    )
    found: dict[str, int | None] = {str(r.copy_key): None for r in session.execute(copies)}
    if covers := msgspec.json.decode(row.covers, type=dict[str, tuple[int, int]]):
        found[derived_key(digest, COVERS)] = max(sum(place) for place in covers.values())
    if row.text_key:
        found[row.text_key] = None
    return {**found, row.served_key: None, key_of(digest, row.format): row.size}


def are_there(store: ObjectStore, objects: dict[str, int | None]) -> bool:
    """Whether the store has all of them, with the right sizes."""
    return all(_is_stored(store, key, size) for key, size in objects.items())
