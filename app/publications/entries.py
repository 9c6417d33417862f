"""The byte index: where every resource lies, and how it can be sent."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import xor

from app.publications.archives import DEFLATED, UNREADABLE, Archive, Member, Sink
from app.publications.limits import GIB, Limits
from app.publications.mediatypes import BYTES, by_content, by_name, needs_copy
from app.publications.models import Entry
from app.publications.output import Output

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True, slots=True)
class Mask:
    """An obfuscation: the first ``span`` bytes are combined with a repeated key by XOR."""

    key: bytes
    span: int

    def undo(self, data: bytes, position: int) -> bytes:
        """The clear bytes of ``data``, which begins at ``position`` of the resource."""
        reach = min(len(data), max(self.span - position, 0))
        keys = (self.key[(position + at) % len(self.key)] for at in range(reach))
        return bytes(map(xor, data[:reach], keys)) + data[reach:]


def gzip_frame(entry: Entry) -> tuple[bytes, bytes]:
    """What to send before and after the raw deflate bytes of a passthrough entry (RFC 1952).

    10 bytes of header without time and name, and 8 bytes of CRC-32 and size. Raises ValueError
    for an entry whose bytes must not be passed through.
    """
    if not entry.passthrough:
        raise ValueError(entry.path)
    return GZIP_HEADER, struct.pack("<2L", entry.crc, entry.size)


@dataclass(slots=True)
class Indexer:
    """Builds the entries of an archive.

    ``types`` are media types that parsing has shown, ``claims`` those of the book's manifest,
    ``obfuscated`` are resources to be restored into copies, ``withheld`` are codes for resources
    that must not be served.
    """

    archive: Archive
    output: Output
    limits: Limits
    types: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    obfuscated: Mapping[str, Mask] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)

    def entries(self) -> tuple[Entry, ...]:
        """One entry for every file with a safe name, in the order in which they lie."""
        return tuple(self._entry(member) for member in self.archive.members)

    def _entry(self, member: Member) -> Entry:
        media_type = self._media_type(member)
        withheld = member.withheld or self.withheld.get(member.path)
        if withheld:
            return _plain(member, media_type, withheld=withheld)
        deflated = member.record.method == DEFLATED
        large = member.record.size > self.limits.copy_bytes or needs_copy(media_type)
        if member.path in self.obfuscated or (deflated and large):
            return self._copied(member, media_type)
        verdict = self.archive.verify(member)
        if verdict.fault in UNREADABLE:
            return _plain(member, media_type, withheld=verdict.fault)
        if not deflated:
            return _plain(member, media_type, crc=verdict.crc)
        if not verdict.exact or verdict.size >= 4 * GIB:
            return self._copied(member, media_type)
        return _plain(member, media_type, passthrough=True)

    def _media_type(self, member: Member) -> str:
        known = self.types.get(member.path)
        if known:
            return known
        named = by_name(member.path, self.claims.get(member.path))
        if named != BYTES:
            return named
        return by_content(self.archive.head(member)) or BYTES

    def _copied(self, member: Member, media_type: str) -> Entry:
        name = self.output.next_copy()
        with self.output.create(name) as file:
            copy = _Copy(self.output.counted(file), self.obfuscated.get(member.path))
            verdict = self.archive.inflate(member, copy)
        if verdict.fault in UNREADABLE:
            self.output.discard(name)
            return _plain(member, media_type, withheld=verdict.fault)
        return _plain(member, media_type, copy=name, size=copy.size, crc=copy.crc)


class _Copy:
    """A sink that undoes an obfuscation on the way and sums up what passes."""

    def __init__(self, sink: Sink, mask: Mask | None) -> None:
        self._sink = sink
        self._mask = mask
        self.size = 0
        self.crc = 0

    def __call__(self, data: bytes) -> None:
        if self._mask:
            data = self._mask.undo(data, self.size)
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)
        self._sink(data)


def _plain(
    member: Member,
    media_type: str,
    *,
    size: int | None = None,
    crc: int | None = None,
    passthrough: bool = False,
    copy: str | None = None,
    withheld: str | None = None,
) -> Entry:
    record = member.record
    return Entry(
        path=member.path,
        offset=member.data,
        compressed=record.compressed,
        size=record.size if size is None else size,
        crc=record.crc if crc is None else crc,
        method=record.method,
        media_type=media_type,
        passthrough=passthrough,
        copy=copy,
        withheld=withheld,
    )
