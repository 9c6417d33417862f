"""Landlock: the kernel itself refuses writing and running programs outside one folder.

Linux 5.13 and later (landlock(7)); its system calls have the same numbers on every processor.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, REMOVE_DIR, REMOVE_FILE = 1 << 0, 1 << 1, 1 << 4, 1 << 5
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
MAKE_OTHERS = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12  # devices, sockets, pipes, links
ALLOWED = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG
HANDLED = ALLOWED | EXECUTE | MAKE_OTHERS


def write_only_below(folder: Path) -> bool:
    """Confine this process for good; False where the kernel cannot.

    Needs PR_SET_NO_NEW_PRIVS or CAP_SYS_ADMIN. Files that are open already are not concerned.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    handled = struct.pack("Q", HANDLED)
    ruleset = libc.syscall(CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0)
    if ruleset < 0:
        return False
    place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", ALLOWED, place)
        added = libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0)
        return added == 0 and bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(place)
        os.close(ruleset)
