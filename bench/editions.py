"""More records than there are: further editions and holdings of real ones, the same every time.

Record ``k`` of ``n`` real ones is the real one at place ``k mod n`` of an order that a hash deals;
the first round are the records as they were given, each further round is one more edition of each.
So no work is invented, every work's part of the catalogue stays what it is in the real data, and a
beginning of any length has every source in proportion. Each field of a further edition is drawn
by a hash of (seed, source, id, edition, field): no record depends on another, on how many there
are, or on the order in which they were given or are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from search.analysis.isbn import check_13

SEED = 20260101
_ISBN_STEP, _ISBN_START = 387_420_489, 271_828_182
"""The step has no factor in common with ten, so that a thousand million records differ."""
_ISBN_PLACES = 10**9
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_NUMERAL = "〇一二三四五六七八九十百千\\d"
_CHINESE_MARK = re.compile(
    rf"[\s:：,，]*[（(\[]?(?:第[{_NUMERAL}]+[版册冊卷期辑輯集号號]|[上中下{_NUMERAL}]+[卷册冊编編集辑輯]"
    r"|不分卷|[增修重影抄稿刻节節译譯][订訂修印]?[本版])[）)\]]?$"
)
_LATIN_MARK = re.compile(
    r"[\s,.:;—–-]*[(\[]?\b(?:(?:second|third|fourth|fifth|sixth|new|revised|illustrated|complete"
    r"|abridged|\d+(?:st|nd|rd|th))(?:,? \w+)? ed(?:ition|\.)"
    r"|(?:vol(?:ume|\.)?|part|book)s? (?:\d+|[ivxlc]+|one|two|three|four)"
    r"(?: \(?of (?:\d+|[ivxlc]+|two|three|four)\)?)?)[)\]]?\.?$",
    re.IGNORECASE,
)
_STATEMENT = re.compile(r"[撰著编編輯辑纂修注註校譯译]$")
"""Who made it, where some catalogues have it: in the place of the publisher."""
_OF_ONE_COPY = ("barcode", "callnum", "epub", "file")
"""What names a single copy or its file; other editions do not have it."""

Fields = dict[str, Any]


@dataclass(slots=True)
class Proportions:
    """What the records of one source say, each value as often as they say it, absent ones too.

    Drawn from evenly, they give further editions the shares and the distributions of the real
    ones: of publishers, dates, ISBNs, ratings, and of what ends a title (第二册, 二卷, revised
    ed., Vol. 2), apart for Chinese titles and others.
    """

    publishers: list[str | None] = field(default_factory=list)
    dates: list[str | None] = field(default_factory=list)
    isbns: list[bool] = field(default_factory=list)
    reception: list[tuple[float | None, int | None]] = field(default_factory=list)
    marks: dict[bool, list[str]] = field(default_factory=lambda: {True: [], False: []})

    def count(self, record: Fields) -> None:
        """One more record of the source."""
        if not _names_makers(record):
            self.publishers.append(record.get("publisher"))
        self.dates.append(record.get("date"))
        self.isbns.append(bool(record.get("isbn")))
        self.reception.append((record.get("rating"), record.get("votes")))
        title = record.get("title") or ""
        self.marks[_is_chinese(title)].append(_parted(title)[1])


class Editions:
    """The records by number; ``lines`` are the real ones in the exchange form, one JSON each."""

    def __init__(self, lines: Iterable[bytes], seed: int = SEED) -> None:
        self._seed = str(seed)
        keyed = ((_key(msgspec.json.decode(line)), line.rstrip(b"\n")) for line in lines)
        self._lines = [line for _, line in sorted((self._hash(key), line) for key, line in keyed)]
        self._sources: dict[str, Proportions] = {}
        for line in self._lines:
            record = msgspec.json.decode(line)
            self._sources.setdefault(record["src"], Proportions()).count(record)

    def __len__(self) -> int:
        """How many real ones there are."""
        return len(self._lines)

    def stream(self, first: int, end: int, step: int = 1) -> Iterator[bytes]:
        """The records of these numbers as lines of JSON, without their ends."""
        return map(self.record, range(first, end, step))

    def record(self, number: int) -> bytes:
        """One record as a line of JSON, without its end; real ones as they were given."""
        edition, place = divmod(number, len(self._lines))
        line = self._lines[place]
        return self._further(msgspec.json.decode(line), edition, number) if edition else line

    def _further(self, record: Fields, edition: int, number: int) -> bytes:
        key = f"{_key(record)}\0{edition}"
        source = self._sources[record["src"]]
        title, mark = _parted(record["title"])
        marks = source.marks[_is_chinese(record["title"])]
        rating, votes = source.reception[self._draw(key, "rating", source.reception)]
        isbn = isbn_of(number)
        drawn = {
            "id": f"{record['id']}~{edition}",
            "uid": format(self._hash(f"{key}\0uid"), "016x"),
            "title": title + (marks[self._draw(key, "title", marks)] or mark),
            "publisher": source.publishers[self._draw(key, "publisher", source.publishers)],
            "date": source.dates[self._draw(key, "date", source.dates)],
            "isbn": isbn if source.isbns[self._draw(key, "isbn", source.isbns)] else None,
            "rating": rating,
            "votes": votes,
        }
        if _names_makers(record):
            del drawn["publisher"]
        told = {**record, **drawn}
        if extra := record.get("extra"):
            told["extra"] = _of_another_copy(extra, isbn)
        return msgspec.json.encode({name: v for name, v in told.items() if v is not None})

    def _draw(self, key: str, name: str, choices: list[Any]) -> int:
        return self._hash(f"{key}\0{name}") % len(choices)

    def _hash(self, key: str) -> int:
        digest = blake2b(f"{self._seed}\0{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest)


def isbn_of(number: int) -> str:
    """The ISBN-13 of a record that has one: valid, and no other record's (ISO 2108).

    They begin with 979, which no ten-digit number does.
    """
    digits = f"979{(number * _ISBN_STEP + _ISBN_START) % _ISBN_PLACES:09}"
    return digits + check_13(digits)


def _key(record: Fields) -> str:
    return f"{record['src']}\0{record['id']}"


def _is_chinese(title: str) -> bool:
    return _CHINESE.search(title) is not None


def _names_makers(record: Fields) -> bool:
    return _STATEMENT.search(record.get("publisher") or "") is not None


def _parted(title: str) -> tuple[str, str]:
    """A title, and the mark of volume or edition that ends it."""
    found = (_CHINESE_MARK if _is_chinese(title) else _LATIN_MARK).search(title)
    if not found or not found.start():
        return title, ""
    return title[: found.start()], found[0]


def _of_another_copy(extra: Fields, isbn: str) -> Fields:
    kept = {n: v for n, v in extra.items() if not n.endswith(_OF_ONE_COPY)}
    return {n: isbn if v and n.endswith("isbn") else v for n, v in kept.items()}
