"""Encryption and font obfuscation (EPUB 3.3, 4.2.6.3.2 and 4.4)."""

import hashlib
import re
from typing import NamedTuple

from app.publications.archives import Archive
from app.publications.entries import Mask
from app.publications.findings import Report
from app.publications.markup import attribute, first, parse_xml
from app.publications.paths import resolve

ENCRYPTION = "META-INF/encryption.xml"
IDPF = "http://www.idpf.org/2008/embedding"
ADOBE = "http://ns.adobe.com/pdf/enc#RC"
IDPF_SPAN = 1040
ADOBE_SPAN = 1024
WHITE = re.compile(r"[\x20\t\r\n]")
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


class Encryption(NamedTuple):
    """Path → algorithm of every resource that is said to be encrypted."""

    algorithms: dict[str, str]

    def masks(self, unique_identifier: str, others: tuple[str, ...]) -> dict[str, Mask]:
        """How to restore the obfuscated resources, by path."""
        idpf = idpf_mask(unique_identifier)
        adobe = next((m for name in (unique_identifier, *others) if (m := adobe_mask(name))), None)
        by_algorithm = {IDPF: idpf, ADOBE: adobe}
        return {
            path: mask
            for path, algorithm in self.algorithms.items()
            if (mask := by_algorithm.get(algorithm))
        }


def idpf_mask(unique_identifier: str) -> Mask:
    """The key is the SHA-1 of the unique identifier without white space; 1,040 bytes are masked."""
    name = WHITE.sub("", unique_identifier).encode()
    return Mask(hashlib.sha1(name, usedforsecurity=False).digest(), IDPF_SPAN)


def adobe_mask(identifier: str) -> Mask | None:
    """Adobe's way: the key is the UUID of the book; 1,024 bytes are masked."""
    uuid = UUID.search(identifier)
    return Mask(bytes.fromhex(uuid[0].replace("-", "")), ADOBE_SPAN) if uuid else None


def read_encryption(archive: Archive, report: Report) -> Encryption:
    """What the book says is encrypted; empty without the file."""
    data = archive.read(ENCRYPTION)
    parsed = parse_xml(data) if data else None
    algorithms: dict[str, str] = {}
    if parsed is None:
        return Encryption(algorithms)
    if not parsed.wellformed:
        report.add("xml-malformed", ENCRYPTION)
    for block in parsed.root.iter("{*}EncryptedData"):
        method, reference = first(block, "EncryptionMethod"), first(block, "CipherReference")
        uri = attribute(reference, "URI") if reference is not None else None
        target = resolve("", uri) if uri else None
        path = archive.find(target[0]) if target else None
        if path:
            name = attribute(method, "Algorithm") if method is not None else None
            algorithms[path] = name or "unknown"
    return Encryption(algorithms)
