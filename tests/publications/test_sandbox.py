"""The pool of children: what they may not do, and what their death does to others."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.publications.limits import Limits
from app.publications.sandbox import ROOT, Examiner
from app.publications.text import read_chapters
from tests.publications.archives_made import archive, book, write

CONFINED = """
import sys
from pathlib import Path
from app.publications import child, confinement, landlock
folder = Path(sys.argv[1])
{before}
{act}
"""


FULL_DISK = """
import errno
from app.publications import child

def full(*_):
    raise OSError(errno.ENOSPC, "no space")

child.examine_source = full
child.main()
"""


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def run_confined(folder: Path, act: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = CONFINED.format(act=act, before=before)
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_book_is_examined_and_its_files_arrive(tmp_path: Path) -> None:
    path, out = write(tmp_path, archive(book())), tmp_path / "out"
    with Examiner(workers=1, scratch=tmp_path) as examiner:
        examination = examiner.examine(path, out)
    assert examination.publication
    assert examination.publication.title == "书"
    assert [chapter.text for chapter in read_chapters(out, examination)] == ["第一章\n山不在高"]
    assert {file.name for file in out.iterdir()} == set(examination.files)


def test_a_confined_child_makes_a_book_of_a_text(tmp_path: Path) -> None:
    path = write(tmp_path, "第一回 起\n山不在高。\n".encode(), "x.txt")
    with Examiner(workers=1, scratch=tmp_path) as examiner:
        examination = examiner.examine(path, tmp_path / "out")
    assert [f.code for f in examination.findings if f.code == "parser-died"] == []
    assert examination.made


def test_several_threads_share_the_children(tmp_path: Path) -> None:
    path = write(tmp_path, archive(book()))
    with Examiner(workers=2, scratch=tmp_path) as examiner, ThreadPoolExecutor(6) as threads:
        outs = [tmp_path / f"out{number}" for number in range(12)]
        results = list(threads.map(lambda out: examiner.examine(path, out), outs))
    assert all(result.publication for result in results)


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("import os; os.abort()", "parser-died"),
        ("import time; time.sleep(60)", "timeout"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "timeout"),
        ("import sys; sys.stdout.write('nonsense that is no frame')", "output-limit"),
        (
            "import sys; sys.stdout.buffer.write(b'\\1\\0\\0\\0x'); sys.stdout.flush()",
            "parser-died",
        ),
    ],
)
def test_a_child_that_dies_or_hangs_is_a_finding(code: str, finding: str, tmp_path: Path) -> None:
    limits = Limits(wall_seconds=1)
    path = write(tmp_path, archive(book()))
    with Examiner(limits, 1, tmp_path, python(code)) as examiner:
        for _ in range(2):
            examination = examiner.examine(path, tmp_path / "out")
            assert [found.code for found in examination.findings] == [finding]
    assert [child for child in tmp_path.iterdir() if child.name.startswith("kaijuan-")] == []


def test_too_little_memory_is_a_finding_and_the_next_book_is_read(tmp_path: Path) -> None:
    lines = (f"第{number}行，并无二致。" for number in range(300_000))
    large = write(tmp_path, "\n".join(lines).encode(), "large.txt")
    small = write(tmp_path, archive(book()))
    with Examiner(Limits(memory_bytes=112 * 1024 * 1024), 1, tmp_path) as examiner:
        examination = examiner.examine(large, tmp_path / "large")
        assert examination.findings[-1].code in {"memory", "parser-died"}
        assert examiner.examine(small, tmp_path / "small").publication


def test_a_process_that_uses_up_its_time_is_killed(tmp_path: Path) -> None:
    process = run_confined(tmp_path, "confinement.grant_cpu(0)\nwhile True: pass")
    assert process.returncode == -signal.SIGXCPU


def test_a_child_is_replaced_after_so_many_books(tmp_path: Path) -> None:
    path = write(tmp_path, archive(book()))
    with Examiner(Limits(books_per_child=1), 1, tmp_path) as examiner:
        results = [examiner.examine(path, tmp_path / str(number)) for number in range(3)]
    assert all(result.publication for result in results)


def test_nothing_of_the_caller_s_environment_reaches_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIJUAN_SECRET_KEYS", "secret")
    code = "import os, sys; sys.exit(9 if 'KAIJUAN_SECRET_KEYS' in os.environ else 7)"
    with Examiner(Limits(), 1, tmp_path, python(code)) as examiner:
        examination = examiner.examine(write(tmp_path, b"x"), tmp_path / "out")
    assert examination.findings[0].place == "status 7"


@pytest.mark.parametrize(
    "act",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.socket()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "open(folder.parent / 'escaped', 'w')",
        "(folder / '..' / 'escaped').write_text('x')",
        "import os; os.symlink('/etc/passwd', folder / 'link')",
        "import os; os.remove(folder.parent / 'precious')",
        "import os; os.rename(folder.parent / 'precious', folder / 'mine')",
        "import os; os.kill(1, 0)",
    ],
)
def test_a_confined_process_may_not_leave_its_folder(act: str, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("here")
    (tmp_path / "home").mkdir()
    process = run_confined(tmp_path / "home", act, "confinement.refuse_the_rest(folder)")
    assert process.returncode == 1
    assert "PermissionError" in process.stderr
    assert (tmp_path / "precious").read_text() == "here"
    assert not (tmp_path / "escaped").exists()


def test_the_kernel_refuses_writing_elsewhere_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    act = """
if not landlock.stay_within(folder, landlock.readable_places()):
    sys.exit(77)
(folder / "mine").write_text("x")
(folder.parent / "escaped").write_text("x")
"""
    process = run_confined(tmp_path / "home", act)
    if process.returncode == 77:
        pytest.skip("this kernel has no Landlock")
    assert "PermissionError" in process.stderr
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["home", "mine"]


def test_the_kernel_refuses_reading_elsewhere_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "secret").write_text("x")
    act = """
if not landlock.stay_within(folder, landlock.readable_places()):
    sys.exit(77)
(folder.parent / "secret").read_text()
"""
    process = run_confined(tmp_path / "home", act)
    if process.returncode == 77:
        pytest.skip("this kernel has no Landlock")
    assert "PermissionError" in process.stderr


def test_a_full_disk_is_not_held_against_the_file(tmp_path: Path) -> None:
    full = python(FULL_DISK)
    path = write(tmp_path, archive(book()))
    with Examiner(Limits(), 1, tmp_path, full) as examiner, pytest.raises(OSError, match="space"):
        examiner.examine(path, tmp_path / "out")


def test_the_network_is_left_where_the_kernel_allows_it(tmp_path: Path) -> None:
    act = """
import socket
if not confinement.leave_the_network():
    sys.exit(77)
socket.create_connection(("127.0.0.1", int(sys.argv[1])))
"""
    process = run_confined(Path("9"), act)
    if process.returncode == 77:
        pytest.skip("this kernel allows no namespaces")
    assert "unreachable" in process.stderr
