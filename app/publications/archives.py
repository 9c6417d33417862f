"""Archives that others made: every entry checked once, within limits, nothing unpacked by name."""

import stat
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.paths import decode_name, fold, is_safe
from app.publications.source import Source
from app.publications.zipdirectory import LOCAL, Record, data_offset, read_directory

STORED, DEFLATED = 0, 8
FLAG_ENCRYPTED, FLAG_UTF8 = 0x1, 0x800
OUTPUT_PIECE = 1024 * 1024
UNREADABLE = ("entry-damaged", "entry-bomb")
Sink = Callable[[bytes], object]


class TooLargeError(Exception):
    """An entry inflates to more than is allowed."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry with a safe name. ``withheld`` is the code of what keeps it from being read."""

    path: str
    record: Record
    data: int
    withheld: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What inflating an entry showed: its real size and CRC, and the code of what is wrong."""

    size: int
    crc: int
    fault: str | None

    @property
    def exact(self) -> bool:
        """Size, CRC and end of the stream are as the directory says."""
        return self.fault is None


class Archive:
    """A ZIP archive on a source. Opening raises RefusedError where no part of it can be trusted."""

    def __init__(self, source: Source, limits: Limits, report: Report) -> None:
        self._source = source
        self._limits = limits
        self._report = report
        self._verdicts: dict[str, Verdict] = {}
        self._kept: dict[str, bytes] = {}
        self._kept_bytes = 0
        self._spent = 0
        records = read_directory(source, limits, report)
        self._members = {m.path: m for record in records if (m := self._member(record))}
        self._check_overlaps(records)
        self._check_total()
        self._folded = self._fold_names()

    @property
    def members(self) -> Iterable[Member]:
        """Every file with a safe name, in the order in which the data lies."""
        return sorted(self._members.values(), key=lambda member: member.data)

    def __contains__(self, path: str) -> bool:
        return path in self._members

    def get(self, path: str) -> Member | None:
        """The entry of exactly that name."""
        return self._members.get(path)

    def find(self, path: str) -> str | None:
        """The name of the entry that a reference means, forgiving case and Unicode form."""
        return path if path in self._members else self._folded.get(fold(path))

    def read(self, path: str) -> bytes | None:
        """The content of an entry, or None if it is missing, withheld, or too large to parse."""
        if path in self._kept:
            return self._kept[path]
        member = self._members.get(path)
        if member is None or member.withheld:
            return None
        if member.record.size > self._limits.parse_bytes:
            self._report.add("entry-large", path)
            return None
        pieces: list[bytes] = []
        verdict = self.inflate(member, pieces.append, most=self._limits.parse_bytes)
        if verdict.fault in UNREADABLE:
            return None
        data = b"".join(pieces)
        self._keep(path, data)
        return data

    def head(self, member: Member) -> bytes:
        """The first bytes of an entry, at most 64; nothing where they cannot be read."""
        if member.withheld:
            return b""
        raw = self._source.read_at(member.data, min(member.record.compressed, 256))
        if member.record.method == STORED:
            return raw[:64]
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, 64)
        except zlib.error:
            return b""

    def verify(self, member: Member) -> Verdict:
        """Inflate an entry without keeping it, unless that has been done already."""
        return self._verdicts.get(member.path) or self.inflate(member, len)

    def is_unreadable(self, member: Member) -> bool:
        """Whether nothing of an entry can be delivered."""
        return bool(member.withheld) or self.verify(member).fault in UNREADABLE

    def inflate(self, member: Member, sink: Sink, *, most: int | None = None) -> Verdict:
        """Give the content of an entry to ``sink`` piece by piece and judge it.

        Raises RefusedError when the archive as a whole exceeds its limits.
        """
        known = self._verdicts.get(member.path)
        allowed = min(self._allowance(member), most or self._limits.entry_bytes)
        pieces = self._source.pieces(member.data, member.record.compressed)
        try:
            if member.record.method == DEFLATED:
                verdict = _inflate(pieces, sink, allowed, member.record)
            else:
                verdict = _copy(pieces, sink, member.record)
        except TooLargeError:
            verdict = Verdict(0, 0, "entry-bomb")
        if known is None:
            self._judge(member, verdict)
        return verdict

    def is_exactly(self, member: Member, content: bytes) -> bool:
        """Whether the entry is stored, lies first without extra field, and is that content."""
        lies_first = (
            member.data == len(member.record.name) + LOCAL.size and member.record.header == 0
        )
        return (
            lies_first
            and member.record.method == STORED
            and self._source.read_at(member.data, len(content) + 1)[: member.record.size] == content
        )

    def _allowance(self, member: Member) -> int:
        limits = self._limits
        by_ratio = max(limits.suspicious_bytes, member.record.compressed * limits.suspicious_ratio)
        return min(limits.entry_bytes, by_ratio)

    def _judge(self, member: Member, verdict: Verdict) -> None:
        self._verdicts[member.path] = verdict
        self._spent += verdict.size
        if verdict.fault:
            self._report.add(verdict.fault, member.path)
        if self._spent > self._limits.total_bytes:
            raise RefusedError("archive-bomb")

    def _keep(self, path: str, data: bytes) -> None:
        if self._kept_bytes + len(data) <= self._limits.kept_bytes:
            self._kept[path] = data
            self._kept_bytes += len(data)

    def _member(self, record: Record) -> Member | None:
        path = self._name(record)
        if path is None or path.endswith("/"):
            return None
        data = data_offset(self._source, record)
        withheld = "entry-header" if data is None else _reason(record)
        if withheld:
            self._report.add(withheld, path)
        return Member(path, record, data or 0, withheld)

    def _name(self, record: Record) -> str | None:
        path, guessed = decode_name(record.name, bool(record.flags & FLAG_UTF8))
        if guessed:
            self._report.add("path-encoding", path)
        if "\\" in path:
            self._report.add("path-backslash", path)
            path = path.replace("\\", "/")
        too_long = len(record.name) > self._limits.name_bytes
        if too_long or not is_safe(path.rstrip("/"), depth=self._limits.path_depth):
            self._report.add("path-unsafe", ascii(path)[1:-1])
            return None
        return path

    def _check_overlaps(self, records: list[Record]) -> None:
        """Honest archives lie entry after entry; overlapping ones multiply what they hold."""
        end, seen = 0, set()
        for record in sorted(records, key=lambda record: record.header):
            if data_end(record) > self._source.size:
                continue
            if record.header < end:
                raise RefusedError("zip-overlap", ascii(record.name))
            end = data_end(record)
            if record.name in seen:
                self._report.add("path-duplicate", ascii(record.name)[2:-1])
            seen.add(record.name)

    def _check_total(self) -> None:
        readable = (member for member in self._members.values() if not member.withheld)
        stated = sum(member.record.size for member in readable)
        suspicious = stated > 8 * self._limits.suspicious_bytes
        if stated > self._limits.total_bytes or (
            suspicious and stated > self._source.size * self._limits.suspicious_ratio
        ):
            raise RefusedError("archive-bomb", f"{stated} bytes")

    def _fold_names(self) -> dict[str, str]:
        folded: dict[str, str] = {}
        for path in self._members:
            if folded.setdefault(fold(path), path) != path:
                self._report.add("path-collision", path)
        return folded


def data_end(record: Record) -> int:
    """The earliest offset at which the data of an entry can end."""
    return record.header + LOCAL.size + len(record.name) + record.compressed


def _reason(record: Record) -> str | None:
    """Why an entry may not be read, whatever its data."""
    kind = stat.S_IFMT(record.unix_mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "entry-special"
    if record.flags & FLAG_ENCRYPTED:
        return "entry-encrypted"
    if record.method not in (STORED, DEFLATED):
        return "entry-method"
    if record.method == STORED and record.compressed != record.size:
        return "entry-damaged"
    return None


def _inflate(pieces: Iterable[bytes], sink: Sink, most: int, record: Record) -> Verdict:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    size = crc = consumed = 0
    try:
        for piece in pieces:
            consumed += len(piece)
            while not decoder.eof:
                out = decoder.decompress(piece, OUTPUT_PIECE)
                piece = decoder.unconsumed_tail
                size += len(out)
                if size > most:
                    raise TooLargeError
                crc = zlib.crc32(out, crc)
                sink(out)
                if not piece and len(out) < OUTPUT_PIECE:
                    break
            if decoder.eof:
                break
    except zlib.error:
        return Verdict(size, crc, "entry-damaged")
    if not decoder.eof:
        return Verdict(size, crc, "entry-damaged")
    trailing = consumed - len(decoder.unused_data) != record.compressed
    return Verdict(size, crc, _fault(size, crc, trailing, record))


def _copy(pieces: Iterable[bytes], sink: Sink, record: Record) -> Verdict:
    size = crc = 0
    for piece in pieces:
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        sink(piece)
    return Verdict(size, crc, _fault(size, crc, False, record))


def _fault(size: int, crc: int, trailing: bool, record: Record) -> str | None:
    if size != record.size:
        return "entry-size"
    if crc != record.crc:
        return "entry-crc"
    return "entry-trailing" if trailing else None
