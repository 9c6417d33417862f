"""The pointer to the generations, as aliases: every process sees it, one request changes it."""

import time
from collections.abc import Iterable

import msgspec

from search.alias import FIRST, Generations
from search.backends.elasticsearch.client import (
    TENDING,
    Client,
    RefusedError,
    place,
)
from search.backends.elasticsearch.names import Names
from search.backends.elasticsearch.schema import creation

#: Aliases by what they stand for in Generations.
_ROLES = {
    "live": "read",
    "building": "building",
    "previous": "previous",
    "unfilled": "unfilled",
}
_SEARCHED, _FILLED = "10s", "-1"
#: Seconds that readers may be behind.
_STALE = 1.0
_EXISTS, _MISSING = "resource_already_exists_exception", 404


class _Aliases(msgspec.Struct):
    aliases: dict[str, object]


class _Checkpoint(msgspec.Struct):
    checkpoint: str = ""


class _Kept(msgspec.Struct):
    found: bool = False
    source: _Checkpoint = msgspec.field(name="_source", default_factory=_Checkpoint)


class AliasPointer:
    """See Pointer. Where none is named as live one is made when it is first asked for."""

    def __init__(self, client: Client, names: Names) -> None:
        self._client = client
        self._names = names
        self._seen = Generations()
        self._seen_at: float | None = None

    def read(self, *, fresh: bool) -> Generations:
        """See Pointer."""
        now = time.monotonic()
        if fresh or self._seen_at is None or now - self._seen_at > _STALE:
            self._seen = self._ask()
            self._seen_at = now
        return self._seen

    def replace(self, generations: Generations) -> None:
        """See Pointer: one request moves all aliases."""
        names = self._names
        actions = []
        for field, role in _ROLES.items():
            alias = names.role(role)
            actions.append(
                {"remove": {"index": names.every_index, "alias": alias, "must_exist": False}}
            )
            if generation := getattr(generations, field):
                self._make(generation, _FILLED if field == "building" else _SEARCHED)
                actions.append({"add": {"index": names.index(generation), "alias": alias}})
        self._prepare(generations.live)
        self._client.ask("POST", "/_aliases", {"actions": actions}, timeout=TENDING)
        self._seen_at = None

    def begin(self) -> None:
        """Make the live generation, and name it as live and unfilled, if none is named so."""
        named = self._ask_aliases()
        if _ROLES["live"] in named:
            return
        live = _next(named.values())
        roles = [self._names.role(_ROLES[field]) for field in ("live", "unfilled")]
        self._make(live, _SEARCHED, *roles)
        if _ROLES["live"] not in self._ask_aliases():  # it is there, but has lost its aliases
            index = self._names.index(live)
            actions = [{"add": {"index": index, "alias": alias}} for alias in roles]
            writer = {"add": {"index": index, "alias": self._names.writer(live)}}
            body = {"actions": [*actions, writer]}
            self._client.ask("POST", "/_aliases", body, timeout=TENDING)

    def _make(self, generation: str, refresh: str, *more: str) -> None:
        """Make an empty generation, unless there is one of that name."""
        names = self._names
        aliases = (names.writer(generation), *more)
        try:
            self._client.ask(
                "PUT",
                place(names.index(generation)),
                creation(aliases, refresh=refresh),
                timeout=TENDING,
            )
        except RefusedError as error:
            if error.kind != _EXISTS:
                raise

    def remove(self, generation: str) -> None:
        """Remove a generation and the alias it is written by, if it is there."""
        try:
            self._client.ask("DELETE", place(self._names.index(generation)), timeout=TENDING)
        except RefusedError as error:
            if error.status != _MISSING:
                raise

    def checkpoint(self) -> bytes | None:
        """See Pointer."""
        try:
            kept = self._client.ask("GET", self._checkpoint, answer=_Kept)
        except RefusedError as error:
            if error.status == _MISSING:
                return None
            raise
        return kept.source.checkpoint.encode() if kept.found else None

    def remember(self, checkpoint: bytes | None) -> None:
        """See Pointer."""
        if checkpoint is not None:
            body = {"checkpoint": checkpoint.decode()}
            self._client.ask("PUT", self._checkpoint, body, timeout=TENDING)
            return
        try:
            self._client.ask("DELETE", self._checkpoint, timeout=TENDING)
        except RefusedError as error:
            if error.status != _MISSING:
                raise

    def close(self) -> None:
        """See Pointer."""
        self._client.close()

    @property
    def _checkpoint(self) -> str:
        return place(self._names.state, "_doc", "rebuild")

    def _prepare(self, live: str) -> None:
        """What readers will look at is refreshed from now on, and now."""
        index = self._names.index(live)
        settings = {"index": {"refresh_interval": _SEARCHED}}
        self._client.ask("PUT", place(index, "_settings"), settings, timeout=TENDING)
        self._client.ask("POST", place(index, "_refresh"), timeout=TENDING)

    def _ask(self) -> Generations:
        named = self._ask_aliases()
        live = named.get(_ROLES["live"])
        if live is None:
            live = named[_ROLES["unfilled"]] = _next(named.values())
        building, previous, unfilled = (named.get(role, "") for role in list(_ROLES.values())[1:])
        # The release before moves the other aliases and does not know of this one.
        return Generations(live, building, previous, unfilled if unfilled == live else "")

    def _ask_aliases(self) -> dict[str, str]:
        """The generations by the roles that aliases give them."""
        names = self._names
        roles = {names.role(role): role for role in _ROLES.values()}
        try:
            found = self._client.ask(
                "GET",
                f"{place(names.every_index, '_alias')}?expand_wildcards=open",
                answer=dict[str, _Aliases],
            )
        except RefusedError as error:
            if error.status == _MISSING:
                return {}
            raise
        return {
            roles[alias]: names.generation(index)
            for index, held in found.items()
            for alias in held.aliases
            if alias in roles
        }


def _next(taken: Iterable[str]) -> str:
    """The name that follows those that are taken: the first where there are none."""
    newest = max(taken, default="")
    return f"g{int(newest[1:]) + 1:06}" if newest else FIRST
