"""Archives and books built by hand, with every oddity that real ones rarely show."""

import struct
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

CHAPTER = """<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>"""
CONTAINER = """<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="uid">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="uid">urn:x:1</dc:identifier>
<dc:title>书</dc:title><dc:language>zh</dc:language>{metadata}</metadata>
<manifest><item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>{manifest}</manifest>
<spine{spine}><itemref idref="c1"/>{order}</spine>{guide}</package>"""


@dataclass(frozen=True)
class Packed:
    """An entry; what is left None is worked out truthfully."""

    name: str | bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0x800
    crc: int | None = None
    size: int | None = None
    local_extra: bytes = b""
    trailing: bytes = b""
    descriptor: bool = False
    mode: int = 0
    zip64: bool = False
    raw: bytes | None = None
    local_name: bytes | None = None
    at: int | None = None

    @property
    def raw_name(self) -> bytes:
        """The name's bytes."""
        return self.name.encode() if isinstance(self.name, str) else self.name

    @property
    def packed(self) -> bytes:
        """The data as it lies in the archive."""
        if self.raw is not None:
            return self.raw
        if self.method != 8:
            return self.data
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        return packer.compress(self.data) + packer.flush() + self.trailing

    def sums(self) -> tuple[int, int, int]:
        """CRC, packed size and size, as the directory says."""
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        return crc, len(self.packed), len(self.data) if self.size is None else self.size


@dataclass
class Writer:
    """Lays entries one after the other."""

    out: bytearray = field(default_factory=bytearray)
    directory: bytearray = field(default_factory=bytearray)

    def add(self, entry: Packed, prefix: int) -> None:
        """Write local header and data, and the directory's header."""
        offset = len(self.out) - prefix if entry.at is None else entry.at
        crc, packed, size = entry.sums()
        flags = entry.flags | (8 if entry.descriptor else 0)
        name = entry.raw_name if entry.local_name is None else entry.local_name
        local = (0, 0, 0) if entry.descriptor else (crc, packed, size)
        head = struct.pack("<4s5H", b"PK\3\4", 45, flags, entry.method, 0, 33)
        sizes = struct.pack("<3L2H", *local, len(name), len(entry.local_extra))
        self.out += head + sizes + name + entry.local_extra + entry.packed
        if entry.descriptor:
            self.out += struct.pack("<4s3L", b"PK\7\x08", crc, packed, size)
        self._list(entry, flags, (crc, packed, size), offset)

    def _list(self, entry: Packed, flags: int, sums: tuple[int, int, int], offset: int) -> None:
        crc, packed, size = sums
        extra = b""
        if entry.zip64:
            extra = struct.pack("<2H3Q", 1, 24, size, packed, offset)
            packed = size = offset = 0xFFFFFFFF
        self.directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 0x031E, 45, flags, entry.method, 0, 33, crc, packed, size,
            len(entry.raw_name), len(extra), 0, 0, 0, entry.mode << 16, offset,
        )  # fmt: skip
        self.directory += entry.raw_name + extra


def archive(
    entries: list[Packed], *, prefix: bytes = b"", suffix: bytes = b"", zip64: bool = False
) -> bytes:
    """A ZIP file of these entries; with ``zip64``, its end record is a ZIP64 one."""
    writer = Writer(bytearray(prefix))
    for entry in entries:
        writer.add(entry, len(prefix))
    start, length, count = len(writer.out) - len(prefix), len(writer.directory), len(entries)
    out = writer.out + writer.directory
    if zip64:
        end = len(out)
        out += struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
        out += struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
        start = length = 0xFFFFFFFF
        count = 0xFFFF
    out += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, start, 0)
    return bytes(out + suffix)


def book(
    *more: Packed,
    chapter: Packed | None = None,
    metadata: str = "",
    manifest: str = "",
    order: str = "",
    spine: str = "",
    guide: str = "",
) -> list[Packed]:
    """The entries of a small EPUB; ``chapter`` replaces its only chapter."""
    package = PACKAGE.format(
        metadata=metadata, manifest=manifest, order=order, spine=spine, guide=guide
    )
    text = CHAPTER.format(title="第一章", text="山不在高").encode()
    first = chapter or Packed("OEBPS/c1.xhtml", text)
    return [
        Packed("mimetype", b"application/epub+zip", method=0),
        Packed("META-INF/container.xml", CONTAINER.encode()),
        Packed("OEBPS/content.opf", package.encode()),
        first if first.data else replace(first, data=text),
        *more,
    ]


def write(folder: Path, data: bytes, name: str = "book.epub") -> Path:
    """Put a file into a folder."""
    path = folder / name
    path.write_bytes(data)
    return path
