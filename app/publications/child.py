"""The process that looks at files of others, and may die of it.

Run as ``python -m app.publications.child``. Reads its limits and its own folder, then jobs from
standard input, a socket, and answers each on standard output. It ends when its input ends.
"""

import errno
import os
import socket

import msgspec

from app.publications.confinement import (
    grant_cpu,
    leave_the_network,
    limit_resources,
    refuse_the_rest,
)
from app.publications.examine import examine_source, refusal
from app.publications.findings import RefusedError
from app.publications.frames import Beginning, Job, frame, receive
from app.publications.landlock import readable_places, stay_within
from app.publications.limits import Limits
from app.publications.models import Examination
from app.publications.source import Source

FULL = (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    """Confine this process, then answer jobs until there are no more."""
    jobs = socket.socket(fileno=os.dup(0))
    answers = os.fdopen(os.dup(1), "wb")
    # Libraries print what they please; only frames may reach the caller.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    beginning = msgspec.msgpack.decode(receive(jobs)[0], type=Beginning, dec_hook=_path)
    leave_the_network()
    stay_within(beginning.folder, (*beginning.code, *readable_places()))
    limit_resources(beginning.limits)
    refuse_the_rest(beginning.folder)
    while True:
        body, descriptors = receive(jobs)
        if not body:
            break
        job = msgspec.msgpack.decode(body, type=Job, dec_hook=_path)
        grant_cpu(beginning.limits.cpu_seconds)
        answers.write(frame(_answer(job, descriptors[0], beginning.limits)))
        answers.flush()


def _answer(job: Job, descriptor: int, limits: Limits) -> Examination:
    try:
        return examine_source(Source(descriptor, job.name), job.folder, limits)
    except MemoryError:
        return refusal(RefusedError("memory"))
    except OSError as error:
        code = "no-space" if error.errno in FULL else "parser-died"
        return refusal(RefusedError(code, str(error)))
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is the file's fault
        return refusal(RefusedError("parser-died", f"{type(error).__name__}: {error}"))


def _path(kind: type, value: object) -> object:
    return kind(value)


if __name__ == "__main__":
    main()
