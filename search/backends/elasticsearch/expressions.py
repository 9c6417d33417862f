"""Words in the engine's language: what must match, what is better, and by how much.

The scale is that of the embedded engine, bm25 with k1 = 1.2 (``_SCALE`` is its k1 + 1), so that
what is added for a title which is the query weighs the same on both.
"""

from collections.abc import Iterable, Sequence

import msgspec

from search.analysis import names
from search.analysis.syllables import cut_syllables, may_be_initials, plain
from search.analysis.tokens import STEM_MARK, is_chinese
from search.analysis.words import Word, Words
from search.backends.elasticsearch.filters import Clause
from search.backends.elasticsearch.schema import SIZES
from search.entries import (
    BY_INITIALS,
    BY_OTHER,
    BY_PINYIN,
    BY_TITLE,
    FEWEST_INITIALS,
    JOINED,
    pairs,
    title_key,
)

_SCALE = 2.2
#: What a word counts more in these fields than elsewhere.
_BETTER = {"title": 2.0, "other": 1.7, "agents": 1.6, "subjects": 1.2, "identifiers": 1.9}
_RAISE = {BY_TITLE: 200.0, BY_OTHER: 120.0, BY_PINYIN: 80.0, BY_INITIALS: 60.0}
_RAISE_BEGINNING = 0.4  # of the above, by the share of the title that was typed
_RAISE_WITHIN = 4.0  # by the same share, wherever in the title it stands
_RAISE_PART = 0.25  # of the above for a title that is a part of the query, and more by its share
_LONGER = 8
_MOST_SOUNDS = 32
_MOST_LOOSE = 128
_MOST_ENDINGS = 50
_WRITTEN = (BY_TITLE, BY_OTHER)


class Matching(msgspec.Struct, frozen=True):
    """What matches, what of that is in titles (for the best of very many), and what is better."""

    required: Clause
    titled: Clause
    better: Sequence[Clause]


def all_of(words: Words) -> Matching:
    """Every word required; adjacent in the title counts once more."""
    return Matching(_all_of(words), _titled(words), [_raised(words.key, _WRITTEN), *_within(words)])


def wider(words: Words) -> Matching | None:
    """The same, or Chinese words as names in pinyin, or letters as the sounds of a title.

    None when no word can be meant so.
    """
    spelled = [names.romanised(word.text) for word in words.items]
    ways, better = [_all_of(words)], [_raised(words.key, _WRITTEN), *_within(words)]
    if any(spelled):
        ways.append(_every(map(_or_named, words.items, spelled)))
    if words.latin:
        letters = plain(words.latin)
        begun = _key_is if len(letters) < FEWEST_INITIALS else key_beginning
        ways += [*_sounds_of(letters), *(_constant(begun(way, letters), 1.0) for way in JOINED)]
        better.append(_raised(letters, JOINED))
    return Matching(_best(ways), _titled(words), better) if len(ways) > 1 else None


def any_of(words: Words) -> Matching:
    """Any word, and any two adjacent characters; titles that are some of the words come first."""
    tokens = dict.fromkeys(token for word in words.items for token in word.tokens)
    loose = " ".join(list(tokens)[:_MOST_LOOSE])
    alone = [word.text for word in words.items if word.prefix]
    written: list[Clause] = [{"match": {"words": {"query": loose, "boost": _SCALE}}}]
    titled: list[Clause] = [{"match": {"title": {"query": loose, "boost": _BETTER["title"]}}}]
    if alone:
        written.append(_characters("characters", alone, _SCALE))
        titled.append(_characters("title_characters", alone, _BETTER["title"]))
    parts = [
        _is_title(way, part, _RAISE[way] * (_RAISE_PART + len(part) / len(words.key)))
        for way in _WRITTEN
        for part in words.parts
    ]
    return Matching(_any([*written, *titled, _best(parts)]), _any(titled), [])


def known(word: Word) -> Clause:
    """That there is a record with this word, in any field and with any English ending."""
    return _one_of(word, 1.0)


def title_beginning(words: Words) -> Clause:
    """Every word in a title, the last perhaps not yet typed to its end."""
    *whole, last = words.items
    required = [_in_titles(word) for word in whole]
    if last.prefix:
        return _every([*required, _in_titles(last)])
    ending = {"query": " ".join(last.tokens), "max_expansions": _MOST_ENDINGS}
    ends = [{"match_phrase_prefix": {field: ending}} for field in ("title", "other")]
    return _every([*required, _any(ends)])


def key_beginning(way: str, key: str) -> Clause:
    """Titles that are reached by a key that begins so."""
    return {"prefix": {"title_keys": title_key(way, key)}}


def nearly_titles(key: str) -> list[Clause]:
    """Titles that are the key or begin with it, but for those more than eight times as long.

    These are raised by less than 10, and one that is the key by 200.
    """
    longer = {"range": {SIZES[BY_TITLE]: {"gt": _LONGER * len(key)}}}
    return [key_beginning(BY_TITLE, key), {"bool": {"must_not": longer}}]


def _all_of(words: Words) -> Clause:
    better = [_better(word) for word in words.items]
    if len(words.items) > 1:
        tokens = words.key_tokens
        better.append(_phrase("title", tokens, _BETTER["title"] / len(tokens)))
    required = {"bool": {"must": [_one_of(w, _SCALE) for w in words.items], "should": better}}
    if not words.isbn:
        return required
    return _any([{"term": {"identifiers": {"value": words.isbn, "boost": _SCALE}}}, required])


def _one_of(word: Word, scale: float) -> Clause:
    if word.prefix:
        return _term("characters", word.text, scale)
    phrase = _phrase("words", word.tokens, scale / len(word.tokens))
    if not word.stem:
        return phrase
    forms = dict.fromkeys((STEM_MARK + word.stem, word.stem))
    return _best([phrase, *(_term("words", form, scale) for form in forms)])


def _better(word: Word) -> Clause:
    if word.prefix:
        return _term("title_characters", word.text, _BETTER["title"])
    size = len(word.tokens)
    return _best(_phrase(field, word.tokens, more / size) for field, more in _BETTER.items())


def _or_named(word: Word, ways: Sequence[Sequence[str]]) -> Clause:
    spelled = [_phrase("agents", way, _BETTER["agents"] / len(way)) for way in ways]
    return _best([_one_of(word, _SCALE), *spelled])


def _sounds_of(latin: str) -> list[Clause]:
    """Titles that sound so, in their middle too; none when letters cannot be pinyin."""
    letters = latin[:_MOST_SOUNDS]
    ways = [_phrase("pinyin", way, _SCALE / len(way)) for way in cut_syllables(letters)]
    if len(letters) >= FEWEST_INITIALS and may_be_initials(letters):
        cut = pairs(letters)[:-1]
        ways.append(_phrase("initials", cut, 1.0 / len(cut)))
    return ways


def _titled(words: Words) -> Clause:
    return _every(map(_in_title, words.items))


def _in_title(word: Word) -> Clause:
    if word.prefix:
        return _term("title_characters", word.text)
    return _phrase("title", word.tokens)


def _in_titles(word: Word) -> Clause:
    return _any([_in_title(word), _phrase("other", word.tokens)])


def _raised(key: str, ways: Sequence[str]) -> Clause:
    """What is added for titles that are, or begin with, the query."""
    begun = [_begins(way, key) for way in ways]
    return _best([*(_is_title(way, key, _RAISE[way]) for way in ways), *begun])


def _is_title(way: str, key: str, more: float) -> Clause:
    return _constant(_key_is(way, key), more)


def _key_is(way: str, key: str) -> Clause:
    return _term("title_keys", title_key(way, key))


def _constant(matching: Clause, score: float) -> Clause:
    return {"constant_score": {"filter": matching, "boost": score}}


def _begins(way: str, key: str) -> Clause:
    goes_on = "" if way in JOINED or is_chinese(key[-1:]) else " "
    share = _RAISE[way] * _RAISE_BEGINNING * len(key)
    return _by_size(key_beginning(way, key + goes_on), SIZES[way], share)


def _within(words: Words) -> list[Clause]:
    tokens = words.key_tokens
    (only, *others) = words.items
    whole = _in_title(only) if not others else _phrase("title", tokens)
    return [_by_size(whole, SIZES[BY_TITLE], _RAISE_WITHIN * len(words.key))]


def _by_size(matching: Clause, field: str, weight: float) -> Clause:
    """A score of ``weight`` divided by a field, for what matches."""
    # A title of one character is sent without its length, for that is the length's default.
    shrinking = {"field": field, "modifier": "reciprocal", "missing": 1}
    return {
        "function_score": {
            "query": _constant(matching, 1.0),
            "functions": [{"field_value_factor": shrinking, "weight": weight}],
            "boost_mode": "replace",
        }
    }


def _term(field: str, value: str, boost: float = 1.0) -> Clause:
    return {"term": {field: {"value": value, "boost": boost}}}


def _phrase(field: str, tokens: Sequence[str], boost: float = 1.0) -> Clause:
    if len(tokens) == 1:
        return _term(field, tokens[0], boost)
    return {"match_phrase": {field: {"query": " ".join(tokens), "boost": boost}}}


def _characters(field: str, alone: Iterable[str], boost: float) -> Clause:
    return {"match": {field: {"query": " ".join(alone), "boost": boost}}}


def _every(clauses: Iterable[Clause]) -> Clause:
    return {"bool": {"must": list(clauses)}}


def _any(clauses: Iterable[Clause]) -> Clause:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def _best(clauses: Iterable[Clause]) -> Clause:
    return {"dis_max": {"queries": list(clauses)}}
