"""Engines of the faults' own, to be killed, stopped and filled, beside those that others use.

The command that ``KAIJUAN_TEST_ENGINES`` names starts them: a second home on other ports, which
borrows what the first one has installed.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from uuid import uuid4

POSTGRESQL, ELASTICSEARCH, S3, REDIS = NAMES = ("pg", "es", "s3", "redis")
PORTS = {POSTGRESQL: 25432, ELASTICSEARCH: 29200, S3: 28070, REDIS: 26379}
"""Below those that outgoing connections take while an engine is away (ip_local_port_range)."""
HOME = "/var/tmp/engines"  # noqa: S108  (the command's own default)
BORROWED = ("es/dist", "s3/bin")
"""What takes minutes to build and is only read, below the home of the engines that others use."""
_EXPORT = re.compile(r"export (\w+)=(.*)")


class Engines:
    """The four engines of this run."""

    def __init__(self, command: Path, home: Path | None = None) -> None:
        first = Path(os.environ.get("ENGINES_HOME", HOME))
        self.home = home or first.with_name(first.name + "-faults")
        self._command = command
        for part in BORROWED:
            _borrow(first / part, self.home / part)

    def start(self, *names: str, **options: str) -> None:
        """Starts what does not run, all four without a name; returns when each answers.

        On a busy machine the command may take for dead what has hardly begun: asked again, it
        finds it running.
        """
        self._run("install", *names)
        try:
            self._run("start", *names, **options)
        except AssertionError:
            self._run("start", *names, **options)

    def stop(self, *names: str) -> None:
        """Stops them in order, as an operator does."""
        self._run("stop", *names)

    def kill(self, name: str) -> None:
        """SIGKILL, for the engine and its children."""
        self._run("kill", name)

    def reset(self) -> None:
        """Stops whatever an earlier run has left, and wipes what it kept."""
        self._run("reset", *NAMES)

    def own(self, folder: Path) -> Path:
        """An empty folder there for PostgreSQL, which runs as the owner of its data."""
        made = folder / uuid4().hex
        made.mkdir(mode=0o700)
        owner = (self.home / POSTGRESQL / "data").stat()
        os.chown(made, owner.st_uid, owner.st_gid)
        return made

    def environ(self) -> dict[str, str]:
        """The variables by which an installation finds them."""
        lines = (_EXPORT.fullmatch(line) for line in self._run("env").splitlines())
        return {found[1]: shlex.split(found[2])[0] for found in lines if found}

    def _run(self, *arguments: str, **options: str) -> str:
        ports = {f"{name.upper()}_PORT": str(port) for name, port in PORTS.items()}
        environ = {**os.environ, "ES_HEAP": "512m", **ports, "ENGINES_HOME": str(self.home)}
        done = subprocess.run(
            [self._command, *arguments],
            env={**environ, **options},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout


def _borrow(installed: Path, wanted: Path) -> None:
    if installed.is_dir() and not wanted.exists():
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(installed)
