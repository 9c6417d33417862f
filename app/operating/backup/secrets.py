"""Secrets: backed up apart from the data, since whoever has both can forge what they protect."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.config import Settings
from app.operating.backup.manifest import BackupError


def of(settings: Settings) -> dict[str, bytes]:
    """Every secret by the name of its file: those set by the environment, and those kept here."""
    return {
        **{path.name: path.read_bytes() for path in _files(settings.data_dir / "secrets")},
        "secret_keys": ",".join(settings.secret_keys).encode(),
        "identity_key": settings.identity_key.encode(),
    }


def fingerprints(settings: Settings) -> dict[str, str]:
    """By which a secret is known again; they tell nothing of it, since secrets are long."""
    return {name: _fingerprint(secret) for name, secret in of(settings).items()}


def others(settings: Settings, known: Mapping[str, str]) -> list[str]:
    """The names of the secrets that are not those of these fingerprints."""
    here = fingerprints(settings)
    return sorted(name for name, seen in known.items() if here.get(name) != seen)


def keep(settings: Settings, folder: Path, target: Path | None) -> int:
    """Writes every secret into ``folder``, readable by its owner alone; returns how many.

    :raises BackupError: when the folder lies with the backup, or with the data.
    """
    folder = folder.expanduser().resolve()
    for place in (target, settings.data_dir):
        if place is not None and folder.is_relative_to(place):
            raise BackupError(f"Secrets belong apart from the data: {folder} lies within {place}.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = of(settings)
    for name, secret in found.items():
        _write(folder / name, secret)
    return len(found)


def put_back(folder: Path, settings: Settings) -> int:
    """Puts the secrets of ``folder`` into the data directory; returns how many.

    Settings given by the environment still come before them.

    :raises BackupError: when there are none.
    """
    require(folder)
    found = {path.name: path.read_bytes() for path in _files(folder)}
    home = settings.data_dir / "secrets"
    home.mkdir(mode=0o700, exist_ok=True)
    for name, secret in found.items():
        _write(home / name, secret)
    return len(found)


def require(folder: Path) -> None:
    """Returns where there are secrets in a folder.

    :raises BackupError: when there are none.
    """
    if not any(_files(folder)):
        raise BackupError(f"There are no secrets in {folder}.")


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _write(path: Path, secret: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _fingerprint(secret: bytes) -> str:
    return hashlib.blake2b(secret.strip(), digest_size=8, person=b"kaijuan-backup").hexdigest()
