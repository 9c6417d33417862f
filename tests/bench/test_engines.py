"""What benchmarks make on engines, and that they leave alone what is another's."""

from pathlib import Path

import pytest

from bench.copying import Copied, Executed, Way, moved
from bench.engines import Engines
from bench.library import Library
from bench.rows import CannotRunError

URL = "postgresql+psycopg://somebody:a%2Fword@127.0.0.1:5432/kaijuan"


def test_without_engines_a_measure_says_what_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAIJUAN_DATABASE_URL", raising=False)
    with pytest.raises(CannotRunError, match="KAIJUAN_DATABASE_URL"):
        Engines.named()


def test_a_library_has_a_database_and_indexes_of_its_own() -> None:
    given = Engines(URL, "http://127.0.0.1:9200/kaijuan").of("1000")
    assert given == {
        "KAIJUAN_DATABASE_URL": URL.replace("/kaijuan", "/kaijuan_bench_1000"),
        "KAIJUAN_SEARCH_URL": "http://127.0.0.1:9200/kaijuan_bench_1000",
    }


@pytest.mark.engines
@pytest.mark.parametrize("way", [Copied(), Executed()])
def test_the_control_moves_the_rows_of_an_import(way: Way, tmp_path: Path) -> None:
    engines = Engines.named()
    lines = [f'{{"src": "a", "id": "{n}", "title": "T{n}", "uid": "{n}"}}' for n in range(3)]
    records = tmp_path / "records.jsonl"
    records.write_text("\n".join(lines))
    try:
        for name in ("from", "to"):
            engines.make(name)
            Library(tmp_path / name, engines.of(name)).run("migrate")
        Library(tmp_path / "from", engines.of("from")).run("import", "records", records)
        assert moved(engines, "from", "to", way, 3).seconds > 0
        with engines.postgresql("to") as target:
            assert target.execute("SELECT count(*) FROM dirty_records").fetchone() == (3,)
    finally:
        engines.drop("from")
        engines.drop("to")
