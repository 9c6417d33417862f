"""Other systems that are not there: for tests."""

from __future__ import annotations

from collections.abc import Callable

from app.outgoing.ports import Incoming, Outgoing, OutgoingError


class MemoryWeb:
    """Answers for the addresses that ``answers`` knows, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Outgoing] = []
        self.answers: dict[str, Callable[[Outgoing], Incoming]] = {}
        """By address without its query."""

    def ask(self, asked: Outgoing) -> Incoming:
        """See :class:`app.outgoing.ports.Web`."""
        self.asked.append(asked)
        answer = self.answers.get(asked.url.partition("?")[0])
        if answer is None:
            raise OutgoingError("nothing answers there")
        return answer(asked)
