"""Files of readers: what their rows say, and what becomes of rows that are bad."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.identity import roster
from app.identity.roster import Entry, Refused, Row, masked

from .rosters import HEADING, table

SECRETS = ("13800001111", "110101199003071233", "王小明", "13x")


def rows(path: Path) -> list[Row]:
    return list(roster.open_roster(path, None, "lib").read())


def codes(path: Path) -> list[tuple[str, str]]:
    return [(x.place, x.refusal.code if isinstance(x, Refused) else "") for x in rows(path)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("heading", [
    "读者证号,姓名,手机,状态,有效期", "card,name,phone,state,expires",
    " 借书证号 ,读者姓名,联系电话,证状态,到期日", "Card Number,Full Name,Mobile,Status,Valid Until",
])  # fmt: skip
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_tables_are_read_however_they_are_written(
    tmp_path: Path, encoding: str, heading: str, delimiter: str
) -> None:
    text = f"{heading}\na-001,王小明,+86 138 0000 1111,正常,2027-12-31\n".replace(",", delimiter)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    [entry] = rows(tmp_path / "a.csv")
    assert isinstance(entry, Entry)
    assert (entry.card.value, entry.name, entry.state) == ("A001", "王**", "open")
    assert entry.contact is not None
    assert entry.contact.value == "+8613800001111"
    assert entry.expires_at == datetime(2027, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize("written", ["2027/1/2", "20270102", "2027年1月2日", "2027.01.02"])
def test_days_are_read_as_people_write_them(tmp_path: Path, written: str) -> None:
    [entry] = rows(table(tmp_path / "a", f"A1,,,,,{written}"))
    assert isinstance(entry, Entry)
    assert entry.expires_at == datetime(2027, 1, 2, 16, tzinfo=UTC)


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    line = '{"card": 12345, "姓名": "欧阳", "email": "A@Example.org"}'
    (tmp_path / "a").write_text(line + '\n[1]\n{"x"')
    first, *rest = rows(tmp_path / "a")
    assert isinstance(first, Entry)
    assert first.contact is not None
    assert (first.card.value, first.name, first.contact.value) == ("12345", "欧*", "a@example.org")
    assert [one.place for one in rest] == ["line 2", "line 3"]


HOSTILE = {
    '"A1,王小明,13800001111,,,': "csv-malformed",
    "A\x001,王小明,,,,": "character-invalid",
    "=1+1,王小明,,,,": "card-invalid",
    "=HYPERLINK(1),王小明,,,,": "card-invalid",
    ",王小明,13800001111,,,": "card-invalid",
    "1.23E+17,王小明,,,,": "card-invalid",
    "A1,王小明,,,没见过的词,": "state-unknown",
    "A1,王小明,,,,2027-02-30": "date-invalid",
    "A1,王小明,,,,,多出来的": "too-many-fields",
    "A1," + "王" * 20_000: "line-too-long",
}


@pytest.mark.parametrize(("row", "code"), HOSTILE.items(), ids=HOSTILE.values())
def test_a_bad_row_is_refused_by_its_place_and_stops_nothing(
    tmp_path: Path, row: str, code: str
) -> None:
    path = table(tmp_path / "a", "B1,王小明,,,,", row, "B2,王小明,,,,")
    assert codes(path) == [("line 2", ""), ("line 3", code), ("line 4", "")]


def test_a_line_of_ten_megabytes_is_passed_over(tmp_path: Path) -> None:
    path = table(tmp_path / "a", "A1," + "x" * 10_000_000, "A2,王小明,,,,")
    assert codes(path) == [("line 2", "line-too-long"), ("line 3", "")]


def test_a_heading_without_the_card_is_told_which_columns_there_are(tmp_path: Path) -> None:
    path = table(tmp_path / "a", "1,2", heading="姓名,手机")
    assert codes(path) == [("line 1", "heading-incomplete")]
    assert codes(table(tmp_path / "a", heading="card," * 300)) == [("line 1", "too-many-columns")]
    (tmp_path / "a").write_bytes(b"")
    assert codes(tmp_path / "a") == [("line 1", "heading-incomplete")]


def test_more_rows_than_a_file_may_have_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "MOST_ROWS", 2)
    found = codes(table(tmp_path / "a", "A1", "A2", "A3", "A4"))
    assert found == [("line 2", ""), ("line 3", ""), ("file", "too-many-rows")]


def test_a_phone_that_reaches_nobody_is_left_out_and_said_so(tmp_path: Path) -> None:
    path = table(tmp_path / "a", "A1,,0791-123,,,", "A2,,0791-123,a@example.org,,")
    first, second = rows(path)
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert (first.contact, [note.code for note in first.notes]) == (None, ["phone-unusable"])
    assert second.contact is not None
    assert second.notes == ()


def test_what_is_said_of_a_row_tells_nothing_of_a_person(tmp_path: Path) -> None:
    rest = "王小明,13800001111,a@example.org"
    bad = [f"A1,{rest},王小明,", f"A1,{rest},,13x", f"A1,王小明,13x,,,,{SECRETS[1]}", f'"A1,{rest}']
    found = rows(table(tmp_path / "a", *bad))
    text = repr([one.refusal if isinstance(one, Refused) else one for one in found])
    assert "line 5" in text
    assert not [secret for secret in SECRETS if secret in text]


def test_of_a_name_a_mask_is_kept() -> None:
    names = ("王小明", "王五", "王", "买买提·吐尔逊", "John Smith", "=cmd()", " ", "123")
    assert [masked(name) for name in names] == [
        "王**", "王*", "王*", "买**", "J**", "读者", "读者", "读者"
    ]  # fmt: skip


def test_other_columns_are_left_alone(tmp_path: Path) -> None:
    path = table(tmp_path / "a", "A1,王小明,,,,,110101199003071233", heading=HEADING + ",身份证号")
    assert "110101199003071233" not in repr(rows(path))
