"""The source of what is running, as an archive (AGPL-3.0, section 13: the Corresponding Source).

It is made of the files that this process was started from, so it is the right version by nature.
Only what belongs to the project is taken: nothing of an installation's data or settings.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TOP = Path(__file__).parents[2]
PACKAGES = ("app", "search")
FOLDERS = (*PACKAGES, "migrations", "tests", "bench", "docs")
FILES = (
    "pyproject.toml", "requirements.lock", "requirements.runtime.lock", "Makefile", "wsgi.py",
    "alembic.ini", "compose.yaml", "Dockerfile", ".dockerignore", ".gitignore", ".ci/run",
    "schemathesis.toml", "README.md", "CONTRIBUTING.md", "LICENSE",
)  # fmt: skip
SUFFIXES = frozenset(
    (".py", ".html", ".css", ".js", ".svg", ".md", ".toml", ".ini", ".mako", ".json", ".txt",
     ".yaml", ".yml", ".lock", ".sh", ".opf", ".xml", ".xhtml", ".csv", ".tsv",
     ".lua", ".png", ".sql")
)  # fmt: skip


@cache
def archive() -> bytes:
    """A gzip'ed tar of the project's own files; made once in the life of a process."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path in _own():
            tar.add(path, f"kaijuan/{path.relative_to(TOP)}", recursive=False, filter=_anonymous)
    return packed.getvalue()


def _own() -> Iterator[Path]:
    """The files of a checkout; of an installed package its own folders alone."""
    is_checkout = (TOP / "pyproject.toml").is_file()
    yield from (TOP / name for name in FILES if is_checkout and (TOP / name).is_file())
    for folder in FOLDERS if is_checkout else PACKAGES:
        for path in sorted((TOP / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and not path.is_symlink():
                yield path


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
