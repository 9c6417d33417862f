"""Plain text: decoded, split into chapters, and made into an EPUB."""

import re
from collections.abc import Iterator
from html import escape

from app.publications.encodings import decode_text
from app.publications.examined import Examined
from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.made import Part, Sketch, write_epub
from app.publications.models import Format
from app.publications.output import Output
from app.publications.paths import HIDDEN
from app.publications.remade import remade
from app.publications.source import Source

NUMBER = "[0-9０-９零〇一二三四五六七八九十百千万两兩廿卅]"
HEADING = re.compile(
    rf"""[ \t　]*(?:
        (?:正文\s*)?第\s*{NUMBER}{{1,9}}\s*[章回卷节節部篇集幕折话話](?!\S*[。！？]).{{0,40}}
      | [卷]\s*{NUMBER}{{1,6}}(?:[ 　].{{0,30}})?
      | (?:楔子|引子|序[章言幕]?|自序|前言|后记|後記|尾声|尾聲|跋|附录|附錄|番外)
        (?:[ 　:：].{{0,30}})?
      | (?:chapter|book|part)\ +(?:\d+|[ivxlc]+)\b.{{0,60}}
    )[ \t　]*""",
    re.VERBOSE | re.IGNORECASE,
)
TITLE = re.compile(
    r"\s*(?:书名|書名|题名|題名|title)\s*[:：]\s*(.+)|\s*《([^》]+)》", re.IGNORECASE
)
AUTHOR = re.compile(r"\s*(?:作者|著者|author)\s*[:：]\s*(.+)", re.IGNORECASE)
BLANK = " \t　"
HEAD_LINES = 30
PART_CHARACTERS = 20_000
HAN = re.compile("[\u3400-\u9fff]")
KANA = re.compile("[\u3040-\u30ff]")


def examine_text(source: Source, output: Output, limits: Limits, report: Report) -> Examined:
    """A plain text as an EPUB. Raises RefusedError for one that is too large."""
    if source.size > limits.parse_bytes:
        raise RefusedError("file-large", f"{source.size} bytes")
    decoded = decode_text(source.read_at(0, source.size))
    if decoded.encoding not in ("utf-8", "ascii"):
        report.add("encoding-guessed", decoded.encoding)
    if decoded.losses:
        report.add("encoding-losses", str(decoded.losses))
    lines = [HIDDEN.sub("", line).rstrip() for line in decoded.text.split("\n")]
    title, authors = _title(lines), _authors(lines)
    if title is None:
        report.add("title-missing", source.name)
        title = source.name
    parts = tuple(
        Part(name or title, _body(name, body))
        for name, body in split_chapters(lines)
        if body or name
    )
    if not parts:
        raise RefusedError("nothing-to-read")
    language = _language(decoded.text[:PART_CHARACTERS])
    sketch = Sketch(title, authors, language, None, "", parts, source.sha256())
    write_epub(sketch, output)
    return remade(output, limits, report, Format.TXT, "text/plain")


def split_chapters(lines: list[str]) -> Iterator[tuple[str | None, list[str]]]:
    """Heading and lines of each chapter; what stands before the first has no heading.

    A text with fewer than two headings is cut into parts of about 20,000 characters, at line ends.
    """
    heads = [at for at, line in enumerate(lines) if line and HEADING.fullmatch(line)]
    if len(heads) < 2:
        yield from _even_parts(lines)
        return
    before = [line for line in lines[: heads[0]] if line.strip()]
    if before:
        yield None, before
    for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        yield lines[start].strip(BLANK), [line for line in lines[start + 1 : end] if line.strip()]


def _even_parts(lines: list[str]) -> Iterator[tuple[str | None, list[str]]]:
    part: list[str] = []
    characters = number = 0
    for line in filter(str.strip, lines):
        part.append(line)
        characters += len(line)
        if characters >= PART_CHARACTERS:
            number += 1
            yield str(number), part
            part, characters = [], 0
    if part:
        yield str(number + 1) if number else None, part


def _body(heading: str | None, lines: list[str]) -> str:
    head = f"<h2>{escape(heading)}</h2>" if heading else ""
    paragraphs = (f"<p>{escape(line.strip(BLANK))}</p>" for line in lines)
    return head + "".join(paragraphs) or "<p></p>"


def _title(lines: list[str]) -> str | None:
    for line in lines[:HEAD_LINES]:
        if found := TITLE.match(line):
            return (found[1] or found[2]).strip()
    return None


def _authors(lines: list[str]) -> tuple[str, ...]:
    found = (AUTHOR.match(line) for line in lines[:HEAD_LINES])
    return tuple(dict.fromkeys(match[1].strip() for match in found if match))


def _language(text: str) -> str:
    if len(KANA.findall(text)) * 10 > len(text):
        return "ja"
    return "zh" if len(HAN.findall(text)) * 5 > len(text) else "und"
