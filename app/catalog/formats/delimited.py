"""CSV as spreadsheets write it: a heading line, Chinese or English names, UTF-8 or GB18030."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from app.catalog.formats.candidates import Candidate
from app.catalog.formats.exchange import ExchangeRecord, candidate
from app.lines import Refusal, encoding_of

COLUMNS = {
    "题名": "title", "正题名": "title", "书名": "title", "责任者": "creator", "作者": "creator",
    "著者": "creator", "出版者": "publisher", "出版社": "publisher", "出版日期": "date",
    "出版年": "date", "出版时间": "date", "主题": "subjects", "主题词": "subjects",
    "分类号": "clc", "中图分类号": "clc", "语种": "lang", "语言": "lang", "摘要": "description",
    "内容提要": "description", "简介": "description", "编号": "id", "记录号": "id",
    "来源": "src", "权利": "rights", "许可": "licence", "其他题名": "alternative",
    "author": "creator", "language": "lang", "subject": "subjects", "year": "date",
    "source": "src", "abstract": "description",
}  # fmt: skip
LISTS = ("creator", "subjects", "alternative")
_KNOWN = set(ExchangeRecord.__struct_fields__)
_MAX_FIELD = 200_000
_MAX_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Csv:
    """A table of records; columns it does not know are kept in ``extra``.

    ``source`` names where the records come from when no column does.
    """

    path: Path
    source: str
    name: ClassVar[str] = "csv"

    def read(self) -> Iterator[Candidate | Refusal]:
        """Every row after the heading, in order."""
        csv.field_size_limit(_MAX_FIELD)
        with self.path.open(encoding=encoding_of(self.path), newline="", errors="replace") as file:
            reader = csv.reader(file, strict=True)
            try:
                heading = [name.strip() for name in next(reader, [])]
                problem = _heading_problem(heading)
            except csv.Error as error:
                problem = Refusal("line 1", "csv-malformed", str(error))
            yield from [problem] if problem else self._rows(reader, heading)

    def _rows(self, reader: Any, heading: list[str]) -> Iterator[Candidate | Refusal]:
        while True:
            begun = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # Strict, since a quote that nothing closes would swallow the rows after it unseen.
                message = f"The row cannot be read up to line {reader.line_num}: {error}"
                yield Refusal(f"line {begun}", "csv-malformed", message)
                continue
            if any(row):
                yield self._record(heading, row, f"line {begun}")

    def _record(self, heading: list[str], row: list[str], place: str) -> Candidate | Refusal:
        if any(row[len(heading) :]):
            message = f"The row has {len(row)} fields, the heading {len(heading)}."
            return Refusal(place, "too-many-fields", message)
        fields: dict[str, Any] = {"src": self.source, "extra": {}}
        pairs = list(zip(heading, row, strict=False))
        for column, value in pairs:
            _put(fields, column, value.strip())
        body = msgspec.json.encode(pairs if len(set(heading)) < len(heading) else dict(pairs))
        try:
            return candidate(msgspec.convert(fields, ExchangeRecord, strict=False), body, place)
        except msgspec.ValidationError as error:
            return Refusal(place, "field-invalid", str(error))


def _put(fields: dict[str, Any], column: str, value: str) -> None:
    name = COLUMNS.get(column, COLUMNS.get(column.lower(), column.lower()))
    if not value:
        return
    if name == "clc":
        fields.setdefault("subjects", []).append(f"clc:{value}")
    elif name in LISTS:
        parts = [part.strip() for part in value.replace("；", ";").split(";")]
        fields.setdefault(name, []).extend(part for part in parts if part)
    elif name in _KNOWN and name != "extra" and (name == "src" or name not in fields):
        fields[name] = value
    elif column in fields["extra"]:
        fields["extra"][column] += f"; {value}"
    else:
        fields["extra"][column] = value


def _heading_problem(heading: list[str]) -> Refusal | None:
    names = {COLUMNS.get(name, COLUMNS.get(name.lower(), name.lower())) for name in heading}
    if len(heading) > _MAX_COLUMNS:
        return Refusal("line 1", "too-many-columns", f"There are more than {_MAX_COLUMNS} columns.")
    missing = [name for name in ("title", "id") if name not in names]
    if missing:
        known = "题名 (title), 编号 (id), 责任者 (creator), 出版日期 (date) …"
        message = f"The heading lacks {' and '.join(missing)}. Known columns: {known}"
        return Refusal("line 1", "heading-incomplete", message)
    return None
