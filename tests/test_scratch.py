"""Temporary folders that outlive no process."""

import signal
import subprocess
import sys
from pathlib import Path

from app.scratch import Scratch

KILLED = """
import sys, os, pathlib, app.scratch
with app.scratch.Scratch(pathlib.Path(sys.argv[1])).folder() as made:
    (made / "file").touch()
    os.kill(os.getpid(), 9)
"""


def test_a_folder_goes_with_its_use_and_is_not_swept_before(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "run" / "tmp")
    with scratch.folder() as made:
        (made / "file").touch()
        assert (scratch.sweep(), made.is_dir()) == (0, True)
    assert not made.exists()


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Scratch(tmp_path).sweep() == 1
    assert list(tmp_path.iterdir()) == []
