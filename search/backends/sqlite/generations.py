"""The generations of an embedded index: files in one folder."""

from pathlib import Path

from search.alias import AliasedIndex
from search.backends.sqlite.engine import SqliteIndex
from search.backends.sqlite.pointer import FilePointer

_SUFFIX = ".sqlite"


def open_generations(folder: Path) -> AliasedIndex:
    """The live index of ``folder``, which is made when it is missing."""

    def open_one(name: str) -> SqliteIndex:
        return SqliteIndex(folder / f"{name}{_SUFFIX}")

    def remove_one(name: str) -> None:
        for suffix in (_SUFFIX, f"{_SUFFIX}-wal", f"{_SUFFIX}-shm"):
            (folder / f"{name}{suffix}").unlink(missing_ok=True)

    return AliasedIndex(FilePointer(folder), open_one, remove_one)
