"""Records from spreadsheets: whatever they are saved as, nothing is lost in silence."""

from pathlib import Path

import pytest
from house import House

from app.catalog.formats import source_of
from app.catalog.services.importing import Report

from .looking import body, catalogue, said

CHINESE = "编号,题名,责任者,出版者,出版日期,主题词,分类号,语种,装帧\n"
ROW = "1,红楼梦,曹雪芹；高鹗,人民文学出版社,1982,长篇小说；清代,I242.4,zh,精装\n"


def table(folder: Path, text: str, encoding: str = "utf-8", name: str = "馆藏.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def codes(report: Report) -> list[tuple[str, str]]:
    return [(problem.place, problem.code) for problem in report.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_headings_are_understood_in_every_encoding(
    house: House, tmp_path: Path, encoding: str
) -> None:
    assert house.import_file(table(tmp_path, CHINESE + ROW, encoding)).added == 1
    kept = said(house, "1")
    assert (kept.title, kept.publisher, kept.date.written) == ("红楼梦", "人民文学出版社", "1982")
    assert [agent.name for agent in kept.agents] == ["曹雪芹", "高鹗"]
    assert [subject.key for subject in kept.subjects] == [
        "local:长篇小说",
        "local:清代",
        "clc:I242.4",
    ]
    assert kept.extra == {"装帧": "精装"}


def test_an_encoding_that_shows_late_is_still_found(house: House, tmp_path: Path) -> None:
    plain = "".join(f"{n},plain title {n}\n" for n in range(2, 15_000))
    house.import_file(table(tmp_path, "id,title\n" + plain + "1,红楼梦\n", "gb18030"))
    assert said(house, "1").title == "红楼梦"


def test_the_source_is_the_librarys_file_unless_a_column_says(house: House, tmp_path: Path) -> None:
    house.import_file(table(tmp_path, "id,title,src\n1,甲,\n2,乙,县馆\n"))
    found = {source for source, _ in _identities(house)}
    assert found == {"main/馆藏", "县馆"}


def test_tables_of_one_name_from_two_libraries_stand_side_by_side(
    house: House, tmp_path: Path
) -> None:
    house.network()
    path = table(tmp_path, "id,title\n1,甲\n")
    assert [house.import_file(path, library).added for library in ("north", "south")] == [1, 1]
    assert set(catalogue(house)) == {("north/馆藏", "1"), ("south/馆藏", "1")}


def test_long_names_of_tables_are_still_told_apart() -> None:
    sources = {source_of("l" * 64, name) for name in ("一", "二")}
    assert len(sources) == 2
    assert max(map(len, sources)) == 64


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("题名,责任者\n红楼梦,曹雪芹\n", [("line 1", "heading-incomplete")]),
        ("", [("line 1", "heading-incomplete")]),
        ("id,title\n1,\n2,乙\n", [("line 2", "title-missing")]),
        ("id,title\n1,甲\0\n2,乙\n", [("line 2", "character-invalid")]),
        ("id,title\n,甲\n2,乙\n", [("line 2", "identity-missing")]),
        ("id,title,rating\n1,甲,好\n2,乙,4.5\n", [("line 2", "field-invalid")]),
        ("id,title\n1,甲,多出来的\n2,乙\n", [("line 2", "too-many-fields")]),
        ('id,title\n1,"甲"乙\n2,丙\n', [("line 2", "csv-malformed")]),
        ('id,title\n2,乙\n1,"甲\n3,丙\n4,丁\n', [("line 3", "csv-malformed")]),
        ("id,title\n1," + "长" * 200_001 + "\n2,乙\n", [("line 2", "csv-malformed")]),
    ],
)
def test_what_cannot_be_taken_is_named(
    house: House, tmp_path: Path, text: str, places: list[tuple[str, str]]
) -> None:
    report = house.import_file(table(tmp_path, text))
    assert codes(report) == places
    assert "2" in {number for _, number in _identities(house)} or places[0][0] == "line 1"


def test_a_quote_that_nothing_closes_says_how_far_it_reaches(house: House, tmp_path: Path) -> None:
    report = house.import_file(table(tmp_path, 'id,title\n1,"甲\n2,乙\n3,丙\n'))
    assert "up to line 4" in report.problems[0].message


def test_quoted_line_breaks_belong_to_the_field(house: House, tmp_path: Path) -> None:
    house.import_file(table(tmp_path, 'id,title,提要\n1,甲,"第一行\n第二行"\n2,乙,\n'))
    assert said(house, "1").extra == {"提要": "第一行\n第二行"}
    assert said(house, "2").title == "乙"


def test_columns_of_one_name_are_both_kept(house: House, tmp_path: Path) -> None:
    house.import_file(
        table(tmp_path, "id,title,作者,作者,备注,备注,书名\n1,甲,张三,李四,一,二,又名\n")
    )
    kept = said(house, "1")
    assert [agent.name for agent in kept.agents] == ["张三", "李四"]
    assert kept.extra == {"备注": "一; 二", "书名": "又名"}
    assert "又名" in body(house, "1").decode()


def test_rows_without_anything_do_not_count(house: House, tmp_path: Path) -> None:
    report = house.import_file(table(tmp_path, "id,title\n1,甲\n,\n\n2,乙\n,,\n"))
    assert (report.read, report.added) == (2, 2)


def test_a_file_of_no_known_form_is_refused_with_what_would_be_right(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"\x00\x01\x02")
    with pytest.raises(Exception, match="--format"):
        house.import_file(path)


def _identities(house: House) -> set[tuple[str, str]]:
    return set(catalogue(house))
