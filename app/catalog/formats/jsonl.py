"""JSON lines: one exchange record a line, plain or gzipped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec

from app.catalog.formats.candidates import Candidate
from app.catalog.formats.exchange import ExchangeRecord, candidate
from app.lines import Refusal, byte_lines

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
        for number, line in byte_lines(self.path, MAX_LINE):
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
