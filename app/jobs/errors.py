"""What goes wrong between the ledger and its workers."""

from __future__ import annotations


class UnknownKindError(LookupError):
    """A job was asked for by a name that no registry of this database declares."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no job is registered under {kind!r}")
        self.kind = kind


class LostClaimError(Exception):
    """Somebody else holds this job or lease by now: whatever was to be written must not be."""

    def __init__(self, name: str, token: int) -> None:
        super().__init__(f"{name} is no longer held under token {token}")
        self.name, self.token = name, token


class StoppingError(Exception):
    """The worker is stopping: the job is given back and goes on elsewhere from its progress."""


class GiveUpError(Exception):
    """Raised by a job that no further attempt can help; ``str(error)`` says why."""
