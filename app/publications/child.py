"""The process that looks at files of others, and may die of it.

Run as ``python -m app.publications.child``. Reads its limits and its own folder, then jobs from
standard input, and answers each on standard output. It ends when its input ends.
"""

import os
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from app.publications.confinement import (
    grant_cpu,
    leave_the_network,
    limit_resources,
    refuse_the_rest,
)
from app.publications.examine import examine_file, refusal
from app.publications.findings import RefusedError
from app.publications.frames import LENGTH, Job, frame
from app.publications.landlock import write_only_below
from app.publications.limits import Limits
from app.publications.models import Examination


class Beginning(msgspec.Struct, frozen=True):
    """What a child is told first."""

    limits: Limits
    folder: Path


def main() -> None:
    """Confine this process, then answer jobs until there are no more."""
    jobs = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    # Libraries print what they please; only frames may reach the caller.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    beginning = msgspec.msgpack.decode(_read(jobs), type=Beginning, dec_hook=_path)
    leave_the_network()
    write_only_below(beginning.folder)
    limit_resources(beginning.limits)
    refuse_the_rest(beginning.folder)
    while body := _read(jobs):
        job = msgspec.msgpack.decode(body, type=Job, dec_hook=_path)
        grant_cpu(beginning.limits.cpu_seconds)
        answers.write(frame(_answer(job, beginning.limits)))
        answers.flush()


def _answer(job: Job, limits: Limits) -> Examination:
    try:
        return examine_file(job.path, job.folder, limits, job.name)
    except MemoryError:
        return refusal(RefusedError("memory"))
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is the file's fault
        return refusal(RefusedError("parser-died", f"{type(error).__name__}: {error}"))


def _read(stream: BinaryIO) -> bytes:
    head = stream.read(LENGTH.size)
    return stream.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def _path(kind: type, value: object) -> object:
    return kind(value)


if __name__ == "__main__":
    main()
