import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.usage.drain import REJECTED, drain
from app.usage.facts import LONGEST_WORDS, Event, Fact
from app.usage.spool import Spool

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class Sink:
    """Takes facts once each by id; refuses a batch when told to."""

    def __init__(self, *, batches: int = 1_000_000) -> None:
        self.facts: dict[str, Fact] = {}
        self.sizes: list[int] = []
        self._batches = batches

    def __call__(self, facts: list[Fact]) -> None:
        if len(self.sizes) == self._batches:
            raise ConnectionError("the database is away")
        self.sizes.append(len(facts))
        self.facts.update((fact.id, fact) for fact in facts)


def view(record: str = "r1") -> Fact:
    return Fact(at=NOW, event=Event.VIEW, record=record, kind="book", session="s")


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsonl"))


def test_a_fact_arrives_as_it_was(tmp_path: Path) -> None:
    sink, spool, fact = Sink(), Spool(tmp_path), view("红楼梦")
    spool.append(fact)
    drain(tmp_path, sink)
    assert sink.facts == {fact.id: fact}
    spool.close()


def test_facts_of_a_living_process_are_delivered_once(tmp_path: Path) -> None:
    sink, spool = Sink(), Spool(tmp_path)
    spool.append(view())
    assert drain(tmp_path, sink).delivered == 1
    assert drain(tmp_path, sink).delivered == 0
    spool.append(view())
    assert drain(tmp_path, sink).delivered == 1
    assert len(files(tmp_path)) == 1
    spool.close()


def test_a_closed_file_goes_once_everything_in_it_was_delivered(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(view())
    spool.close()
    assert drain(tmp_path, Sink()).files == 1
    assert [path.name for path in tmp_path.iterdir()] == ["drain.lock"]


def test_facts_come_in_batches_in_their_order(tmp_path: Path) -> None:
    sink, spool = Sink(), Spool(tmp_path, size=400)
    facts = [view(str(n)) for n in range(12)]
    for fact in facts:
        spool.append(fact)
    spool.close()
    drain(tmp_path, sink, batch=2)
    assert list(sink.facts.values()) == facts
    assert max(sink.sizes) == 2


def test_a_file_is_left_behind_by_size_and_by_age(tmp_path: Path) -> None:
    for spool in (Spool(tmp_path / "size", size=1), Spool(tmp_path / "age", age=0)):
        for _ in range(3):
            spool.append(view())
        spool.close()
    assert [len(files(tmp_path / name)) for name in ("size", "age")] == [3, 3]


def test_a_sink_that_fails_gets_the_rest_again(tmp_path: Path) -> None:
    sink, spool = Sink(), Spool(tmp_path)
    for n in range(6):
        spool.append(view(str(n)))
    spool.close()
    failing = Sink(batches=2)
    with pytest.raises(ConnectionError):
        drain(tmp_path, failing, batch=2)
    assert drain(tmp_path, sink, batch=2).delivered == 2
    assert len(failing.facts | sink.facts) == 6
    assert files(tmp_path) == []


def test_a_torn_last_line_stops_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(view())
    spool.close()
    with files(tmp_path)[0].open("ab") as file:
        file.write(b'{"at":"2026-')
    done = drain(tmp_path, Sink())
    assert (done.delivered, done.rejected, done.files) == (1, 0, 1)


def test_a_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    sink, spool = Sink(), Spool(tmp_path)
    spool.append(view())
    path = files(tmp_path)[0]
    line = path.read_bytes().replace(b"r1", b"r2").replace(b'"id":"', b'"id":"x')
    with path.open("ab", buffering=0) as file:
        file.write(line[:20])
        assert drain(tmp_path, sink).delivered == 1
        file.write(line[20:])
    assert drain(tmp_path, sink).delivered == 1
    assert [fact.record for fact in sink.facts.values()] == ["r1", "r2"]
    spool.close()


@pytest.mark.parametrize("line", [b"\0\0\0\n", b"{}\n", b'{"at":"2026"}\n', b"\xff\n", b"\n"])
def test_a_line_that_is_no_fact_is_put_aside(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "a.jsonl").write_bytes(line)
    spool = Spool(tmp_path)
    spool.append(view())
    spool.close()
    done = drain(tmp_path, Sink())
    assert (done.delivered, done.rejected, done.files) == (1, 1, 2)
    assert (tmp_path / REJECTED).read_bytes() == line


def test_an_offset_nobody_can_read_means_delivering_again(tmp_path: Path) -> None:
    sink, spool = Sink(), Spool(tmp_path)
    spool.append(view())
    drain(tmp_path, sink)
    next(tmp_path.glob("*.offset")).write_text("")
    assert drain(tmp_path, sink).delivered == 1
    assert len(sink.facts) == 1
    spool.close()


APPEND_FOREVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from app.usage.facts import Event, Fact
from app.usage.spool import Spool
spool = Spool(Path(sys.argv[1]))
while True:
    fact = Fact(at=datetime.now(UTC), event=Event.OPEN)
    spool.append(fact)
    sys.stdout.write(fact.id + "\\n")
    sys.stdout.flush()
"""


def test_what_a_killed_process_had_written_is_delivered(tmp_path: Path) -> None:
    sink = Sink()
    with subprocess.Popen(
        [sys.executable, "-c", APPEND_FOREVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        first = [child.stdout.readline().strip() for _ in range(200)]
        drain(tmp_path, sink)
        child.send_signal(signal.SIGKILL)
        acknowledged = {*first, *child.stdout.read().split("\n")[:-1]}
    drain(tmp_path, sink)
    assert acknowledged <= sink.facts.keys()
    assert files(tmp_path) == []


APPEND_UNTIL_FULL = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from app.usage.facts import Event, Fact
from app.usage.spool import Spool
spool = Spool(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for taken in range(100):
    try:
        spool.append(Fact(at=datetime.now(UTC), event=Event.OPEN))
    except OSError:
        break
spool.append(Fact(at=datetime.now(UTC), event=Event.OPEN))
print(taken + 1)
"""


def test_a_disk_that_fills_up_loses_only_what_was_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-c", APPEND_UNTIL_FULL, str(tmp_path)]
    taken = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    done = drain(tmp_path, Sink())
    assert (done.delivered, done.rejected, done.files) == (taken, 0, 2)


def test_a_file_that_never_got_its_name_is_tidied_away(tmp_path: Path) -> None:
    for name, age in (("old.new", 7200), ("young.new", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    drain(tmp_path, Sink())
    assert [path.name for path in tmp_path.glob("*.new")] == ["young.new"]


def test_an_empty_place_is_drained_of_nothing(tmp_path: Path) -> None:
    assert drain(tmp_path / "not" / "there", Sink()).files == 0


APPEND_AROUND_A_FORK = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from app.usage.facts import Event, Fact
from app.usage.spool import Spool
spool = Spool(Path(sys.argv[1]))
for _ in range(2):
    spool.append(Fact(at=datetime.now(UTC), event=Event.OPEN, record="parent"))
    if not os.fork():
        spool.append(Fact(at=datetime.now(UTC), event=Event.OPEN, record="child"))
        os._exit(0)
    os.wait()
spool.append(Fact(at=datetime.now(UTC), event=Event.OPEN, record="parent"))
"""


def test_forked_children_write_to_files_of_their_own(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", APPEND_AROUND_A_FORK, str(tmp_path)], check=True)
    sink = Sink()
    assert drain(tmp_path, sink).files == 3
    records = sorted(fact.record for fact in sink.facts.values())
    assert records == ["child", "child", "parent", "parent", "parent"]


def test_threads_never_tear_each_others_lines(tmp_path: Path) -> None:
    sink, spool = Sink(), Spool(tmp_path, size=5_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: spool.append(view(str(n))), range(400)))
    spool.close()
    assert drain(tmp_path, sink).rejected == 0
    assert len(sink.facts) == 400


def test_two_drains_do_not_meet(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(view())
    seen = []
    drain(tmp_path, lambda _: seen.append(drain(tmp_path, Sink()).delivered))
    assert seen == [0]
    spool.close()


def test_a_fact_of_a_newer_release_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        b'{"at":"2026-01-02T03:04:05.678901Z","event":"open","id":"1","mood":"glad"}\n'
    )
    sink = Sink()
    drain(tmp_path, sink)
    assert sink.facts["1"].at == NOW


def test_words_are_kept_only_when_nothing_was_found() -> None:
    assert Fact(at=NOW, event=Event.SEARCH, words="紅樓夢").words == "紅樓夢"
    for more in ({"event": Event.SEARCH, "found": 3}, {"event": Event.VIEW}):
        with pytest.raises(ValueError, match="found nothing"):
            Fact(at=NOW, words="红楼梦", **more)


def test_long_words_are_cut() -> None:
    assert len(Fact(at=NOW, event=Event.SEARCH, words="长" * 900).words) == LONGEST_WORDS


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=8))])
def test_a_time_that_is_not_utc_is_refused(zone: timezone | None) -> None:
    with pytest.raises(ValueError, match="UTC"):
        Fact(at=NOW.replace(tzinfo=zone), event=Event.VIEW)


def test_every_use_investigates_and_reading_requests() -> None:
    used = [Event.VIEW, Event.OPEN, Event.DOWNLOAD]
    assert [event for event in Event if event.investigates] == used
    assert [event for event in Event if event.requests] == [Event.OPEN, Event.DOWNLOAD]
