"""What is asked of one index, several questions at once, and what the engine answers."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from search.backends.elasticsearch.client import ENGINE, READING, Client, Fault, lines, refused
from search.backends.elasticsearch.schema import Stored
from search.index import IndexUnavailableError

Body = dict[str, Any]
#: The engine gives up on a search after so long, which is less than its caller waits.
_GIVES_UP = "8s"
#: So many matches are weighed, or sorted into works: what a word that nearly all have may cost.
MOST_WEIGHED = 100_000


class _Source(msgspec.Struct, frozen=True, gc=False):
    stored: Stored = Stored()


class Row(msgspec.Struct, gc=False):
    """One hit, with what was asked for of it."""

    id: str = msgspec.field(name="_id")
    version: int = msgspec.field(name="_version", default=0)
    sort: list[str | int | float | None] = []
    source: _Source = msgspec.field(name="_source", default=_Source())
    fields: dict[str, list[Any]] = {}

    @property
    def stored(self) -> Stored:
        """The record as it was written."""
        return self.source.stored


class _Total(msgspec.Struct, frozen=True, gc=False):
    value: int


class _Rows(msgspec.Struct, gc=False):
    hits: list[Row] = []
    total: _Total = _Total(0)


class _Suggested(msgspec.Struct):
    options: list[dict[str, Any]] = []


class Answer(msgspec.Struct):
    """The answer to one question."""

    hits: _Rows = msgspec.field(default_factory=_Rows)
    timed_out: bool = False
    terminated_early: bool = False
    aggregations: dict[str, dict[str, Any]] = {}
    suggest: dict[str, list[_Suggested]] = {}
    error: Fault | None = None
    status: int = 200

    @property
    def rows(self) -> list[Row]:
        """The hits in order."""
        return self.hits.hits

    @property
    def total(self) -> int:
        """How many match, counted as far as was asked."""
        return self.hits.total.value


class _Answers(msgspec.Struct):
    responses: list[Answer]


class Asking:
    """Questions to one index. Equal questions go to the same copy of it, so that pages agree."""

    def __init__(self, client: Client, index: str, about: object) -> None:
        self._client = client
        digest = blake2b(repr(about).encode(errors="replace"), digest_size=8)
        self._head = {"index": index, "preference": digest.hexdigest()}

    def ask(self, bodies: Sequence[Body]) -> list[Answer]:
        """All of them in one round trip, answered in order.

        Raises IndexUnavailableError when any is not answered in full.
        """
        asked = (line for body in bodies for line in (self._head, {"timeout": _GIVES_UP, **body}))
        answers = self._client.ask_lines(
            "/_msearch", lines(asked), answer=_Answers, timeout=READING
        ).responses
        if len(answers) != len(bodies):
            raise IndexUnavailableError(ENGINE, f"answered {len(answers)} of {len(bodies)}")
        for answer in answers:
            if answer.error is not None:
                raise refused(answer.status, answer.error)
            if answer.timed_out:
                raise IndexUnavailableError(ENGINE, "it gave up on a search that took too long")
        return answers
