"""``kaijuan jobs``: what works in the background, and what failed."""

from __future__ import annotations

import click
import msgspec

from app import config
from app.database import Database
from app.jobs import queries
from app.jobs.models import State
from app.terminal import json_option, refusals, show


def _database() -> Database:
    return Database(config.load().database_url)


@click.group()
def jobs() -> None:
    """Background work: list it, look at it, try it again."""


@jobs.command("list")
@click.option("--state", type=click.Choice(["waiting", "running", "done", "failed"]))
@json_option
def list_jobs(state: str | None, as_json: bool) -> None:
    """List jobs, the newest first."""
    with refusals():
        with _database().transaction(writes=False) as session:
            page = queries.list_jobs(session, state=State(state) if state else None, limit=200)
        lines = [f"{j.id}  {j.state:8} {j.attempts:>2} attempts  {j.kind}" for j in page.items]
        show(page, as_json, lambda: iter(lines or ["There are no jobs."]))


@jobs.command("show")
@click.argument("job_id")
@json_option
def show_job(job_id: str, as_json: bool) -> None:
    """Show one job with its last failure."""
    with refusals():
        with _database().transaction(writes=False) as session:
            job = queries.show_job(session, job_id)
        fields = msgspec.to_builtins(job)
        show(job, as_json, lambda: (f"{name}: {value}" for name, value in fields.items()))


@jobs.command("retry")
@click.argument("job_id")
@json_option
def retry_job(job_id: str, as_json: bool) -> None:
    """Let a failed job run again."""
    with refusals():
        with _database().transaction() as session:
            job = queries.retry_job(session, job_id)
        show(job, as_json, lambda: iter([f"{job.id} is {job.state} again."]))
