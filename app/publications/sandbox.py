"""Examining files in confined processes that may die without harm.

``Examiner`` keeps a few children. A child that dies, hangs or eats too much is killed with its
group and replaced, and the file gets an examination that says so.
"""

import errno
import os
import queue
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

import msgspec

from app.publications.examine import refusal
from app.publications.findings import RefusedError
from app.publications.frames import LENGTH, MOST, Beginning, Job, send
from app.publications.limits import Limits
from app.publications.models import Examination

COMMAND = (sys.executable, "-m", "app.publications.child")
ROOT = Path(__file__).resolve().parents[2]
FILE_NAME = re.compile(r"[a-z]+(?:-\d+)?(?:\.[a-z0-9]+)?")
PIECE = 1024 * 1024


class ChildDiedError(Exception):
    """The child ended without an answer; ``code`` is the finding's."""

    def __init__(self, code: str, place: str) -> None:
        super().__init__(code, place)
        self.code = code
        self.place = place


class Child:
    """One process, with a folder of its own that goes with it."""

    def __init__(self, limits: Limits, scratch: Path | None, command: Sequence[str]) -> None:
        self._limits = limits
        self._home = Path(tempfile.mkdtemp(prefix="kaijuan-", dir=scratch))
        self._jobs, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._home,
                env=_environment(self._home),
                start_new_session=True,
            )
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._done = 0

    @property
    def is_spent(self) -> bool:
        """Whether it has seen so many books that it should be replaced, or is dead."""
        return self._done >= self._limits.books_per_child or self._process.poll() is not None

    def examine(self, descriptor: int, name: str, folder: Path) -> Examination:
        """Have an open file examined. Raises ChildDiedError; the child is of no more use then."""
        out = self._home / "out"
        deadline = time.monotonic() + self._limits.wall_seconds
        if not self._done:
            self._send(Beginning(self._limits, self._home, (ROOT / "app",)))
        self._done += 1
        self._send(Job(out, name), [descriptor])
        try:
            examination = msgspec.msgpack.decode(self._receive(deadline), type=Examination)
        except msgspec.MsgspecError as error:
            raise ChildDiedError("parser-died", "no answer") from error
        _move(out, folder, examination.files)
        return examination

    def close(self) -> None:
        """Kill the process and all it may have started, and remove its folder."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._jobs, self._answers):
            with suppress(OSError):
                stream.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _send(self, message: object, descriptors: Sequence[int] = ()) -> None:
        try:
            send(self._jobs, message, descriptors)
        except ConnectionError:
            raise self._death() from None

    def _receive(self, deadline: float) -> bytes:
        length = LENGTH.unpack(self._exactly(LENGTH.size, deadline))[0]
        if length > MOST:
            raise ChildDiedError("output-limit", f"{length} bytes")
        return self._exactly(length, deadline)

    def _exactly(self, length: int, deadline: float) -> bytes:
        """So many bytes of the child's answer, or ChildDiedError at the deadline."""
        data = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while len(data) < length:
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    raise ChildDiedError("timeout", f"{self._limits.wall_seconds:.0f} s")
                piece = os.read(self._answers.fileno(), min(PIECE, length - len(data)))
                if not piece:
                    raise self._death()
                data += piece
        return bytes(data)

    def _death(self) -> ChildDiedError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        status = self._process.returncode
        if status == -signal.SIGXCPU:
            return ChildDiedError("timeout", f"{self._limits.cpu_seconds} s CPU")
        if status == -signal.SIGXFSZ:
            return ChildDiedError("output-limit", "")
        if status == -signal.SIGKILL:
            return ChildDiedError("memory", "killed by the system")
        return ChildDiedError("parser-died", f"status {status}")


class Examiner:
    """A pool of children. Safe to use from several threads, each of which gets its own child.

    ``scratch`` is where the children's own folders are made: best on the file system of the output
    folders, so that files are moved and not copied.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        workers: int = 2,
        scratch: Path | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._limits = limits or Limits()
        self._scratch = scratch
        self._command = command
        self._idle: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def examine(self, path: Path, out_dir: Path, name: str | None = None) -> Examination:
        """Examine a file and leave its covers, text and copies in ``out_dir``.

        ``name`` is the file's name, where the path is not what its owner calls it.

        Waits for a free child. Never raises for what is in the file; raises OSError when the disk
        is full, for then the file should be examined again later.
        """
        try:
            file = path.open("rb")
        except OSError as error:
            return refusal(RefusedError("unreadable", error.strerror or ""))
        with file:
            examination = self._examine(file.fileno(), name or path.name, out_dir)
        if examination.findings and examination.findings[-1].code == "no-space":
            raise OSError(errno.ENOSPC, examination.findings[-1].place)
        return examination

    def _examine(self, descriptor: int, name: str, out_dir: Path) -> Examination:
        child = self._idle.get()
        try:
            if child is None or child.is_spent:
                if child:
                    child.close()
                child = None
                child = Child(self._limits, self._scratch, self._command)
            return child.examine(descriptor, name, out_dir)
        except ChildDiedError as death:
            if child:
                child.close()
            child = None
            return refusal(RefusedError(death.code, death.place))
        except BaseException:
            # An interrupted caller must not leave a child with an answer nobody has read.
            if child:
                child.close()
            child = None
            raise
        finally:
            self._idle.put(child)

    def close(self) -> None:
        """End all idle children; call it when no examination is under way."""
        idle = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for child in idle:
            if child:
                child.close()
            self._idle.put(None)


def _environment(home: Path) -> dict[str, str]:
    """What a child may know of its surroundings: nothing secret is in it."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "PYTHONNOUSERSITE": "1",
        "TMPDIR": str(home),
        "HOME": str(home),
        # More arenas would each reserve address space, of which the child has little.
        "MALLOC_ARENA_MAX": "1",
    }


def _move(out: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Take over the named files, which must be plain files of names we would give."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        written = out / name
        if not FILE_NAME.fullmatch(name) or written.is_symlink() or not written.is_file():
            raise ChildDiedError("parser-died", ascii(name))
        shutil.move(written, folder / name)
    shutil.rmtree(out, ignore_errors=True)
