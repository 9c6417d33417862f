"""``kaijuan reindex``: rebuilding, comparing, mending, going back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec
import pytest
from click.testing import CliRunner, Result
from house import House, environ_of
from sqlalchemy import delete, select, update

from app.catalog.cli.indexing import reindex
from app.catalog.models import DirtyRecord, RecordRow, Revision
from app.catalog.services import dirty, indexing, reindexing, versions
from app.catalog.services.leading import REBUILD, RebuildHeldError, leading
from app.catalog.services.sourcing import Catalogue
from app.jobs.models import LeaseRow
from app.jobs.takeover import worker_name
from search.alias import AliasedIndex
from search.documents import Document, Item, Tombstone
from search.index import Outcome, Query, SearchIndex
from search.rebuild import Progress, Rebuild


@pytest.fixture
def alias(house: House) -> AliasedIndex:
    """Five records, found, and the index that finds them."""
    for number in range(5):
        house.record(f"县志第{number}卷")
    return cast(AliasedIndex, house.adapters.index)


def run(house: House, *options: str) -> Result:
    """The command on this library."""
    environ = {name: None for name in os.environ if name.startswith("KAIJUAN_")}
    given = environ_of(house.settings.data_dir)
    return CliRunner().invoke(reindex, [*options], env={**environ, **given})


def said(house: House, *options: str) -> Any:
    """What it answers, as JSON."""
    return msgspec.json.decode(run(house, "--json", *options).stdout)


def ids(house: House) -> list[str]:
    """Every record."""
    with house.database.transaction(writes=False) as session:
        return list(session.scalars(select(RecordRow.id).order_by(RecordRow.id)))


def spoil(house: House, alias: AliasedIndex) -> list[str]:
    """Makes the index differ from the catalogue in every way; returns the ids that do."""
    behind, missing, ahead, left_over, _ = ids(house)
    house.withdraw(left_over)
    with house.database.transaction() as session:
        session.execute(update(RecordRow).where(RecordRow.id == behind).values(version=7))
    alias.write([document(left_over, 9), document(ahead, 4), Tombstone(missing, 3)])
    alias.write([document("0" * 36, 2)])
    return ["0" * 36, behind, missing, ahead, left_over]


def document(identifier: str, version: int) -> Document:
    """One that stands nowhere but in the index."""
    return Document(id=identifier, version=version, kind="book", title="残卷")


def test_a_whole_index_agrees(house: House, alias: AliasedIndex) -> None:
    result = run(house, "--verify", "--json")
    found = msgspec.json.decode(result.stdout)
    assert (result.exit_code, found["records"], found["documents"]) == (0, 5, 5)
    assert {found[kind] for kind in ("missing", "behind", "ahead", "left_over", "waiting")} == {0}


def test_every_difference_is_told_and_mended(house: House, alias: AliasedIndex) -> None:
    spoilt = spoil(house, alias)
    result = run(house, "--verify", "--mend", "--json")
    found = msgspec.json.decode(result.stdout)
    kinds = {one["id"]: one["kind"] for one in found["first"]}
    assert result.exit_code == 1
    assert kinds == dict(
        zip(spoilt, ["left-over", "behind", "missing", "ahead", "left-over"], strict=True)
    )
    assert (run(house, "--verify").exit_code, alias.count()) == (0, 4)
    assert alias.search(Query(words="残卷")).total == 0


def test_a_difference_is_only_told_without_mend(house: House, alias: AliasedIndex) -> None:
    spoil(house, alias)
    for _ in range(2):
        result = run(house, "--verify")
        assert (result.exit_code, "5 differ. Mend them with --mend." in result.stdout) == (1, True)


def test_a_record_of_which_the_index_knows_more_gets_a_newer_version(
    house: House, alias: AliasedIndex
) -> None:
    first = ids(house)[0]
    alias.write([document(first, 4)])
    run(house, "--verify", "--mend")
    with house.database.transaction() as session:
        assert session.get_one(RecordRow, first).version == 5
        assert session.get_one(Revision, (first, 1)).change == "reindexed"


def test_a_rebuild_says_what_it_did_and_which_generations_there_are(
    house: House, alias: AliasedIndex
) -> None:
    done = said(house)
    assert (done["generation"], done["done"], done["begun"]) == ("g000002", 5, 0)
    assert said(house, "--list") == [
        {"generation": "g000002", "role": "live", "documents": 5},
        {"generation": "g000001", "role": "previous", "documents": 5},
    ]


def interrupted(house: House, alias: AliasedIndex) -> None:
    """A rebuild that stopped after two of the five."""

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Rebuild(alias, stop, batch=2).run(Catalogue(house.database))


def test_an_interrupted_rebuild_goes_on_and_says_so(house: House, alias: AliasedIndex) -> None:
    interrupted(house, alias)
    building = said(house, "--list")[1]
    assert (building["generation"], building["role"], building["written"]) == (
        "g000002", "building", 2,
    )  # fmt: skip
    assert building["documents"] >= 2  # what follows the checkpoint may be there already
    result = run(house)
    assert "Going on with g000002: 2 documents are written." in result.stderr
    assert result.stdout == "5 documents; g000002 is in use.\n"


def test_it_begins_anew_when_asked_to(house: House, alias: AliasedIndex) -> None:
    interrupted(house, alias)
    done = said(house, "--restart")
    assert (done["generation"], done["begun"], done["done"]) == ("g000003", 0, 5)


def test_going_back_brings_what_was_missed(house: House, alias: AliasedIndex) -> None:
    run(house)
    house.record("新修县志")
    house.withdraw(ids(house)[0])
    assert said(house, "--back") == {"generation": "g000001", "missed": 2}
    assert (alias.generations.live, alias.count()) == ("g000001", 5)
    assert alias.search(Query(words="新修县志")).total == 1
    assert run(house, "--verify").exit_code == 0


class Overtaken:
    """A drain's index, which one goes back from once it has accepted, and before that is noted."""

    def __init__(self, house: House, alias: AliasedIndex) -> None:
        self._house, self._alias = house, alias
        self._seen = alias.named(alias.generation)

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """To the generation that was live."""
        accepted = self._seen.write(batch)
        reindexing.go_back(self._house.database, self._alias)
        return accepted


def test_a_drain_under_way_when_one_goes_back_forgets_nothing(
    house: House, alias: AliasedIndex
) -> None:
    run(house)
    change(house, ids(house)[0])
    indexing.drain(house.database, cast(SearchIndex, Overtaken(house, alias)))
    house.index()
    assert run(house, "--verify").exit_code == 0


class Meanwhile:
    """A drain's index, beside whose writing a record changes once more."""

    def __init__(self, house: House, changed: str) -> None:
        self._house, self._changed = house, changed

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """Accepts what was read before the change."""
        accepted = self._house.adapters.index.write(batch)
        change(self._house, self._changed)
        return accepted


def change(house: House, record: str) -> None:
    """Gives a record its next version."""
    with house.database.transaction() as session:
        versions.raise_version(session, session.get_one(RecordRow, record))


def test_a_change_beside_a_drain_is_not_forgotten_though_its_mark_was_newer(
    house: House, alias: AliasedIndex
) -> None:
    run(house)
    first = ids(house)[0]
    change(house, first)
    reindexing.go_back(house.database, alias)  # the mark is now newer than its record
    indexing.drain(house.database, cast(SearchIndex, Meanwhile(house, first)))
    house.index()
    assert alias.versions([first]) == {first: 3}


def test_there_is_nothing_to_go_back_to_at_first(house: House) -> None:
    result = run(house, "--back")
    assert (result.exit_code, "none is before it" in result.stderr) == (1, True)


def test_two_do_not_rebuild_at_once_and_the_second_is_told_who_does(house: House) -> None:
    one, other = leading(house.database), leading(house.database)
    with one, pytest.raises(RebuildHeldError) as refused, other:
        pass
    assert str(os.getpid()) in refused.value.holder
    with leading(house.database):
        pass


def test_a_rebuild_that_died_is_followed_at_once(house: House) -> None:
    gone = worker_name().replace(f"/{os.getpid()}/", "/99999999/")
    with leading(house.database), house.database.transaction() as session:
        session.execute(update(LeaseRow).where(LeaseRow.name == REBUILD).values(holder=gone))
    assert said(house)["generation"] == "g000002"


def test_a_record_that_cannot_be_read_stops_no_rebuild(house: House, alias: AliasedIndex) -> None:
    first = ids(house)[0]
    with house.database.transaction() as session:
        session.execute(update(RecordRow).where(RecordRow.id == first).values(description=b"{"))
    assert said(house)["done"] == 4
    with house.database.transaction() as session:
        assert session.scalars(select(DirtyRecord.record_id)).all() == [first]
        session.execute(delete(DirtyRecord))
    assert said(house, "--verify")["missing"] == 1


@pytest.mark.parametrize("options", [("--mend",), ("--verify", "--back"), ("--restart", "--list")])
def test_options_that_do_not_go_together_are_refused(house: House, options: Any) -> None:
    assert run(house, *options).exit_code == 2


def test_what_a_rebuild_was_refused_waits_with_the_reason(house: House) -> None:
    record = house.record("红楼梦")
    Catalogue(house.database).put_off({record: (1, "too odd")})
    with house.database.transaction(writes=False) as session:
        (waits,) = dirty.refused(session, 10)
        standing = Catalogue(house.database).standing([record])[record]
    assert (waits.record_id, waits.attempts, waits.reason) == (record, 1, "too odd")
    assert (standing.version, standing.live, standing.waiting) == (1, True, True)
