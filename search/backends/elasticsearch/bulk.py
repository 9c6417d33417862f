"""Sending many items: pieces of bounded size, a few at a time, slower where the engine is busy."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future

import msgspec

from search.backends.elasticsearch.client import (
    ENGINE,
    FILLING,
    MOST_UNDER_WAY,
    Client,
    Fault,
    RefusedError,
    place,
)
from search.backends.elasticsearch.writing import lines_of
from search.documents import Item
from search.index import IndexUnavailableError, Outcome, Status

#: While one piece is indexed the next is cut into words, so a piece is a part of a usual batch.
PIECE = 1 << 20
#: Seconds to wait before what the engine was too busy for is sent again.
PATIENCE = (0.1, 0.4, 1.6, 6.4)
_CONFLICT, _BUSY = 409, 429
_AT_FAULT = (400, 413)


class _Result(msgspec.Struct, gc=False):
    status: int
    id: str = msgspec.field(name="_id", default="")
    error: Fault | None = None


class _Action(msgspec.Struct, gc=False):
    index: _Result


class _Answer(msgspec.Struct):
    items: list[_Action]


class _Line(msgspec.Struct, gc=False):
    """One item ready to be sent, and its place in the batch."""

    place: int
    id: str
    sent: bytes


class Bulk:
    """Writes batches into one index. Threads may share it."""

    def __init__(self, client: Client, alias: str) -> None:
        # Only by an alias, and one that is there: an index that was removed is never made again
        # by a writer who has not heard of it.
        self._path = f"{place(alias, '_bulk')}?require_alias=true"
        self._client = client

    def write(self, items: Sequence[Item]) -> list[Outcome]:
        """Send all and answer for each, in order.

        Raises IndexUnavailableError when any may not have been taken; all may be sent again.
        """
        outcomes: list[Outcome | None] = [None] * len(items)
        under_way: deque[Future[list[tuple[int, Outcome]]]] = deque()
        for piece in _pieces(_ready(items, outcomes)):
            under_way.append(self._client.senders.submit(self._send, piece))
            if len(under_way) == MOST_UNDER_WAY:
                _settle(under_way.popleft(), outcomes)
        for future in under_way:
            _settle(future, outcomes)
        return [outcome for outcome in outcomes if outcome is not None]

    def _send(self, piece: list[_Line]) -> list[tuple[int, Outcome]]:
        done: list[tuple[int, Outcome]] = []
        left = piece
        for pause in (*PATIENCE, None):
            left = self._once(left, done)
            if not left:
                return done
            if pause is not None:
                time.sleep(pause)
        raise IndexUnavailableError(ENGINE, f"too busy to index {len(left)} of {len(piece)}")

    def _once(self, piece: list[_Line], done: list[tuple[int, Outcome]]) -> list[_Line]:
        """Send a piece, note what became of it, and give back what the engine was too busy for."""
        body = b"".join(line.sent for line in piece)
        try:
            answer = self._client.ask_lines(self._path, body, answer=_Answer, timeout=FILLING)
        except RefusedError as error:
            if error.status == _BUSY:
                return piece
            raise
        results = [action.index for action in answer.items]
        if [result.id for result in results] != [line.id for line in piece]:
            raise IndexUnavailableError(ENGINE, f"answered for {len(results)} of {len(piece)}")
        left = []
        for line, result in zip(piece, results, strict=True):
            if result.status == _BUSY:
                left.append(line)
            else:
                done.append((line.place, _outcome(result)))
        return left


def _ready(items: Sequence[Item], outcomes: list[Outcome | None]) -> Iterator[_Line]:
    for number, item in enumerate(items):
        try:
            yield _Line(number, item.id, lines_of(item))
        except ValueError as error:
            outcomes[number] = Outcome(item.id, Status.REFUSED, str(error))


def _pieces(ready: Iterable[_Line]) -> Iterator[list[_Line]]:
    piece: list[_Line] = []
    size = 0
    for line in ready:
        if piece and size + len(line.sent) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line.sent)
    if piece:
        yield piece


def _settle(future: Future[list[tuple[int, Outcome]]], outcomes: list[Outcome | None]) -> None:
    for number, outcome in future.result():
        outcomes[number] = outcome


def _outcome(result: _Result) -> Outcome:
    if result.error is None:
        return Outcome(result.id, Status.WRITTEN)
    if result.status == _CONFLICT:
        return Outcome(result.id, Status.KEPT)
    root = result.error.root
    if result.status in _AT_FAULT:
        return Outcome(result.id, Status.REFUSED, f"{root.type}: {root.reason}")
    raise RefusedError(result.status, root.type, root.reason or "")
