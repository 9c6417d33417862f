"""Background work: a ledger in the database that is the queue, and its runner.

A change and the work it sets off are one transaction: ``enqueue(session, "uploads.validate",
submission_id=…)`` writes a row. Huey carries only "look" from process to process; with Huey away
workers poll. Nothing here knows what the jobs do.
"""

from app.jobs.intake import connect, enqueue, ring_after_commit

__all__ = ["connect", "enqueue", "ring_after_commit"]
