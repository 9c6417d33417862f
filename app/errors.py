"""What the domain refuses, and why.

Services raise these; they know nothing of HTTP. ``app.web.problems`` maps each class to one
problem document, the command line to one message and a non-zero exit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where it stands, a stable code, and what would be right."""

    place: str
    code: str
    message: str


class KaijuanError(Exception):
    """The base of every refusal. ``str(error)`` is a sentence a person can act on."""


class NotFoundError(KaijuanError):
    """There is no such thing, or the caller may not know of it."""

    def __init__(self, what: str, key: str) -> None:
        super().__init__(f"There is no {what} {key!r} here.")
        self.what, self.key = what, key


class UnknownCursorError(NotFoundError):
    """No page of this list begins there: the cursor is of another question, or made up."""

    def __init__(self) -> None:
        super().__init__("page", "of this cursor")
        self.args = ("This cursor does not belong to this list. Begin again without one.",)


class GoneError(KaijuanError):
    """It was here and has been withdrawn: its tombstone answers."""

    def __init__(
        self, what: str, key: str, since: str, successor: str | None = None, reason: str = ""
    ) -> None:
        tail = f" {successor!r} stands in its place." if successor else ""
        super().__init__(f"The {what} {key!r} was withdrawn at {since}.{tail}")
        self.what, self.key, self.since = what, key, since
        self.successor, self.reason = successor, reason


class InvalidError(KaijuanError):
    """The input breaks a rule; ``faults`` says which and where."""

    def __init__(self, *faults: Fault, message: str = "") -> None:
        super().__init__(message or "; ".join(f"{f.place}: {f.message}" for f in faults))
        self.faults = faults


class ConflictError(KaijuanError):
    """The request does not fit the present state of what it would change."""


class StaleError(KaijuanError):
    """Somebody changed it since the caller read it. ``version`` is the one that stands now."""

    def __init__(self, what: str, key: str, version: int) -> None:
        super().__init__(
            f"The {what} {key!r} has changed since you read it: it is at version {version} now. "
            "Read it again and repeat your change."
        )
        self.what, self.key, self.version = what, key, version


class VersionRequiredError(KaijuanError):
    """A change must name the version it was made on (``If-Match``)."""

    def __init__(self) -> None:
        super().__init__("Send If-Match with the ETag that you read, so that no change is lost.")


class UnauthenticatedError(KaijuanError):
    """Nobody is signed in, or the token is not (or no longer) valid."""

    def __init__(self, message: str = "Sign in, or send a valid token.") -> None:
        super().__init__(message)


class ForbiddenError(KaijuanError):
    """The caller is known and may not do this."""

    def __init__(self, permission: str, message: str = "") -> None:
        super().__init__(message or f"This needs the permission {permission!r}.")
        self.permission = permission


class NotUsableError(KaijuanError):
    """The record may be seen but not opened now: ``reason`` is a code, ``remedy`` would help.

    ``about`` are the values that the remedy names.
    """

    def __init__(self, reason: str, remedy: str, about: Mapping[str, str] | None = None) -> None:
        super().__init__(f"This cannot be opened now ({reason}). {remedy}".strip())
        self.reason, self.remedy, self.about = reason, remedy, dict(about or {})


class TooLargeError(KaijuanError):
    """More than is taken at once."""

    def __init__(self, what: str, limit: int, unit: str) -> None:
        super().__init__(f"{what} is larger than the {limit:,} {unit} that are taken at once.")
        self.limit, self.unit = limit, unit


class ReadOnlyError(KaijuanError):
    """This installation takes no changes for now; reading goes on."""

    retry_after = 60

    def __init__(self) -> None:
        super().__init__("Changes are not taken at the moment (read-only); reading goes on.")


class NoRoomError(KaijuanError):
    """The disk is nearly full: changes are refused while reading goes on."""

    retry_after = 60

    def __init__(self, folder: str, free: int, least: int) -> None:
        super().__init__(
            f"The disk of {folder} has {free:,} bytes left of the {least:,} that changes need. "
            "Make room; reading goes on."
        )


class TooManyError(KaijuanError):
    """What the limit ``name`` stands for was done ``limit`` times within ``seconds`` already."""

    def __init__(self, name: str, limit: int, seconds: int, retry_after: int) -> None:
        super().__init__(f"This was asked for too often. Try again in {retry_after:,} s.")
        self.name, self.limit, self.seconds, self.retry_after = name, limit, seconds, retry_after


class UnavailableError(KaijuanError):
    """An engine is away; the request may be repeated after ``retry_after`` seconds."""

    def __init__(self, engine: str, retry_after: int = 5) -> None:
        super().__init__(f"{engine} does not answer at the moment. Try again in {retry_after} s.")
        self.engine, self.retry_after = engine, retry_after
