"""What a generation of a backup holds: its manifest, written last.

A generation without its manifest is incomplete; one whose manifest does not hash as it says, or
was made by a newer form than this release reads, is refused.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from app.errors import KaijuanError

FORM = 1
"""The form of generations that this release writes, and the newest that it reads."""


class BackupError(KaijuanError):
    """A backup cannot be made, read or restored; the message says what and where."""


class DamagedError(BackupError):
    """Something in a backup is not what it was: ``place`` names it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place} is damaged: {reason}")
        self.place, self.reason = place, reason


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as it should be, and where."""

    place: str
    code: str
    message: str


class Part(msgspec.Struct, frozen=True):
    """One file of a generation: its name there, its bytes, their SHA-256."""

    name: str
    size: int
    sha256: str


class Column(msgspec.Struct, frozen=True):
    """A column and the kind of its values: see :mod:`app.operating.backup.rows`."""

    name: str
    kind: str


class Table(msgspec.Struct, frozen=True):
    """A table: how many rows, of which columns, in which part."""

    name: str
    columns: tuple[Column, ...]
    rows: int
    part: Part


class Objects(msgspec.Struct, frozen=True):
    """The objects that the database names: how many, their bytes, and the part that lists them."""

    number: int
    size: int
    part: Part


class Manifest(msgspec.Struct, frozen=True):
    """A generation: everything up to ``point``, and what is needed to read it again."""

    form: int
    point: datetime
    """Whatever was answered with success before it is in the generation."""
    finished: datetime
    release: str
    revision: str
    """Of the schema: a restore makes this one, fills it, and brings it to its own release."""
    made_with: dict[str, str]
    tables: tuple[Table, ...]
    objects: Objects
    spool: tuple[Part, ...] = ()
    keys: dict[str, str] = {}
    """Fingerprints of the secrets, by name, to know them again; never the secrets."""
    problems: tuple[Problem, ...] = ()
    """What could not be taken, since it was missing or damaged where it lay."""

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def parts(self) -> list[Part]:
        """Every file of the generation but the manifest itself."""
        return [*(table.part for table in self.tables), self.objects.part, *self.spool]


class _Sealed(msgspec.Struct, frozen=True):
    sha256: str
    manifest: msgspec.Raw


class _Form(msgspec.Struct, frozen=True):
    form: int


def seal(manifest: Manifest) -> bytes:
    """The manifest as it is kept: a JSON document that carries the digest of itself."""
    raw = msgspec.json.encode(manifest)
    return msgspec.json.encode(_Sealed(hashlib.sha256(raw).hexdigest(), msgspec.Raw(raw)))


def unseal(data: bytes, place: str) -> Manifest:
    """The manifest of these bytes.

    :raises DamagedError: when they are not those that were sealed.
    :raises BackupError: when a newer release made them.
    """
    try:
        sealed = msgspec.json.decode(data, type=_Sealed)
        if hashlib.sha256(sealed.manifest).hexdigest() != sealed.sha256:
            raise DamagedError(place, "it does not hash as it says")
        form = msgspec.json.decode(sealed.manifest, type=_Form).form
        if form > FORM:
            raise BackupError(f"{place} was made by a newer release (form {form}): use that one.")
        return msgspec.json.decode(sealed.manifest, type=Manifest)
    except msgspec.DecodeError as error:
        raise DamagedError(place, str(error)) from error
