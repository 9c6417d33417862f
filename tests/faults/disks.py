"""Disks that can be filled: small file systems in memory, where this process may mount them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEBIBYTE = 1024 * 1024


class Disk:
    """A folder on a disk of its own; on the common disk where nothing may be mounted."""

    def __init__(self, folder: Path, mebibytes: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
        self._is_mounted = os.geteuid() == 0 and _succeeds(mount)

    @contextmanager
    def full(self, *, leaving: int = 0) -> Iterator[None]:
        """The disk with so many MiB left, as long as the block lasts."""
        if not self._is_mounted:
            pytest.skip("only root may mount the small disk that is filled")
        found = os.statvfs(self.folder)
        ballast = self.folder / "ballast"
        try:
            with ballast.open("wb") as file:
                size = found.f_bavail * found.f_frsize - leaving * MEBIBYTE
                os.posix_fallocate(file.fileno(), 0, size)
            yield
        finally:
            ballast.unlink(missing_ok=True)


def let_go(folder: Path) -> None:
    """Lets a disk go with all that is on it, and what lies in its folder otherwise."""
    _succeeds(["umount", "--lazy", str(folder)])
    shutil.rmtree(folder, ignore_errors=True)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
