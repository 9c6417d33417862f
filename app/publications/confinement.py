"""What a child gives up before it looks at a file of others.

The kernel's limits and namespaces hold against native code that was taken over; the audit hook
holds only against Python code led astray, and stands in where the kernel offers less.
"""

import ctypes
import os
import resource
import sys
import time
from pathlib import Path

from app.publications.limits import Limits

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_NO_NEW_PRIVS = 38
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.posix_spawn",
    "os.system",
    "os.fork",
    "os.startfile",
    "os.kill",
    "os.symlink",
    "os.link",
    "os.chown",
    "ctypes.dlopen",
    "pty.",
    "ftplib.",
    "smtplib.",
    "urllib.Request",
    "http.client.",
)
CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod")


def leave_the_network() -> bool:
    """Move into an empty network namespace; False where the kernel does not allow it."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Root may do without a user namespace, in which it would lose its rights over files.
    return any(libc.unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))


def limit_resources(limits: Limits) -> None:
    """Bound memory, file size and open files of this process, and leave no core dumps."""
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.output_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def grant_cpu(seconds: int) -> None:
    """Allow this process so many more seconds of processor time; past them it is killed."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, hard))


def refuse_the_rest(folder: Path) -> None:
    """Refuse sockets, other programs, and changes outside ``folder``, from now on."""
    allowed = os.path.realpath(folder) + os.sep

    def inside(path: object) -> bool:
        if isinstance(path, int):
            return True
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        return os.path.realpath(name).startswith(allowed)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING and not inside(path):
                raise PermissionError(f"{event}: {path}")
        elif event in CHANGING:
            if not inside(arguments[0]):
                raise PermissionError(f"{event}: {arguments[0]}")
        elif event.startswith(FORBIDDEN):
            raise PermissionError(event)

    sys.addaudithook(hook)
