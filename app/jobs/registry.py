"""What kinds of work there are: each feature declares its own, the factory puts them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from app.jobs.work import Work

C = TypeVar("C")
Step = Callable[[Work[C]], None]
Chore = Callable[[C], None]

LEASE = timedelta(seconds=30)
"""How long a claim holds without a heartbeat: after a power cut, how long its job rests."""

NAME = re.compile(r"[a-z]+(\.[a-z_]+)+")


@dataclass(frozen=True, slots=True)
class Kind(Generic[C]):
    """A job that can be enqueued: ``run`` may be repeated, in part or whole, after any death."""

    name: str
    run: Step[C]
    max_attempts: int
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Periodic(Generic[C]):
    """Work that one worker does every so often; what may take minutes enqueues a job instead."""

    name: str
    run: Chore[C]
    every: timedelta
    lease: timedelta


class Registry(Generic[C]):
    """The kinds of one feature or of all; ``C`` is what they are handed (stores, mailers, …)."""

    def __init__(self, *parts: Registry[C]) -> None:
        self._kinds: dict[str, Kind[C]] = {}
        self._periodics: dict[str, Periodic[C]] = {}
        for part in parts:
            for kind in part.kinds.values():
                _add(self._kinds, kind.name, kind)
            for periodic in part.periodics.values():
                _add(self._periodics, periodic.name, periodic)

    @property
    def kinds(self) -> Mapping[str, Kind[C]]:
        """Every job by name."""
        return MappingProxyType(self._kinds)

    @property
    def periodics(self) -> Mapping[str, Periodic[C]]:
        """Every periodic work by name."""
        return MappingProxyType(self._periodics)

    def job(
        self, name: str, *, max_attempts: int = 5, lease: timedelta = LEASE
    ) -> Callable[[Step[C]], Step[C]]:
        """Declares the decorated step as what runs for jobs of that name."""

        def declare(run: Step[C]) -> Step[C]:
            _add(self._kinds, name, Kind(name, run, max_attempts, lease))
            return run

        return declare

    def periodic(
        self, name: str, *, every: timedelta, lease: timedelta = LEASE
    ) -> Callable[[Chore[C]], Chore[C]]:
        """Declares the decorated function as done once in every such time, by one worker."""

        def declare(run: Chore[C]) -> Chore[C]:
            _add(self._periodics, name, Periodic(name, run, every, lease))
            return run

        return declare


def _add(table: dict[str, Any], name: str, entry: object) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name such as uploads.validate")
    if name in table:
        raise ValueError(f"{name!r} is declared twice")
    table[name] = entry
