"""Taking over at once what died on this machine, rather than when its leases run out.

A worker's name says on which machine it runs, since which boot, and as which process. Where that
process is gone, what it held has run out. Machines are told apart by host name and boot id, so
that nothing is taken from another; a process id in use again is left to its lease.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import Database, now
from app.jobs.models import Job, LeaseRow, State, stands

log = structlog.get_logger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def worker_name() -> str:
    """``host-boot/process/random``: another for every worker ever started."""
    return f"{_machine()}/{os.getpid()}/{secrets.token_hex(4)}"


def take_over(database: Database, name: str) -> int:
    """Ends the claims and leases of workers that died on this machine; returns of how many.

    For a worker about to begin as the only one of its process: whatever else bears its process id
    is of an earlier life.
    """
    with database.transaction(writes=False) as session:
        dead = [other for other in _holders(session) if other != name and is_dead(other)]
    if not dead:
        return 0
    moment = now()
    held = update(Job).where(stands(Job, State.RUNNING), Job.worker.in_(dead))
    led = update(LeaseRow).where(LeaseRow.holder.in_(dead))
    with database.transaction() as session:
        session.execute(held.values(claimed_until=moment))
        session.execute(led.values(until=moment))
    log.warning("took over from workers that died", workers=dead)
    return len(dead)


def _holders(session: Session) -> set[str]:
    jobs = session.scalars(select(Job.worker).where(stands(Job, State.RUNNING)).distinct())
    leases = session.scalars(select(LeaseRow.holder).where(LeaseRow.holder.is_not(None)))
    return {name for name in (*jobs, *leases) if name is not None}


def is_dead(name: str) -> bool:
    """Whether the process of this name is known to be gone, or was an earlier one of our id."""
    machine, _, rest = name.rpartition("/")[0].rpartition("/")
    if machine != _machine() or not rest.isdecimal():
        return False
    if int(rest) == os.getpid():
        return True
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _machine() -> str:
    boot = BOOT_ID.read_text().strip() if BOOT_ID.is_file() else "unknown"
    return f"{socket.gethostname()}-{boot}"
