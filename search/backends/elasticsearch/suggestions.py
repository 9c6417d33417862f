"""Completions: titles that begin, or sound as if they began, with what was typed so far."""

from collections.abc import Sequence

from search.analysis.syllables import plain
from search.analysis.words import read_words
from search.backends.elasticsearch import expressions
from search.backends.elasticsearch.answers import Asking, Body
from search.backends.elasticsearch.client import Client
from search.backends.elasticsearch.filters import Clause, conditions
from search.backends.elasticsearch.schema import SIZES
from search.entries import BY_OTHER, BY_TITLE, JOINED
from search.index import Query, Suggestion


def suggestions(
    client: Client, index: str, text: str, audience: Sequence[str], limit: int
) -> list[Suggestion]:
    """At most ``limit`` different titles: by their beginning first, then by a word in them."""
    words = read_words(text)
    if not words.items or not audience or limit < 1:
        return []
    ways = [(BY_TITLE, words.key), (BY_OTHER, words.key)]
    if words.latin:
        ways += [(way, plain(words.latin)) for way in JOINED]
    passing = conditions(Query(audience=tuple(audience)))
    asked = [
        _shortest([*passing, expressions.key_beginning(way, key)], SIZES[way], limit)
        for way, key in ways
    ]
    inside = _shortest([*passing, expressions.title_beginning(words)], SIZES[BY_TITLE], limit)
    answers = Asking(client, index, (text, audience)).ask([*asked, inside])
    found: dict[str, Suggestion] = {}
    for row in (row for answer in answers for row in answer.rows):
        found.setdefault(row.fields["key"][0], Suggestion(row.stored.title, row.id))
    return list(found.values())[:limit]


def _shortest(passing: Sequence[Clause], size: str, limit: int) -> Body:
    """Short titles first: what was meant is more often the book than its commentaries."""
    return {
        "size": limit,
        "query": {"bool": {"filter": list(passing)}},
        "sort": [{size: "asc"}, {"id": "asc"}],
        "collapse": {"field": "key"},
        "track_total_hits": False,
        "_source": ["stored.title"],
        "docvalue_fields": ["key"],
    }
