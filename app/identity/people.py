"""What the staff of a library are shown of people: its readers, and each other."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

AccountId = Annotated[str, Meta(min_length=1, max_length=32)]


class HandleMask(msgspec.Struct, frozen=True):
    """What a person is signed in to by, as much of it as may be shown."""

    kind: str
    mask: str


class ReaderItem(msgspec.Struct, frozen=True):
    """A reader as the staff of their library know them: nothing of what they read."""

    id: str
    name: str
    home: str
    """The reader's own library."""
    assurance: int
    """How well the person is known: 0 said so, 1 reached, 2 at the library, 3 real name."""
    since: str
    state: str
    """open, suspended, or closing: it will be closed unless its owner signs in before."""
    handles: list[HandleMask]


class ReaderList(msgspec.Struct, frozen=True):
    """Readers of a library and of those below, in the tree's order."""

    items: list[ReaderItem]
    next: str | None


class ReaderCount(msgspec.Struct, frozen=True):
    """How many readers a library has with those below it."""

    readers: int
    verified: int
    """Those of them whose real name was verified."""


class StaffMember(msgspec.Struct, frozen=True):
    """A role that an account has at a library, and on all below it."""

    account: str
    name: str
    kind: str
    role: str
    library: str
    given_by: str | None
    """The account that gave it; ``None`` for the command line."""
    given_at: str | None
    orphaned: bool
    """Whether who gave it may no longer give roles there. It holds all the same."""


class StaffList(msgspec.Struct, frozen=True):
    """Roles at a library, or also at those below it, in the tree's order."""

    items: list[StaffMember]
    next: str | None
