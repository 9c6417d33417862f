"""What is known about a publication once its file was examined.

Frozen structures that travel from the confined child to the caller as MessagePack, and that can be
stored as JSON. Paths are paths inside the archive, decoded, with ``/`` and without a leading ``/``.
"""

from enum import StrEnum
from typing import Literal
from urllib.parse import quote

import msgspec

PATH_SAFE = "/!$&'()*+,;=:@~"


class Format(StrEnum):
    """Kinds of files that can be read."""

    EPUB = "epub"
    PDF = "pdf"
    CBZ = "cbz"
    TXT = "txt"
    HTML = "html"


class Severity(StrEnum):
    """How much a finding takes away: nothing, comfort, a part, or everything."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    FATAL = "fatal"


class Outcome(StrEnum):
    """Whether the file can be read at all."""

    READABLE = "readable"
    REFUSED = "refused"


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all structures here."""


class Agent(Model, frozen=True):
    """A person or body; ``role`` is a MARC relator code (``aut``, ``trl``, ``ctb`` …)."""

    name: str
    role: str = "aut"
    sort_as: str | None = None


class Identifier(Model, frozen=True):
    """An identifier as the file gives it; ``scheme`` is isbn, issn, uuid, doi, uri or other."""

    value: str
    scheme: str = "other"


class Link(Model, frozen=True):
    """A resource of the publication; ``properties`` as in the package (``nav``, ``svg`` …)."""

    path: str
    media_type: str
    title: str | None = None
    properties: tuple[str, ...] = ()
    linear: bool = True

    @property
    def href(self) -> str:
        """The path, percent-encoded, relative to the root of the publication."""
        return quote(self.path, safe=PATH_SAFE)


class TocEntry(Model, frozen=True):
    """A line of the table of contents; a heading without a target has no path."""

    title: str
    path: str | None = None
    fragment: str | None = None
    children: tuple["TocEntry", ...] = ()

    @property
    def href(self) -> str | None:
        """Path and fragment, percent-encoded, relative to the root; None for a mere heading."""
        if self.path is None:
            return None
        anchor = "" if self.fragment is None else "#" + quote(self.fragment, safe=PATH_SAFE + "?")
        return quote(self.path, safe=PATH_SAFE) + anchor


class Publication(Model, frozen=True):
    """Metadata and structure. Texts are as written in the file, without control characters."""

    format: Format
    media_type: str
    title: str | None = None
    other_titles: tuple[str, ...] = ()
    sort_title: str | None = None
    agents: tuple[Agent, ...] = ()
    languages: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    publisher: str | None = None
    published: str | None = None
    description: str | None = None
    subjects: tuple[str, ...] = ()
    rights: str | None = None
    source: str | None = None
    series: str | None = None
    series_position: str | None = None
    reading_order: tuple[Link, ...] = ()
    resources: tuple[Link, ...] = ()
    toc: tuple[TocEntry, ...] = ()
    page_progression: Literal["ltr", "rtl", "default"] = "default"
    layout: Literal["reflowable", "fixed"] = "reflowable"
    cover: str | None = None
    page_count: int | None = None


class Entry(Model, frozen=True):
    """Where the bytes of one resource lie.

    ``offset`` is that of the first data byte in the archive, ``compressed`` and ``size`` are in
    bytes, ``crc`` is the CRC-32 of the content. ``passthrough`` says that the raw deflate stream
    at ``offset`` decodes to exactly ``size`` bytes with that CRC. ``copy`` names a stored copy in
    the output folder that is to be served instead; then ``size`` and ``crc`` are the copy's.
    ``withheld`` is a finding's code: such an entry must not be served.
    """

    path: str
    offset: int
    compressed: int
    size: int
    crc: int
    method: int
    media_type: str
    passthrough: bool = False
    copy: str | None = None
    withheld: str | None = None

    @property
    def stored(self) -> bool:
        """Whether the bytes lie uncompressed in the archive and can be sent as they are."""
        return self.method == 0 and self.copy is None and self.withheld is None


class ChapterText(Model, frozen=True):
    """Where the text of a chapter lies in the text file: a zlib stream of UTF-8."""

    path: str
    title: str | None
    offset: int
    length: int
    characters: int


class Chapter(Model, frozen=True):
    """The plain text of one resource of the reading order."""

    path: str
    title: str | None
    text: str


class Finding(Model, frozen=True):
    """Something wrong with a file: a stable code, a sentence to act on, and where."""

    code: str
    message: str
    place: str = ""
    severity: Severity = Severity.WARNING


class Examination(Model, frozen=True):
    """The result of examining one file.

    ``files`` are the names written to the output folder (covers, copies, ``text``, ``made.epub``).
    ``made`` names the EPUB that was made of a plain text or an HTML page: entries lie in it, not
    in the original. ``opening`` is the beginning of the text, at most 2,000 characters.
    """

    outcome: Outcome
    size: int = 0
    sha256: str = ""
    partial_md5: str = ""
    publication: Publication | None = None
    entries: tuple[Entry, ...] = ()
    chapters: tuple[ChapterText, ...] = ()
    opening: str = ""
    findings: tuple[Finding, ...] = ()
    files: tuple[str, ...] = ()
    made: str | None = None
