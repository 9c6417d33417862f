"""JSON lines: one exchange record a line, plain or gzipped."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

import msgspec

from app.catalog.formats.candidates import Candidate, Refusal
from app.catalog.formats.exchange import ExchangeRecord, candidate

MAX_LINE = 1024 * 1024
_decoder = msgspec.json.Decoder(ExchangeRecord)
_KNOWN = frozenset(ExchangeRecord.__struct_fields__)
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A file of JSON lines; a line that is no record is refused by its number."""

    path: Path
    name: ClassVar[str] = "jsonl"

    def read(self) -> Iterator[Candidate | Refusal]:
        """Every line that is not empty, in order."""
        for number, line in _lines(self.path):
            if isinstance(line, Refusal):
                yield line
            elif line.strip():
                yield record_of(line, f"line {number}")


def record_of(line: bytes, place: str) -> Candidate | Refusal:
    """The record on one line, or why it is none."""
    try:
        return candidate(_decoded(line), line.rstrip(b"\r\n"), place)
    except msgspec.ValidationError as error:
        match = _PLACE.search(str(error))
        where = f"{place}, {match[1]}" if match and match[1] else place
        return Refusal(where, "field-invalid", _PLACE.sub("", str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refusal(place, "json-malformed", f"The line is not JSON: {error}")


def _decoded(line: bytes) -> ExchangeRecord:
    """The record; members that it does not know are kept in ``extra``."""
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError:
        said = msgspec.json.decode(line)
        if not isinstance(said, dict) or _KNOWN.issuperset(said):
            raise
    unknown = {name: said.pop(name) for name in [*said] if name not in _KNOWN}
    record = msgspec.convert(said, ExchangeRecord)
    return msgspec.structs.replace(record, extra={**unknown, **record.extra})


def _lines(path: Path) -> Iterator[tuple[int, bytes | Refusal]]:
    """Numbered lines, none held in memory beyond the limit; a torn end is a refusal."""
    number = 0
    with _open(path) as file:
        while True:
            number += 1
            try:
                line = file.readline(MAX_LINE + 1)
                if too_long := len(line) > MAX_LINE:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_LINE)
            except (OSError, EOFError, zlib.error) as error:
                message = f"The file breaks off here: {error}"
                yield number, Refusal(f"line {number}", "file-broken", message)
                return
            if too_long:
                message = f"The line is longer than {MAX_LINE:,} bytes."
                yield number, Refusal(f"line {number}", "line-too-long", message)
            elif line:
                yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            else:
                return


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if gzipped else path.open("rb")
