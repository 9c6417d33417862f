"""Files of a library's readers: a table or JSON lines, read row by row, each judged by itself.

A row is a line: a quote that nothing closes spoils its own line and no other. What is said of a
row names its column and what would be right, never a value. Of a name no more than a mask leaves
this module.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from app.errors import Fault, InvalidError
from app.identity.handles import Handle, HandleKind, normal
from app.identity.policies import CHINA
from app.lines import Refusal, byte_lines, is_gzipped, text_lines

NAMES = ("csv", "jsonl")
LONGEST_LINE = 16_000
MOST_COLUMNS = 200
MOST_ROWS = 5_000_000
NOBODY = "读者"
"""What a reader is called whose name was not said, or is none."""
COLUMNS = {
    "card": ("读者证号", "读者证", "读者证条码", "读者条码", "证号", "借书证号", "借书证", "卡号",
             "条码号", "条码", "card number", "cardnumber", "card no", "library card", "barcode"),
    "name": ("姓名", "读者姓名", "名字", "full name"),
    "phone": ("手机", "手机号", "手机号码", "移动电话", "电话", "联系电话", "mobile", "telephone",
              "phone number"),
    "email": ("邮箱", "电子邮箱", "电子邮件", "e-mail", "mail", "email address"),
    "state": ("状态", "证状态", "读者状态", "读者证状态", "status", "card status"),
    "expires": ("有效期", "有效期至", "有效期限", "截止日期", "到期日", "到期日期", "失效日期",
                "expiry", "expires on", "expiry date", "expiration date", "valid until"),
}  # fmt: skip
"""The columns that are read, each under its own name too; all others are left alone."""
_FIELDS = {name: field for field, names in COLUMNS.items() for name in (field, *names)}
_OPEN = frozenset({
    "", "正常", "有效", "在用", "可用", "启用", "激活", "已激活",
    "open", "active", "valid", "normal", "ok", "enabled", "1",
})  # fmt: skip
_SUSPENDED = frozenset({
    "挂失", "停用", "暂停", "注销", "退证", "退卡", "冻结", "失效", "无效", "过期", "丢失", "禁用",
    "suspended", "blocked", "lost", "closed", "inactive", "invalid", "expired", "disabled",
    "cancelled", "0",
})  # fmt: skip
_ENDLESS = frozenset({
    "", "长期", "永久", "长期有效", "永久有效", "无限期", "无", "never", "none", "permanent",
})  # fmt: skip
_DATE = re.compile(r"(\d{4})(?P<sep>[-/.年]?)(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T ].*)?")
_EIGHT = re.compile(r"\d{8}(?!\d)")
_decoder = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row says of a reader. ``notes`` are what was left out of it, and why."""

    place: str
    card: Handle
    name: str
    contact: Handle | None
    """Where the library reaches the reader: a phone before an address."""
    state: str
    expires_at: datetime | None
    notes: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be taken; its card where at least that could be read."""

    refusal: Refusal
    card: Handle | None = None

    @property
    def place(self) -> str:
        """Where it stands."""
        return self.refusal.place


Row = Entry | Refused


@dataclass(frozen=True, slots=True)
class Roster:
    """A file of the readers of one library."""

    path: Path
    name: str
    """``csv`` or ``jsonl``."""
    library_id: str

    def read(self) -> Iterator[Row]:
        """Every row in order, always the same; one that is bad stops nothing."""
        rows = self._objects() if self.name == "jsonl" else self._table()
        for number, row in enumerate(rows):
            if number >= MOST_ROWS:
                message = f"A file has at most {MOST_ROWS:,} rows; what follows was not read."
                yield Refused(Refusal("file", "too-many-rows", message))
                return
            yield row

    def _objects(self) -> Iterator[Row]:
        for number, line in byte_lines(self.path, LONGEST_LINE):
            place = f"line {number}"
            if isinstance(line, Refusal):
                yield Refused(line)
            elif line.strip():
                try:
                    said = _decoder.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    message = "The line is no JSON object."
                    yield Refused(Refusal(place, "json-malformed", message))
                    continue
                plain = {k: v for k, v in said.items() if isinstance(v, str | int) and v != ""}
                yield self._row({_field(k): str(v) for k, v in plain.items()}, place)

    def _table(self) -> Iterator[Row]:
        lines = text_lines(self.path, LONGEST_LINE)
        delimiter, fields, problem = _heading(next(lines, (1, "")))
        if problem:
            yield Refused(problem)
            return
        for number, line in lines:
            place = f"line {number}"
            if isinstance(line, Refusal):
                yield Refused(line)
                continue
            try:
                cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
            except csv.Error:
                message = "A quote is not closed in its line, or stands where none can."
                yield Refused(Refusal(place, "csv-malformed", message))
                continue
            if any(cell.strip() for cell in cells):
                yield self._cells(fields, cells, place)

    def _cells(self, fields: Sequence[str], cells: Sequence[str], place: str) -> Row:
        if any(cell.strip() for cell in cells[len(fields) :]):
            message = f"The row has {len(cells)} fields, the heading {len(fields)}."
            return Refused(Refusal(place, "too-many-fields", message))
        said: dict[str, str] = {}
        for field, cell in zip(fields, cells, strict=False):
            if field and cell.strip():
                said.setdefault(field, cell)
        return self._row(said, place)

    def _row(self, said: Mapping[str, str], place: str) -> Row:
        """What the fields say, or why they cannot be taken."""
        if any("\0" in value for value in said.values()):
            message = "A field has a NUL character, which no text may have."
            return Refused(Refusal(place, "character-invalid", message))
        try:
            card = normal(said.get("card", ""), self.library_id)
        except InvalidError:
            message = "`card` (读者证号) must be 2 to 32 letters and digits."
            return Refused(Refusal(place, "card-invalid", message))
        try:
            state = _state(said.get("state", ""))
            expires_at = _expires(said.get("expires", ""))
        except InvalidError as error:
            [fault] = error.faults
            return Refused(Refusal(place, fault.code, fault.message), card)
        contact, notes = _contact(said, place)
        return Entry(place, card, masked(said.get("name", "")), contact, state, expires_at, notes)


def open_roster(path: Path, name: str | None, library_id: str) -> Roster:
    """The file in this format, or in the one that its beginning looks like."""
    if name is None:
        with path.open("rb") as file:
            start = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
        name = "jsonl" if is_gzipped(start) or start.startswith(b"{") else "csv"
    return Roster(path, name, library_id)


@lru_cache(maxsize=4096)
def _initial(first: str) -> str:
    return first if unicodedata.category(first).startswith("L") else ""


def masked(name: str) -> str:
    """``王小明`` as ``王**``: as much as lets staff know a reader again who stands before them."""
    name = unicodedata.normalize("NFKC", name).strip()
    if not name or not _initial(name[0]):
        return NOBODY
    return name[0] + "*" * min(max(len(name) - 1, 1), 2)


def _heading(first: tuple[int, str | Refusal]) -> tuple[str, list[str], Refusal | None]:
    """What separates the columns, and what each is; empty for those that are left alone."""
    _, line = first
    if isinstance(line, Refusal):
        return ",", [], line
    found: tuple[str, list[str]] = (",", [])
    for delimiter in (",", "\t", ";"):
        try:
            names = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        fields = [_field(name) for name in names]
        if sum(map(bool, fields)) > sum(map(bool, found[1])):
            found = (delimiter, fields)
    if len(found[1]) > MOST_COLUMNS:
        message = f"There are more than {MOST_COLUMNS} columns."
        return *found, Refusal("line 1", "too-many-columns", message)
    if "card" not in found[1]:
        known = "读者证号 (card), 姓名 (name), 手机 (phone), 邮箱 (email), 状态 (state) …"
        message = f"The heading lacks the column of the card's number. Known columns: {known}"
        return *found, Refusal("line 1", "heading-incomplete", message)
    return *found, None


def _field(name: str) -> str:
    return _FIELDS.get(" ".join(unicodedata.normalize("NFKC", name).lower().split()), "")


def _state(text: str) -> str:
    word = unicodedata.normalize("NFKC", text).strip().lower()
    if word in _OPEN:
        return "open"
    if word in _SUSPENDED:
        return "suspended"
    message = "`state` (状态) must be 正常 (open), or 挂失, 停用, 注销 … (suspended)."
    raise InvalidError(Fault("state", "state-unknown", message))


@lru_cache(maxsize=4096)
def _expires(text: str) -> datetime | None:
    """The end of the last day, by the clock of China; nothing where there is none."""
    text = unicodedata.normalize("NFKC", text).strip()
    if text.lower() in _ENDLESS:
        return None
    try:
        found = _DATE.fullmatch(text)
        if found is None or not (found["sep"] or _EIGHT.match(text)):
            raise ValueError
        last = date(*map(int, found.group(1, 3, 4)))
        return datetime.combine(last + timedelta(days=1), time(), CHINA)
    except (ValueError, OverflowError) as error:
        message = "`expires` (有效期) must be a day such as 2027-12-31, or 长期."
        raise InvalidError(Fault("expires", "date-invalid", message)) from error


def _contact(said: Mapping[str, str], place: str) -> tuple[Handle | None, tuple[Refusal, ...]]:
    """Where the reader is reached. What reaches nobody is left out: the card is good without it."""
    found: Handle | None = None
    notes: list[Refusal] = []
    for kind, column in (
        (HandleKind.PHONE, "`phone` (手机)"),
        (HandleKind.EMAIL, "`email` (邮箱)"),
    ):
        if not (text := said.get(kind, "").strip()):
            continue
        try:
            handle = normal(text)
            if handle.kind is not kind:
                raise InvalidError(Fault(kind, f"{kind}-invalid", ""))
        except InvalidError:
            message = f"{column} reaches nobody and is left out; the reader needs a slip."
            notes.append(Refusal(place, f"{kind}-unusable", message))
            continue
        found = found or handle
    return found, () if found else tuple(notes)
