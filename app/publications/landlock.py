"""Landlock: the kernel itself keeps a process within a few folders.

Linux 5.13 and later (landlock(7)); its system calls have the same numbers on every processor.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
MAKE_OTHERS = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12  # devices, sockets, pipes, links
READING = READ_FILE | READ_DIR
WRITING = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG
HANDLED = READING | WRITING | EXECUTE | MAKE_OTHERS
SYSTEM = ("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")


def readable_places() -> tuple[Path, ...]:
    """Where Python, its libraries and the system's fonts lie."""
    return tuple(map(Path, dict.fromkeys((*SYSTEM, sys.prefix, sys.base_prefix))))


def stay_within(folder: Path, readable: Iterable[Path]) -> bool:
    """Let this process write below ``folder`` only and read only there and in ``readable``.

    Nor may it run programs any more. False where the kernel cannot do that. Files that are open
    already are not concerned. Needs PR_SET_NO_NEW_PRIVS or CAP_SYS_ADMIN.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    handled = struct.pack("Q", HANDLED)
    ruleset = libc.syscall(CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0)
    if ruleset < 0:
        return False
    try:
        places = [(folder, READING | WRITING), *((place, READING) for place in readable)]
        added = all(_allow(libc, ruleset, place, rights) for place, rights in places)
        return added and bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, place: Path, rights: int) -> bool:
    """Add a rule; a place that does not exist needs none."""
    try:
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    if not place.is_dir():
        rights &= ~READ_DIR
    rule = struct.pack("=Qi", rights, descriptor)
    try:
        return bool(libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(descriptor)
