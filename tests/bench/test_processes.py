"""What a program took, by itself and with what it started."""

import os
import sys

import pytest

from bench import processes

CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(80 << 20)'])"


def test_what_a_program_said_and_took_is_known() -> None:
    spent = processes.run((sys.executable, "-c", "print(sum(range(10**6)))"), os.environ)
    assert spent.output == b"499999500000\n"
    assert spent.cpu > 0
    assert spent.seconds > 0


def test_the_largest_process_of_the_tree_counts() -> None:
    spent = processes.run((sys.executable, "-c", CHILD), os.environ)
    assert spent.peak_mib > 80 > spent.own_peak_mib


def test_a_program_that_fails_says_how_it_ended() -> None:
    with pytest.raises(processes.FailedError, match="7"):
        processes.run((sys.executable, "-c", "raise SystemExit(7)"), os.environ)


def test_an_expected_exit_code_is_no_failure() -> None:
    assert (
        processes.run((sys.executable, "-c", "raise SystemExit(1)"), {}, fine=(0, 1)).output == b""
    )


def test_a_program_is_killed_in_the_middle() -> None:
    spent = processes.killed((sys.executable, "-c", "import time; time.sleep(60)"), {}, 0.3)
    assert 0.3 <= spent.seconds < 60


def test_a_program_that_ended_before_was_not_killed() -> None:
    with pytest.raises(processes.FailedError, match="before it was killed"):
        processes.killed((sys.executable, "-c", "pass"), {}, 30)
