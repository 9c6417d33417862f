"""What examining a format gives, before it is put together with the file's own figures."""

from typing import NamedTuple

from PIL import Image

from app.publications.models import ChapterText, Entry, Publication


class Examined(NamedTuple):
    """``cover`` is an image, decoded or not, or None; ``made`` names the EPUB made of the file."""

    publication: Publication
    entries: tuple[Entry, ...]
    chapters: tuple[ChapterText, ...]
    opening: str
    cover: bytes | Image.Image | None
    made: str | None = None
