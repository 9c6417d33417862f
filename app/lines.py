"""Files that are taken in line by line: encodings, lines of bounded length, what was refused.

Nothing of a file is held in memory beyond a line and its limit.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

_BLOCK = 1024 * 1024


class Refusal(msgspec.Struct, frozen=True):
    """An entry that could not be taken: where it stands and why."""

    place: str
    code: str
    message: str


def digest_of(path: Path) -> str:
    """The digest by which a file is known again."""
    digest = blake2b(digest_size=32)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def encoding_of(path: Path) -> str:
    """UTF-8 (with or without its mark), UTF-16 by its mark, else GB18030."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def byte_lines(path: Path, longest: int) -> Iterator[tuple[int, bytes | Refusal]]:
    """Numbered lines of a file, which may be gzipped; one that is too long, and a torn end, is a
    refusal."""
    number = 0
    with _open(path) as file:
        while True:
            number += 1
            try:
                line = file.readline(longest + 1)
                if too_long := len(line) > longest:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(longest)
            except (OSError, EOFError, zlib.error) as error:
                message = f"The file breaks off here: {error}"
                yield number, Refusal(f"line {number}", "file-broken", message)
                return
            if too_long:
                yield number, _too_long(number, longest, "bytes")
            elif line:
                yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            else:
                return


def text_lines(path: Path, longest: int) -> Iterator[tuple[int, str | Refusal]]:
    """Numbered lines of a text in whatever encoding it is; one that is too long is a refusal.

    What the encoding has no meaning for comes as U+FFFD.
    """
    number = 0
    with path.open(encoding=encoding_of(path), errors="replace") as file:
        while line := file.readline(longest + 1):
            number += 1
            if len(line) <= longest:
                yield number, line
                continue
            while line and not line.endswith("\n"):
                line = file.readline(longest)
            yield number, _too_long(number, longest, "characters")


def _too_long(number: int, longest: int, unit: str) -> Refusal:
    message = f"The line is longer than {longest:,} {unit}."
    return Refusal(f"line {number}", "line-too-long", message)


def count_lines(path: Path) -> int | None:
    """About how many lines there are, to say how much is left; unknown of what is compressed."""
    with path.open("rb") as file:
        if is_gzipped(file.read(2)):
            return None
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


def is_gzipped(start: bytes) -> bool:
    """Whether a file that begins so is compressed (RFC 1952 §2.3.1)."""
    return start.startswith(b"\x1f\x8b")


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        gzipped = is_gzipped(file.read(2))
    return cast(BinaryIO, gzip.open(path)) if gzipped else path.open("rb")
