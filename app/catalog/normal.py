"""Normal forms by which things are found and grouped: ISBN, language, work."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

from app.catalog.description import Description
from search.analysis.folding import fold
from search.analysis.isbn import check_10, check_13

_ISO_639_2 = {
    "eng": "en", "chi": "zh", "zho": "zh", "fre": "fr", "fra": "fr", "ger": "de", "deu": "de",
    "spa": "es", "ita": "it", "jpn": "ja", "kor": "ko", "rus": "ru", "por": "pt", "ara": "ar",
    "nld": "nl", "dut": "nl", "swe": "sv", "fin": "fi", "dan": "da", "nor": "no", "lat": "la",
    "gre": "el", "ell": "el", "hun": "hu", "pol": "pl", "tur": "tr", "ind": "id", "per": "fa",
    "fas": "fa", "vie": "vi", "tha": "th", "mon": "mn", "tib": "bo", "bod": "bo", "uig": "ug",
}  # fmt: skip
_VOLUMES = re.compile(r"[\s:：,，]*(?:[〇一二三四五六七八九十百千\d]+卷|不分卷).*$")


def isbn13(written: str) -> str | None:
    """The ISBN-13 digits of an ISBN however written; ``None`` when it is not one.

    Spreadsheets drop leading zeros: nine digits are tried with the zero put back (ISO 2108).
    """
    digits = re.sub(r"[^0-9Xx]", "", written).lower()
    if len(digits) == 13 and digits.isdigit() and check_13(digits[:12]) == digits[12]:
        return digits
    for padded in (digits, digits.zfill(10)):
        if len(digits) >= 8 and len(padded) == 10 and _is_isbn10(padded):
            return "978" + padded[:9] + check_13("978" + padded[:9])
    return None


def _is_isbn10(digits: str) -> bool:
    return digits[:9].isdigit() and check_10(digits[:9]) == digits[9]


@lru_cache(maxsize=4_096)
def language(written: str) -> str:
    """The language tag that lists and facets use: ISO 639-1, with the script for Chinese."""
    tag = written.strip().replace("_", "-")
    primary, _, rest = tag.partition("-")
    primary = _ISO_639_2.get(primary.lower(), primary.lower())
    if primary == "zh" and rest:
        return "zh-Hant" if rest.lower() in ("hant", "tw", "hk", "mo") else "zh-Hans"
    return "" if primary in ("und", "mul", "zxx") else primary


def work_id(description: Description, record_id: str) -> str:
    """The group of editions: same main title and first agent after folding.

    A title alone is too weak to group by: a record without an agent is a work of its own.
    """
    title = fold(_VOLUMES.sub("", description.title)) or fold(description.title)
    agents = [fold(agent.name) for agent in description.agents if agent.name]
    if not title or not agents or agents[0] in ("佚名", "anonymous", "不著撰人", "various"):
        return record_id
    return blake2b(f"{title}\0{agents[0]}".encode(), digest_size=16).hexdigest()
