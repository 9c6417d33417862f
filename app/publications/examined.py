"""What examining a format gives, before it is put together with the file's own figures."""

from typing import NamedTuple

from app.publications.models import ChapterText, Entry, Publication


class Examined(NamedTuple):
    """``cover`` is the bytes of an image, or None; ``made`` names the EPUB made of the file."""

    publication: Publication
    entries: tuple[Entry, ...]
    chapters: tuple[ChapterText, ...]
    opening: str
    cover: bytes | None
    made: str | None = None
