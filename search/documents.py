"""What an index is given: one frozen document a record, or the tombstone of one.

They hold texts and numbers only, no cycle can form, and so the collector need not look at them.
"""

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything a search may find, filter, count or sort of one record.

    ``version`` is the record's own and only ever rises. ``subject_codes`` are facet and filter
    values with all their ancestors ("clc:I242.4", "clc:I242", "clc:I2", "clc:I"). ``library_path``
    is the materialised path of ``library``. ``audience`` are the tokens that may see the record.
    ``added_at`` is RFC 3339 in UTC. An empty ``sort_title`` is computed from the title.
    """

    id: str
    version: int
    kind: str
    title: str
    other_titles: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    subject_codes: tuple[str, ...] = ()
    publisher: str = ""
    description: str = ""
    contents: str = ""
    text: str = ""
    identifiers: tuple[str, ...] = ()
    language: str = ""
    year: int | None = None
    library: str = ""
    library_path: str = ""
    audience: tuple[str, ...] = ("public",)
    available: bool = False
    work: str = ""
    added_at: str = ""
    sort_title: str = ""


class Tombstone(msgspec.Struct, frozen=True, gc=False):
    """A record withdrawn at ``version``: no older write brings it back."""

    id: str
    version: int


Item = Document | Tombstone
