"""Showing what matched, in the text as it was written: shared by every backend.

Matches are found in the folded text and carried back by its offsets; a Chinese phrase is found
across the marks that the index looks through, an English word in all its endings.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import takewhile

from search.analysis.folding import fold, fold_with_offsets
from search.analysis.stemming import stem
from search.analysis.tokens import RUN, clean_run, is_chinese
from search.analysis.words import Word

#: Where a word begins and ends in folded text, and its token.
Run = tuple[int, int, str]

_AROUND = 60
_LONGEST_WHOLE = 300


def highlight(
    words: Sequence[Word], fields: Mapping[str, str | Sequence[str]]
) -> dict[str, list[str]]:
    """For each field with a match its marked text: whole when short, a passage when long.

    A field of several values gives those that match.
    """
    found: dict[str, list[str]] = {}
    for name, values in fields.items():
        several = (values,) if isinstance(values, str) else values
        marked = [text for value in several if value and (text := mark(words, value))]
        if marked:
            found[name] = marked
    return found


def mark(words: Sequence[Word], text: str) -> str:
    """``text`` as HTML with its matches marked, cut around the first; empty without a match."""
    folded = fold(text)
    spans = sorted(_spans(words, folded))
    if not spans:
        return ""
    offsets = range(len(text) + 1) if folded == text else fold_with_offsets(text)[1]
    start, end = 0, len(text)
    if len(text) > _LONGEST_WHOLE:
        first, last = spans[0]
        start = max(0, offsets[first] - _AROUND)
        end = min(end, _end(offsets, last) + 2 * _AROUND)
    shown = takewhile(lambda span: offsets[span[0]] < end, spans)
    found = [(offsets[first], _end(offsets, last)) for first, last in shown]
    return "".join(_render(text, _merged(found), start, end))


def _end(offsets: Sequence[int], end: int) -> int:
    """Where the cluster ends whose last folded character is before ``end``."""
    last = offsets[end - 1]
    return next(offsets[place] for place in range(end, len(offsets)) if offsets[place] > last)


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = spans[0]
    for next_start, next_end in spans[1:]:
        if next_start > end:
            yield start, end
            start, end = next_start, next_end
        else:
            end = max(end, next_end)
    yield start, end


def _render(text: str, spans: Iterator[tuple[int, int]], start: int, end: int) -> Iterator[str]:
    yield "…" if start else ""
    place = start
    for first, last in spans:
        if last > end:
            break
        yield f"{escape(text[place:first])}<mark>{escape(text[first:last])}</mark>"
        place = last
    yield escape(text[place:end])
    yield "…" if end < len(text) else ""


def _spans(words: Sequence[Word], folded: str) -> Iterator[tuple[int, int]]:
    """Where the words match in folded text."""
    runs: list[Run] = []
    for word in words:
        if is_chinese(word.text):
            yield from _chinese_spans(word.text, folded)
        elif _root(word) in folded:
            runs = runs or _latin_runs(folded)  # once for all words
            yield from _latin_spans(word, runs)


def _chinese_spans(run: str, folded: str) -> Iterator[tuple[int, int]]:
    start = folded.find(run)
    if start < 0 and len(run) > 1 and run[0] in folded and run[-1] in folded:
        yield from _bridged_spans(run, folded)
    while start >= 0:
        yield start, start + len(run)
        start = folded.find(run, start + len(run))


def _bridged_spans(run: str, folded: str) -> Iterator[tuple[int, int]]:
    """A run written with marks between its characters: 《红楼梦》研究."""
    for match in RUN.finditer(folded):
        places = [place for place in range(match.start(), match.end()) if folded[place].isalnum()]
        clean = clean_run(match[0])
        start = clean.find(run)
        if start >= 0 and len(places) == len(clean):
            yield places[start], places[start + len(run) - 1] + 1


def _root(word: Word) -> str:
    """What every form of a word begins with."""
    return _common(word.tokens[0], word.stem) if word.stem else word.tokens[0]


def _latin_runs(folded: str) -> list[Run]:
    """The single words of folded text: where each begins and ends, and its token."""
    runs = (match for match in RUN.finditer(folded) if not is_chinese(match[0]))
    return [(match.start(), match.end(), clean_run(match[0])) for match in runs]


def _latin_spans(word: Word, runs: Sequence[Run]) -> Iterator[tuple[int, int]]:
    begun, size = word.tokens[0], len(word.tokens)
    for place, (start, _, token) in enumerate(runs[: max(0, len(runs) - size + 1)]):
        following = runs[place : place + size] if token == begun else ()
        same = bool(following) and tuple(run[2] for run in following) == word.tokens
        if same or (word.stem and stem(token) == word.stem):
            yield start, runs[place + size - 1][1]


def _common(word: str, base: str) -> str:
    length = next(
        (place for place, (a, b) in enumerate(zip(word, base, strict=False)) if a != b),
        min(len(word), len(base)),
    )
    return word[:length].rstrip("iy")  # happiness and happy are both happi
