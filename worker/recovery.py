"""The recovery loop: what was lost is found again, and what nobody refers to is swept away."""

from collections.abc import Iterable
from datetime import timedelta

import structlog

from storage import jobs, recovery, results, retention
from storage.database import Database
from storage.keys import NETWORKS, RESULTS, UPLOADS, job_of
from storage.objects import Objects
from worker import incoming, metrics, queue

log = structlog.get_logger(__name__)

# `uploads/{job}`, and `results/{job}/{attempt}`: what a lost worker left goes, though its job lives on
PARTS_OF_A_PREFIX = {UPLOADS: 2, RESULTS: 3}

# A statement takes 32,766 values on SQLite.
ASKED_AT_ONCE = 1000


def recover(database: Database) -> None:
    """Take jobs from silent workers, fail overdue ones, and send the hints that are due."""
    for job in recovery.expire_leases(database):
        log.warning("worker lost", job_id=job.id, attempt=job.attempt, status=job.status.value)
        metrics.worker_lost(job)
    for job in recovery.fail_overdue(database):
        log.info("deadline passed in the queue", job_id=job.id)
        metrics.job_ended(job)
    for hint in recovery.take_due_hints(database):
        queue.send_hint(hint.job_id, until_next=hint.wait)
        metrics.HINTS_REPEATED.inc()


def expire(database: Database, objects: Objects, *, records_kept: timedelta) -> None:
    """Remove the files of jobs whose time has come, and the records of those that lost theirs long ago."""
    while expired := retention.expire_due(database):
        for job_id in expired:
            log.info("job expired", job_id=job_id)
            metrics.JOBS_EXPIRED.inc()
            for prefix in (UPLOADS, RESULTS):
                objects.delete_prefix(f"{prefix}/{job_id}")
    retention.forget(database, records_kept)
    incoming.expire(database, objects, records_kept=records_kept)


def sweep(database: Database, objects: Objects, *, idle: timedelta, networks_kept: timedelta) -> None:
    """Remove objects that no job refers to, once they have not changed for `idle`."""
    for prefix in sorted(orphans(database, objects, idle)):
        log.info("swept", prefix=prefix)
        metrics.PREFIXES_SWEPT.inc()
        objects.delete_prefix(prefix)
    incoming.sweep(database, objects, idle=idle)
    oldest = database.now() - networks_kept
    objects.delete([found.key for found in objects.list(NETWORKS) if found.changed_at < oldest])


def orphans(database: Database, objects: Objects, idle: timedelta) -> set[str]:
    """Prefixes of uploads and attempts that no job has a claim on, and that have been left alone for `idle`."""
    newest: dict[str, float] = {}
    for key, changed_at in _objects_of_jobs(objects):
        prefix = "/".join(key.split("/")[: PARTS_OF_A_PREFIX[key.split("/")[0]]])
        newest[prefix] = max(newest.get(prefix, 0.0), changed_at)
    before = (database.now() - idle).timestamp()
    candidates = {prefix for prefix, changed_at in newest.items() if changed_at <= before}
    ids = sorted({job_of(prefix) for prefix in candidates})
    for first in range(0, len(ids), ASKED_AT_ONCE):
        asked = ids[first : first + ASKED_AT_ONCE]
        candidates -= {f"{UPLOADS}/{job_id}" for job_id in jobs.with_files(database, asked)}
        candidates -= results.prefixes_in_use(database, asked)
    return candidates


def _objects_of_jobs(objects: Objects) -> Iterable[tuple[str, float]]:
    for prefix in (UPLOADS, RESULTS):
        for found in objects.list(prefix):
            yield found.key, found.changed_at.timestamp()
    for found in objects.staged():
        if found.key.split("/")[0] in {UPLOADS, RESULTS}:
            yield found.key, found.changed_at.timestamp()


def sweep_abandoned() -> None:
    """Sweep what an earlier run of the embedded service left behind; nobody else may be using the store."""
    storage = queue.storage_settings
    database, objects = Database(storage.database_address), Objects(storage.objects_address)
    kept = timedelta(days=queue.settings.network_cache_days)
    sweep(database, objects, idle=timedelta(0), networks_kept=kept)


if __name__ == "__main__":
    sweep_abandoned()
