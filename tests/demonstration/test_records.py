"""The records of the demonstration are good ones, and every shelf and facet has some."""

import msgspec
import pytest

from app.catalog.dates import understand
from app.catalog.description import Kind
from app.catalog.formats import Candidate
from app.catalog.formats.exchange import ExchangeRecord, describe
from app.catalog.formats.jsonl import record_of
from app.catalog.services.classifying import MAIN_CLASSES
from app.demonstration import tables
from app.demonstration.libraries import LIBRARIES
from app.demonstration.records import records

OWNED = list(records())
RECORDS = [record for _, record in OWNED]
PARENTS = {
    Kind.ISSUE: Kind.JOURNAL,
    Kind.ARTICLE: Kind.ISSUE,
    Kind.ITEM: Kind.COLLECTION,
    Kind.LECTURE: Kind.COURSE,
}


def test_there_are_hundreds_of_records_each_with_an_id_of_its_own() -> None:
    assert len(RECORDS) > 500
    assert len({record.id for record in RECORDS}) == len(RECORDS)


def test_every_record_is_taken_by_the_ordinary_import() -> None:
    lines = [msgspec.json.encode(record) for record in RECORDS]
    assert all(isinstance(record_of(line, "here"), Candidate) for line in lines)


def test_every_shelf_has_a_book_on_it() -> None:
    codes = {s.code[0] for r in RECORDS for s in describe(r).subjects if s.scheme == "clc"}
    assert codes == set(MAIN_CLASSES)


def test_every_class_is_known_and_named() -> None:
    names = tables.classes()
    subjects = [s for r in RECORDS for s in describe(r).subjects if s.scheme == "clc"]
    assert {s.code: s.label for s in subjects}.items() <= names.items()


def test_every_kind_library_and_several_languages_occur() -> None:
    assert {record.kind for record in RECORDS} == set(Kind)
    assert {owner for owner, _ in OWNED} == {library.id for library in LIBRARIES}
    assert {"zh-Hans", "zh-Hant", "en", "ru", "ja"} <= {record.lang for record in RECORDS}


def test_parents_stand_before_their_parts_and_are_of_the_right_kind() -> None:
    seen: dict[str, ExchangeRecord] = {}
    for record in RECORDS:
        assert (record.kind in PARENTS) == bool(record.parent)
        if record.parent:
            assert seen[record.parent].kind == PARENTS[record.kind]
        seen[record.id] = record


def test_a_part_belongs_to_the_library_of_its_whole() -> None:
    owners = {record.id: owner for owner, record in OWNED}
    assert all(owners[r.parent] == owner for owner, r in OWNED if r.parent)


def test_nearly_every_date_is_understood_as_years() -> None:
    written = {record.date for record in RECORDS if record.date}
    unknown = {date for date in written if understand(date).first is None}
    assert len(unknown) <= 3, unknown


@pytest.mark.parametrize(
    "scripts", [("红楼梦", "紅樓夢"), ("史记", "史記"), ("天工开物", "天工開物")]
)
def test_famous_titles_are_there_in_both_scripts(scripts: tuple[str, str]) -> None:
    assert set(scripts) <= {record.title for record in RECORDS}


def test_agents_are_names_without_what_was_said_of_their_part() -> None:
    names = {agent.name for record in RECORDS for agent in describe(record).agents}
    assert {"曹雪芹", "李时珍", "徐光启"} <= names
    assert not [name for name in names if len(name) > 2 and name[-1] in "撰著編编輯辑譯译注書书"]
