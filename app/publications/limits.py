"""What one file may cost. Beyond these it is refused, or the part beyond them is withheld."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are in bytes, times in seconds.

    ``parse_bytes`` bounds what is held in memory at once and parsed (a chapter, a package
    document, an image); larger entries are checked and delivered, but not looked into.
    """

    entries: int = 20_000
    directory_bytes: int = 16 * MIB
    name_bytes: int = 1024
    path_depth: int = 32
    entry_bytes: int = 2 * GIB
    total_bytes: int = 4 * GIB
    suspicious_bytes: int = 32 * MIB
    suspicious_ratio: int = 150
    parse_bytes: int = 32 * MIB
    copy_bytes: int = MIB
    kept_bytes: int = 4 * MIB
    text_characters: int = 30_000_000
    toc_entries: int = 20_000
    text_seconds: int = 30
    image_pixels: int = 80_000_000
    pages: int = 20_000
    findings_per_code: int = 10
    memory_bytes: int = GIB
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    output_bytes: int = 2 * GIB
    open_files: int = 64
    books_per_child: int = 1000
