"""What the catalogue's endpoints take and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from app.catalog.description import Description, Kind, Line, Summary
from app.identity.policies import Policy, Rules
from app.lines import Refusal

RecordId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[
    str,
    Meta(max_length=500, pattern=r"^[A-Za-z0-9_-]*$", description="Where the last page ended."),
]


class ListQuery(msgspec.Struct, frozen=True):
    """How to page through a list."""

    cursor: Cursor | None = None
    limit: Limit = 50
    library: Annotated[str, Meta(max_length=64, description="Owned by this library.")] | None = None


class SummaryList(msgspec.Struct, frozen=True):
    """A page of records; ``next`` is the cursor of the page after it."""

    items: list[Summary]
    next: str | None


class RawList(msgspec.Struct, frozen=True):
    """As :class:`SummaryList`, with the summaries as they are kept."""

    items: list[Raw]
    next: str | None


class FileLine(msgspec.Struct, frozen=True):
    """A file that can be read or downloaded."""

    format: str
    media_type: str
    size: int
    filename: str


class Use(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the caller may open it now; if not, why, and what would help.

    The reason is a stable code; ``about`` are the values that the remedy names.
    """

    allowed: bool
    reason: str = ""
    remedy: str = ""
    about: dict[str, str] = {}


class RecordView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record with its description, its files, and what the caller may do."""

    id: str
    kind: Kind
    state: str
    version: int
    library: str
    library_name: str
    work: str
    parent: str | None = None
    added_at: str
    changed_at: str
    source: str | None = None
    source_id: str | None = None
    description: Description
    files: list[FileLine] = []
    use: Use
    links: dict[str, str] = {}


class SourceView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record as it was received."""

    format: str
    received_at: str
    body: str


class StaffView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record as its cataloguers see it; ``rules`` are what its policy asks for."""

    id: str
    kind: Kind
    state: str
    version: int
    library: str
    work: str
    audience: str
    policy: str
    rules: Rules | None = None
    parent: str | None = None
    reason: str = ""
    successor: str | None = None
    description: Description
    mended: list[str] = []
    differences: dict[str, Any] = {}
    source: SourceView | None = None


class NewRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record to be made by hand."""

    description: Description
    kind: Kind = Kind.BOOK
    library: Annotated[str, Meta(max_length=64)] | None = None
    parent: RecordId | None = None
    audience: Literal["public", "staff"] = "public"
    policy: Policy | Rules = Policy.OPEN
    state: Literal["draft", "published"] = "published"


if TYPE_CHECKING:
    DescriptionPatch = Description
else:
    DescriptionPatch = msgspec.defstruct(
        "DescriptionPatch",
        [(f.name, f.type | UnsetType, UNSET) for f in msgspec.structs.fields(Description)],
        frozen=True,
        forbid_unknown_fields=True,
        namespace={"__doc__": "The fields of a description to set; those left out stay."},
    )


class RecordPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change: fields of the description, and where the record stands.

    What is left out stays. ``parent`` may be null: the record then belongs to no other. ``note`` is
    for the history.
    """

    fields: DescriptionPatch | UnsetType = UNSET
    state: Literal["draft", "published"] | UnsetType = UNSET
    audience: Literal["public", "staff"] | UnsetType = UNSET
    policy: Policy | Rules | UnsetType = UNSET
    library: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    parent: RecordId | UnsetType | None = UNSET
    note: Line = ""


class Withdrawal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a record is withdrawn: readers see it on the tombstone."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


class Restoration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Back from the tombstone, or back to what an earlier version said."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class Merger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record that answers in this one's place from now on."""

    into: RecordId


class RevisionLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a record said before a change, and the change that ended it."""

    version: int
    state: str
    audience: str
    policy: str
    library: str
    change: str
    at: str
    description: Description
    by: str | None = None
    import_id: str | None = None
    note: str = ""


class RevisionList(msgspec.Struct, frozen=True):
    """The history of a record, the newest first."""

    items: list[RevisionLine]


class ImportLine(msgspec.Struct, frozen=True):
    """One import of one file."""

    id: str
    name: str
    format: str
    library: str
    state: str
    read: int
    added: int
    changed: int
    unchanged: int
    refused: int
    started_at: str
    finished_at: str | None


class ImportList(msgspec.Struct, frozen=True):
    """Imports, the newest first."""

    items: list[ImportLine]
    next: str | None


class ProblemList(msgspec.Struct, frozen=True):
    """What an import refused, in the order of the file."""

    items: list[Refusal]
    next: str | None


class Undone(msgspec.Struct, frozen=True):
    """What undoing an import did; ``kept`` records were changed by somebody since."""

    withdrawn: int
    restored: int
    kept: int


class FruitlessQueryAsked(msgspec.Struct, frozen=True):
    """Since which day; a month, when it is left out."""

    since: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class FruitlessLine(msgspec.Struct, frozen=True):
    """Words that found nothing, how often, and on which day last."""

    words: str
    times: int
    last: str


class FruitlessList(msgspec.Struct, frozen=True):
    """What was looked for in vain, the most frequent first."""

    items: list[FruitlessLine]
    next: str | None


class SubjectQuery(msgspec.Struct, frozen=True):
    """Which classes: those directly below ``parent``, the main classes without it."""

    scheme: Literal["clc"] = "clc"
    parent: Annotated[str, Meta(max_length=64)] | None = None
    cursor: Cursor | None = None
    limit: Limit = 50
