"""The generations of an embedded index: files in one folder."""

from pathlib import Path

from search.alias import AliasedIndex
from search.backends.sqlite.engine import SqliteIndex
from search.backends.sqlite.pointer import FilePointer


def open_generations(folder: Path, *, strict: bool = False) -> AliasedIndex:
    """The live index of ``folder``, which is made when it is missing; see AliasedIndex."""
    pointer = FilePointer(folder)

    def open_one(name: str) -> SqliteIndex:
        if pointer.read(fresh=True).unfilled == name:
            pointer.begin()
        return SqliteIndex(pointer.file(name))

    def remove_one(name: str) -> None:
        file = pointer.file(name)
        for one in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
            one.unlink(missing_ok=True)

    return AliasedIndex(pointer, open_one, remove_one, strict=strict)
