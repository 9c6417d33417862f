"""The port: what a search engine is asked, what it answers, and how it fails.

Every backend passes the same contract suite and shares one analysis and one highlighter.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from search.documents import Item

#: Totals of word searches are exact up to here, and facets are counted over at most so many: the
#: best, which past this number are those with the words in their title, then the newest.
EXACT_TO = 10_000
#: Relevance pages end here: past it a reader should add a word.
RELEVANCE_DEPTH = 1_000


class SearchError(Exception):
    """Anything a search engine may fail with."""


class IndexUnavailableError(SearchError):
    """The engine is away, or its index cannot be read; it may be tried again."""

    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(f"{engine}: {reason}")
        self.engine = engine
        self.reason = reason


class IndexOutdatedError(IndexUnavailableError):
    """The engine answers, but its index was written by another release: it must be rebuilt."""

    def __init__(self, engine: str) -> None:
        super().__init__(engine, "the index was written by another release: rebuild it")


class IndexUnfilledError(IndexUnavailableError):
    """The engine answers, but its index is new, or has lost what it held: it must be filled."""

    def __init__(self, engine: str) -> None:
        super().__init__(engine, "the index does not hold what it should: it is to be filled anew")


class QueryRefusedError(SearchError):
    """The query cannot be answered as asked; ``field`` is what to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Sort(StrEnum):
    """Orders of an answer; all but relevance give each record exactly once over all pages."""

    RELEVANCE = "relevance"
    TITLE = "title"
    TITLE_DOWN = "-title"
    YEAR = "year"
    YEAR_DOWN = "-year"
    ADDED = "added"  # new first


class Facet(StrEnum):
    """What answers can be counted by. Values of ``year`` are decades ("1990-1999")."""

    KIND = "kind"
    SUBJECT = "subject"
    LANGUAGE = "language"
    LIBRARY = "library"
    YEAR = "year"
    AVAILABLE = "available"


Position = tuple[str | int | float, ...]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One search. Filters hold together; within one filter any of its values is enough.

    ``audience`` are the caller's tokens: without one of them a document does not exist.
    ``library_path`` means that library and those below it; an empty one means all. ``years`` is
    inclusive, either end may be open. ``after`` is the ``next`` of the page before, under the
    same query. ``by_work`` keeps the best record of each work, and totals count works.
    """

    words: str = ""
    audience: tuple[str, ...] = ("public",)
    kinds: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    library_path: str = ""
    years: tuple[int | None, int | None] = (None, None)
    available: bool | None = None
    sort: Sort = Sort.RELEVANCE
    after: Position | None = None
    limit: int = 20
    facets: tuple[Facet, ...] = ()
    facet_size: int = 50
    by_work: bool = False
    highlights: bool = True


class Hit(msgspec.Struct, frozen=True):
    """One record found. ``highlights`` are HTML: escaped, matches in ``<mark>``."""

    id: str
    score: float
    highlights: Mapping[str, Sequence[str]]


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. A ``total`` that is not exact is a lower bound.

    ``correction`` are the words searched instead when the caller's found nothing; ``relaxed`` says
    that not every word was required, because no record has them all. ``next`` is None on the last
    page, and at the end of what relevance gives; only then, though a page of works may be short.
    """

    total: int
    total_exact: bool = True
    items: Sequence[Hit] = ()
    facets: Mapping[str, Sequence[tuple[str, int]]] = {}
    facets_exact: bool = True
    correction: str | None = None
    relaxed: bool = False
    next: Position | None = None


class Suggestion(msgspec.Struct, frozen=True):
    """A completion: a title as it was written, and one record that bears it."""

    text: str
    id: str


class Status(StrEnum):
    """What became of one item of a batch."""

    WRITTEN = "written"
    KEPT = "kept"  # what the index holds is as new or newer
    REFUSED = "refused"


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The result for one item; ``reason`` says why it was refused."""

    id: str
    status: Status
    reason: str = ""


class SearchIndex(Protocol):
    """One generation of an index, or an alias that stands for the live one.

    Every method raises IndexUnavailableError when the engine is away; nothing else of the engine's
    own comes through.
    """

    @property
    def generation(self) -> str:
        """The id of the generation that answers; cursors carry it."""
        ...

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """Write the batch durably and answer for each item, in order.

        A lower or an equal version never overwrites, so a batch may be repeated at will.
        """
        ...

    def search(self, query: Query) -> Hits:
        """Answer a query. Raises QueryRefusedError for a position that is not of this order."""
        ...

    def suggest(
        self, text: str, *, audience: Sequence[str] = ("public",), limit: int = 10
    ) -> Sequence[Suggestion]:
        """Complete a title by characters, pinyin or initials; short titles first."""
        ...

    def count(self) -> int:
        """How many live documents the index holds, whoever may see them."""
        ...

    def versions(self, ids: Sequence[str], *, withdrawn: bool = False) -> Mapping[str, int]:
        """The versions of those documents that are live, or withdrawn too.

        As the last write left them, whether or not a search sees it yet.
        """
        ...

    def walk(self, after: str, limit: int, until: str = "") -> Sequence[tuple[str, int]]:
        """The next live documents after this id, with their versions, in byte order of id.

        A walk begins at ``""``, and then knows what was written before it began; what is written
        while it goes on it may know or not. Fewer than ``limit`` come only at the end, or where it
        goes no further than ``until``, which it then includes.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files. Closing twice does nothing."""
        ...
