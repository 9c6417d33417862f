"""What may be done, and who does it: the words that ``identity`` gives a meaning to."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Permission(StrEnum):
    """What an endpoint asks for. Every endpoint declares exactly one; a test fails any without."""

    PUBLIC = "public"
    """Anybody, signed in or not; what they see is still cut to their audience."""
    SIGNED_IN = "signed-in"
    EDIT_RECORDS = "records.edit"
    IMPORT_RECORDS = "records.import"
    SUBMIT = "resources.submit"
    REVIEW = "resources.review"
    MANAGE_LIBRARIES = "libraries.manage"
    APPROVE_LIBRARIES = "libraries.approve"
    """Lets libraries join, moves and suspends them: where the library is to be."""
    MANAGE_STAFF = "staff.manage"
    SEE_READERS = "readers.see"
    MANAGE_READERS = "readers.manage"
    SEE_AUDIT = "audit.see"
    SEE_JOBS = "jobs.see"
    SEE_METRICS = "metrics.see"
    """Operators' figures: loopback or a token."""


class DeviceScope(StrEnum):
    """What a device password opens: addresses for apps that know no other way to sign in."""

    OPDS = "opds"
    """Catalogues and books, by Basic (RFC 7617)."""
    KOSYNC = "kosync"
    """The progress of KOReader, by its own headers."""


class Caller(Protocol):
    """Whoever sent a request, as ``identity`` knows them."""

    @property
    def account_id(self) -> str | None:
        """The opaque id of the account; ``None`` when nobody is signed in."""

    @property
    def audience(self) -> tuple[str, ...]:
        """The audience tokens whose records this caller may see."""

    @property
    def address(self) -> str:
        """The client's address, taken from trusted proxies only."""

    @property
    def request_id(self) -> str:
        """By which logs and audit name this very request."""

    def may(self, permission: Permission, path: str | None = None) -> bool:
        """Whether this is allowed, on the library at ``path`` (anywhere, when it is ``None``)."""

    def reach(self, permission: Permission) -> tuple[str, ...]:
        """The paths of the libraries on which, and below which, this is allowed."""
