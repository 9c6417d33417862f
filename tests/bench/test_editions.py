"""Further editions of records: the same whatever is asked for, and as the real ones are."""

import gzip
import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from app.catalog.formats import Candidate
from app.catalog.formats.jsonl import JsonLines, record_of
from app.catalog.normal import isbn13
from app.catalog.services.importing import import_records
from app.database import Database
from app.identity import tree
from app.operating.schema import upgrade
from bench import million
from bench.editions import Editions, isbn_of


def line(source: str, number: int, **fields: object) -> bytes:
    """A record of a catalogue that has publishers for every second book."""
    publisher = {"publisher": f"{source} 出版社"} if number % 2 else {}
    told = {"src": source, "id": str(number), "title": f"書目 {number}", "creator": ["王某"]}
    return msgspec.json.encode({**told, **publisher, **fields})


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    latin = [line("en", n, title=f"Notes of travel {n}", lang="en") for n in range(60)]
    marked = [line("en", n, title=f"Letters, Vol. {n}", isbn="0441172717") for n in range(60, 80)]
    chinese = [line("zh", n, title=f"縣志 {n} 第{n}冊", date="光緒") for n in range(40)]
    return [*latin, *marked, *chinese]


def told(record: bytes) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(record)
    return found


def test_the_first_round_is_the_records_as_they_were_given(lines: list[bytes]) -> None:
    assert sorted(Editions(lines).stream(0, len(lines))) == sorted(lines)


def test_the_order_in_which_records_are_given_changes_nothing(lines: list[bytes]) -> None:
    dealt = random.Random(1).sample(lines, len(lines))
    assert list(Editions(dealt).stream(0, 500)) == list(Editions(lines).stream(0, 500))


def test_a_record_is_the_same_whatever_else_is_asked_for(lines: list[bytes]) -> None:
    editions = Editions(lines)
    whole = list(editions.stream(0, 900))
    assert [editions.record(n) for n in (899, 3, 500)] == [whole[899], whole[3], whole[500]]
    assert [*editions.stream(0, 900, 2)] == whole[::2]


def test_another_seed_gives_other_editions(lines: list[bytes]) -> None:
    assert Editions(lines, 1).record(500) != Editions(lines, 2).record(500)


def test_no_two_records_have_the_same_identity(lines: list[bytes]) -> None:
    found = [told(record) for record in Editions(lines).stream(0, 2_000)]
    assert len({(record["src"], record["id"]) for record in found}) == 2_000


def test_numbers_of_books_are_valid_and_no_two_alike() -> None:
    numbers = [isbn_of(k) for k in range(20_000)]
    assert len(set(numbers)) == 20_000
    assert all(isbn13(number) == number for number in numbers)


def test_every_source_has_the_part_and_the_habits_that_it_has(lines: list[bytes]) -> None:
    """120 real records and 2,280 more: shares differ by less than three in a hundred."""
    real = [told(record) for record in lines]
    many = [told(record) for record in Editions(lines).stream(0, 2_400)]
    for name in ("publisher", "date", "isbn", "lang", "creator"):
        shares = [sum(name in one for one in given) / len(given) for given in (real, many)]
        assert shares[0] == pytest.approx(shares[1], abs=0.03), name
    assert Counter(one["src"] for one in many) == {"en": 1_600, "zh": 800}


def test_a_title_is_the_real_one_with_a_mark_that_its_catalogue_has(lines: list[bytes]) -> None:
    titles = {str(told(record)["title"]) for record in Editions(lines).stream(100, 2_000)}
    travels = {title for title in titles if title.startswith("Notes of travel 7")}
    assert "Notes of travel 7" in travels
    assert any(", Vol. " in title for title in travels)
    assert not any("冊" in title for title in travels)


def test_what_names_one_copy_is_not_handed_on() -> None:
    extra = {"wzl_barcode": "77", "wzl_isbn": "9787020002207", "intro": "詳"}
    further = told(Editions([line("zh", 1, extra=extra)]).record(1))
    assert further["extra"] == {"wzl_isbn": isbn_of(1), "intro": "詳"}


def test_a_file_is_the_same_to_the_byte(
    tmp_path: Path, lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(million, "editions", lambda _seed: Editions(lines))
    for name in ("one.gz", "other.gz"):
        million.write(tmp_path / name, 300)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "other.gz").read_bytes()


@pytest.fixture(scope="module")
def real(test_data: Path) -> Editions:
    with gzip.open(test_data / "catalog" / "records.jsonl.gz", "rb") as given:
        return Editions(given)


def test_every_one_of_2000_real_and_further_records_is_imported(
    real: Editions, tmp_path: Path
) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"\n".join(map(real.record, [n * len(real) // 100 for n in range(2_000)])))
    database = Database(f"sqlite:///{tmp_path}/kaijuan.sqlite")
    upgrade(database)
    with database.transaction() as session:
        library = tree.default(session).id
    report = import_records(database, JsonLines(path), path, library_id=library)
    assert (report.read, report.added, report.refused) == (2_000, 2_000, 0)


def test_the_shares_of_the_real_records_are_kept(real: Editions) -> None:
    some = len(real) // 4
    first, third = (range(r * len(real), r * len(real) + some) for r in (0, 2))
    for name in ("publisher", "date", "isbn", "subjects", "lang", "rating"):
        shares = [
            sum(bool(told(real.record(n)).get(name)) for n in numbers) / some
            for numbers in (first, third)
        ]
        assert shares[0] == pytest.approx(shares[1], abs=0.01), name


def test_the_generator_makes_nothing_that_the_importer_refuses(real: Editions) -> None:
    further = real.stream(3 * len(real), 3 * len(real) + 5_000)
    assert all(isinstance(record_of(one, "here"), Candidate) for one in further)
