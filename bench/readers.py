"""Importing a library's readers, beside what the database takes for the same rows alone.

Made-up people, a million of them on PostgreSQL (KAIJUAN_BENCH_RECORDS), at most 100,000 embedded.
The control writes the rows that the import made into the same tables, indexes and keys, as many to
a transaction: by COPY on PostgreSQL, by ``executemany`` on both. An import of a file
with faults is also killed at its half and run again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from app.identity.models import Account, ReaderImport
from bench.copying import CARDS, Copied, Executed, Way, moved
from bench.imports import bare_import, rate
from bench.library import KAIJUAN, Bench, Library, say
from bench.processes import Spent, killed
from bench.rows import CannotRunError, Goal, Row

LIBRARY = "province"
READERS = Goal(least=0.1)
"""What is written was ready for the control: here it is read, judged, hashed and sealed first."""
_TABLES = ("libraries", "reader_imports", "accounts", "handles", "cards")
_ROWS = {
    "libraries": "SELECT * FROM libraries",
    "reader_imports": "SELECT * FROM reader_imports",
    "accounts": "SELECT * FROM accounts ORDER BY id",
    "handles": "SELECT * FROM handles ORDER BY account_id",
    "cards": CARDS,
}
_MOST_EXECUTED = 100_000
_FAULT_EACH = 1_000
"""One row of so many has a date that is none, in the file with faults."""
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁宋郑谢韩唐冯于董萧"
_GIVEN = "安邦昌成达德恩芳飞光国海和宏华建江杰静军凯兰磊丽林玲龙敏明宁平强青荣瑞珊书"


class Problem(msgspec.Struct):
    """What it says of a row."""

    place: str
    code: str


class Report(msgspec.Struct):
    """What an import says that it did."""

    read: int
    added: int
    unchanged: int
    refused: int
    problems: list[Problem]


def rows(bench: Bench) -> Iterator[Row]:
    """Rates, memory, a second run and one that was killed, embedded and on PostgreSQL."""
    count = min(bench.many, _MOST_EXECUTED)
    library, file = _with_library(bench.fresh("readers")), roster(bench, count)
    spent = _first(library, file, count, "embedded")
    bare = bare_import(library, bench.folder / "bare-readers.sqlite", _ROWS)
    yield _beside("executemany", "embedded", (count, spent), (count, bare))
    yield from _more(library, file, spent, count, "embedded")
    again = _with_library(bench.fresh("readers-killed"))
    yield _interrupted(again, roster(bench, count, with_faults=True), count, spent, "embedded")
    try:
        library = _on_engines(bench, "readers")
    except CannotRunError:
        return
    many, where, some = bench.many, "PostgreSQL", min(bench.many, _MOST_EXECUTED)
    file = roster(bench, many)
    spent = _first(library, file, many, where)
    yield _beside("COPY", where, (many, spent), (many, _bare(bench, Copied(), many)))
    yield _beside("executemany", where, (many, spent), (some, _bare(bench, Executed(), some)))
    yield from _more(library, file, spent, many, where)
    bench.engines.drop("readers")
    again = _on_engines(bench, "readers_killed")
    yield _interrupted(again, roster(bench, many, with_faults=True), many, spent, where)
    bench.engines.drop("readers_killed")


def roster(bench: Bench, count: int, *, with_faults: bool = False) -> Path:
    """A table of so many made-up readers, with faults or without."""
    path = bench.folder / f"readers-{count}{'-faults' if with_faults else ''}.csv"
    if not path.exists():
        dice = random.Random(1)
        with path.open("w", encoding="utf-8") as file:
            file.write("读者证号,姓名,手机,状态,有效期\n")
            for number in range(count):
                name = dice.choice(_SURNAMES) + "".join(dice.choices(_GIVEN, k=2))
                last = "02-30" if with_faults and number % _FAULT_EACH == 0 else "12-31"
                file.write(f"A{number:08},{name},138{number:08},正常,2099-{last}\n")
    return path


def _first(library: Library, file: Path, count: int, where: str) -> Spent:
    say(f"import of {count:,} readers, {where}")
    spent, report = _import(library, file)
    assert (report.read, report.added, report.refused) == (count, count, 0), report
    return spent


def _beside(name: str, where: str, ours: tuple[int, Spent], bare: tuple[int, Spent]) -> Row:
    """Our rate as a part of the control's; each is how many, and what they took."""
    (count, mine), (some, theirs) = ours, bare
    return Row(
        measure=f"import of {count:,} readers, {where}, beside {name}",
        ours=rate(count, mine),
        control=rate(some, theirs),
        value=(count / mine.seconds) / (some / theirs.seconds),
        goal=READERS,
        note=f"the control takes {some:,}" if some != count else "",
    )


def _more(library: Library, file: Path, spent: Spent, count: int, where: str) -> Iterator[Row]:
    """What it took of memory, and the same readers once more."""
    say(f"the same {count:,} readers, {where}")
    yield Row(measure=f"memory of it, {where}", ours=f"{spent.peak_mib:.0f} MiB at most")
    again, report = _import(library, file, "--whole")
    assert report.unchanged == count, report
    yield Row(measure=f"the same readers once more, {where}", ours=rate(count, again))


def _interrupted(library: Library, file: Path, count: int, whole: Spent, where: str) -> Row:
    """Killed at half of its time, and run again: nobody is doubled or lost, each fault is told."""
    say(f"import of {count:,} readers, {where}, killed and run again")
    command = (*KAIJUAN, "import", "readers", file, "--library", LIBRARY, "--json")
    killed([str(part) for part in command], library.environ, whole.seconds / 2)
    with library.adapters.database.transaction(writes=False) as session:
        done = session.scalar(select(func.max(ReaderImport.position))) or 0
        assert not session.scalar(select(func.count()).where(ReaderImport.state == "done"))
    spent, report = _import(library, file)
    faulty = -(-count // _FAULT_EACH)
    assert (report.read, report.added, report.refused) == (count, count - faulty, faulty)
    told = {(problem.place, problem.code) for problem in report.problems}
    assert told == {(f"line {n * _FAULT_EACH + 2}", "date-invalid") for n in range(faulty)}
    with library.adapters.database.transaction(writes=False) as session:
        there = session.scalar(select(func.count()).select_from(Account)) or 0
        assert there == count - faulty, there
    return Row(
        measure=f"import of {count:,} readers, {where}, killed when {done:,} were done, run again",
        ours=rate(count - done, spent),
        note=f"of those left; nobody is there twice, and {faulty:,} rows refused are named",
    )


def _import(library: Library, file: Path, *options: str) -> tuple[Spent, Report]:
    command = ("import", "readers", file, "--library", LIBRARY, "--json", *options)
    spent = library.run(*command, fine=(0, 1))
    return spent, msgspec.json.decode(spent.output, type=Report)


def _on_engines(bench: Bench, name: str) -> Library:
    bench.engines.make(name)
    library = Library(bench.folder / f"engines-{name}", bench.engines.of(name))
    library.run("migrate")
    return _with_library(library)


def _with_library(library: Library) -> Library:
    library.run("library", "add", LIBRARY, "省图书馆", "--level", "national")
    return library


def _bare(bench: Bench, way: Way, count: int) -> Spent:
    engines = bench.engines
    engines.make("bare")
    Library(bench.folder / "engines-bare", engines.of("bare")).run("migrate")
    try:
        return moved(engines, "readers", "bare", way, count, _TABLES)
    finally:
        engines.drop("bare")
