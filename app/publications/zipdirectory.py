"""The directory of a ZIP archive, read by the letter of APPNOTE 6.3.10.

The standard library's reader takes data offsets and sizes on trust and gives no raw offsets;
delivery needs both checked, so the few structures are read here.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.source import Source

END = struct.Struct("<4s4H2LH")
END64_LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
MOST_COMMENT = 0xFFFF
FULL32 = 0xFFFFFFFF
FULL16 = 0xFFFF
ZIP64_EXTRA = 0x0001
SYSTEM_UNIX = 3


class Record(NamedTuple):
    """One header of the central directory, as it stands; ``header`` is an absolute offset."""

    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    header: int
    unix_mode: int


class Place(NamedTuple):
    """Where the directory lies: absolute offset, length, entries, bytes before the archive."""

    offset: int
    length: int
    entries: int
    prefix: int


def read_directory(source: Source, limits: Limits, report: Report) -> list[Record]:
    """All records, in the directory's order. Raises RefusedError."""
    place = _find(source, report)
    if place.entries > limits.entries or place.length > limits.directory_bytes:
        raise RefusedError("too-many-entries", str(place.entries))
    if place.prefix:
        report.add("zip-prefix", str(place.prefix))
    records = list(_records(source.read_at(place.offset, place.length), place.prefix))
    if len(records) > limits.entries:
        raise RefusedError("too-many-entries", str(len(records)))
    if len(records) != place.entries:
        report.add("zip-count", f"{len(records)} ≠ {place.entries}")
    return records


def data_offset(source: Source, record: Record) -> int | None:
    """Absolute offset of the entry's data, by its local header; None if that is not its header."""
    head = source.read_at(record.header, LOCAL.size + len(record.name))
    if len(head) != LOCAL.size + len(record.name):
        return None
    fields = LOCAL.unpack_from(head)
    signature, method, name_length, extra_length = fields[0], fields[3], fields[9], fields[10]
    if signature != b"PK\3\4" or method != record.method or name_length != len(record.name):
        return None
    if head[LOCAL.size :] != record.name:
        return None
    offset = record.header + LOCAL.size + name_length + extra_length
    return offset if offset + record.compressed <= source.size else None


def _find(source: Source, report: Report) -> Place:
    tail_length = min(source.size, END.size + MOST_COMMENT)
    tail_start = source.size - tail_length
    tail = source.read_at(tail_start, tail_length)
    at = tail.rfind(b"PK\5\6")
    while at >= 0 and len(tail) - at < END.size:
        at = tail.rfind(b"PK\5\6", 0, at)
    if at < 0:
        raise RefusedError("zip-truncated")
    _, disk, first_disk, _, entries, length, offset, comment = END.unpack_from(tail, at)
    if at + END.size + comment != len(tail):
        report.add("zip-trailing", str(len(tail) - at - END.size - comment))
    if disk not in (0, FULL16) or first_disk not in (0, FULL16):
        raise RefusedError("zip-split")
    end = tail_start + at
    if entries == FULL16 or FULL32 in (length, offset):
        end, entries, length, offset = _find64(source, end, entries, length, offset)
    return _place(source, end, entries, length, offset)


def _find64(
    source: Source, end: int, entries: int, length: int, offset: int
) -> tuple[int, int, int, int]:
    """The same of a ZIP64 archive (APPNOTE 4.3.14, 4.3.15); unchanged where there is none."""
    at = end - END64_LOCATOR.size
    raw = source.read_at(at, END64_LOCATOR.size) if at >= 0 else b""
    if raw[:4] != b"PK\6\7":
        return end, entries, length, offset
    stated = END64_LOCATOR.unpack(raw)[2]
    for candidate in (stated, at - END64.size):
        head = source.read_at(candidate, END64.size) if 0 <= candidate < at else b""
        if len(head) == END64.size and head[:4] == b"PK\6\6":
            fields = END64.unpack(head)
            return candidate, fields[7], fields[8], fields[9]
    raise RefusedError("zip-directory", "ZIP64")


def _place(source: Source, end: int, entries: int, length: int, offset: int) -> Place:
    """Where the directory really is: before the end record, or else where it is stated to be."""
    for actual in (end - length, offset):
        if actual < 0 or actual + length > end:
            continue
        if not length or source.read_at(actual, 4) == b"PK\1\2":
            return Place(actual, length, entries, max(actual - offset, 0))
    raise RefusedError("zip-directory")


def _records(directory: bytes, prefix: int) -> Iterator[Record]:
    at = 0
    while at + CENTRAL.size <= len(directory) and directory[at : at + 4] == b"PK\1\2":
        fields = CENTRAL.unpack_from(directory, at)
        made_by, flags, method, crc = fields[1], fields[3], fields[4], fields[7]
        name_length, extra_length, comment_length = fields[10:13]
        name_end = at + CENTRAL.size + name_length
        extra_end = name_end + extra_length
        if extra_end > len(directory):
            raise RefusedError("zip-directory")
        name = directory[at + CENTRAL.size : name_end]
        size, compressed, header = _wide(
            directory[name_end:extra_end], fields[9], fields[8], fields[16]
        )
        mode = fields[15] >> 16 if made_by >> 8 == SYSTEM_UNIX else 0
        yield Record(name, flags, method, crc, compressed, size, prefix + header, mode)
        at = extra_end + comment_length


def _wide(extra: bytes, size: int, compressed: int, header: int) -> tuple[int, int, int]:
    """Size, compressed size and header offset, widened by the ZIP64 extra field (4.5.3)."""
    if FULL32 not in (size, compressed, header):
        return size, compressed, header
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == ZIP64_EXTRA:
            wide = iter(
                struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4)
            )
            return (
                next(wide, size) if size == FULL32 else size,
                next(wide, compressed) if compressed == FULL32 else compressed,
                next(wide, header) if header == FULL32 else header,
            )
        at += 4 + length
    return size, compressed, header
