"""What every command shares: results for people or as JSON, progress, and clear refusals."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.config import SettingError
from app.errors import KaijuanError
from app.storage.errors import StoreError, StoreFullError
from search.index import SearchError

F = TypeVar("F", bound=Callable[..., Any])
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document as the result."
)


def show(result: Any, as_json: bool, lines: Callable[[], Iterator[str]]) -> None:
    """Prints a result: as one JSON document, or as the lines for a person."""
    if as_json:
        click.echo(msgspec.json.encode(result).decode())
        return
    for line in lines():
        click.echo(line)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the domain refuses into a message on standard error and exit code 1."""
    try:
        yield
    except (KaijuanError, SettingError, SearchError) as error:
        _refuse(str(error))
        raise SystemExit(1) from error
    except StoreFullError as error:
        _refuse(f"No room is left: {error}. What was complete before is complete still.")
        raise SystemExit(1) from error
    except StoreError as error:
        _refuse(f"The store says: {error}. Run it again to go on, once that is mended.")
        raise SystemExit(1) from error
    except (OperationalError, ProgrammingError) as error:
        click.echo(f"kaijuan: the database says: {error.orig}", err=True)
        click.echo("kaijuan: is it at this release? Run `kaijuan migrate`.", err=True)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        click.echo("kaijuan: interrupted; run it again to go on.", err=True)
        raise SystemExit(130) from None


def _refuse(message: str) -> None:
    click.echo(f"kaijuan: {message}", err=True)
    context = click.get_current_context(silent=True)
    if context is not None and context.params.get("as_json"):
        click.echo(msgspec.json.encode({"error": message}).decode())


class Meter:
    """Progress with rate and time left: a bar on a terminal, one line a step otherwise.

    ``begun`` were done before: they count as done, but not for the rate.
    """

    def __init__(
        self, label: str, total: int | None, quiet: bool = False, *, begun: int = 0
    ) -> None:
        self._label, self._total, self._quiet, self._begun = label, total, quiet, begun
        self._started = self._said = time.monotonic()
        self._bar: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> Meter:
        if not self._quiet and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
                MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
                console=Console(stderr=True),
            )  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task(
                self._label, total=self._total, completed=self._begun, rate=""
            )
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._bar:
            self._bar.stop()

    def at(self, done: int) -> None:
        """Says that so many are done."""
        seconds = max(time.monotonic() - self._started, 1e-6)
        rate = f"{(done - self._begun) / seconds:,.0f}/s"
        if self._bar:
            self._bar.update(self._task, completed=done, rate=rate)
        elif not self._quiet and time.monotonic() - self._said >= 2:
            self._said = time.monotonic()
            click.echo(f"{self._label}: {done:,}{self._rest(done, seconds)}, {rate}", err=True)

    def _rest(self, done: int, seconds: float) -> str:
        if not self._total or done <= self._begun:
            return ""
        left = max(0.0, seconds * (self._total - done) / (done - self._begun))
        return f" of {self._total:,}, {left:,.0f} s left"
