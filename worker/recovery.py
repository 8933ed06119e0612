"""The recovery loop: what was lost is found again, and what nobody refers to is swept away."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from storage import jobs, recovery, results, retention, turns
from storage.database import Database
from storage.keys import LIVE, NETWORKS, RESULTS, UPLOADS, job_of, network_object_key
from storage.objects import Objects
from worker import incoming, metrics, queue

log = structlog.get_logger(__name__)

# `uploads/{job}`, and `results/{job}/{attempt}`: what a lost worker left goes, though its job lives on
PARTS_OF_A_PREFIX = {UPLOADS: 2, RESULTS: 3}

# Who had no job for so long is served first when one comes, like a new owner.
TURNS_KEPT = timedelta(days=7)

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
                with _on_its_own(f"{prefix}/{job_id}"):
                    objects.delete_prefix(f"{prefix}/{job_id}")
    while retention.forget(database, records_kept):
        pass
    with _on_its_own("uploads"):
        incoming.expire(database, objects, records_kept=records_kept)


@contextmanager
def _on_its_own(what: str) -> Iterator[None]:
    """What cannot be removed must not keep the rest: it is tried again at the next sweep."""
    try:
        yield
    except Exception:
        log.exception("not swept", what=what)


def sweep(database: Database, objects: Objects, *, idle: timedelta, networks_kept: timedelta) -> None:
    """Remove objects that no job refers to, once they have not changed for `idle`."""
    with _on_its_own("orphans"):
        for prefix in sorted(orphans(database, objects, idle)):
            with _on_its_own(prefix):
                objects.delete_prefix(prefix)
                log.info("swept", prefix=prefix)
                metrics.PREFIXES_SWEPT.inc()
    with _on_its_own("oversized"):
        incoming.end_oversized(database, objects)
    with _on_its_own("incoming"):
        incoming.sweep(database, objects, idle=idle)
    with _on_its_own("networks"):
        oldest = database.now() - networks_kept
        old = {found.key for found in objects.list(NETWORKS) if found.changed_at < oldest}
        # asked after they were listed: a job that came meanwhile is told of
        awaited = {network_object_key(key) for key in jobs.networks_awaited(database)}
        objects.delete(sorted(old - awaited))
    turns.forget(database, TURNS_KEPT)


def orphans(database: Database, objects: Objects, idle: timedelta) -> set[str]:
    """Prefixes of uploads and attempts that no job has a claim on, and that have been left alone for `idle`."""
    newest: dict[str, float] = {}
    for key, changed_at in _objects_of_jobs(objects):
        prefix = _prefix_of(key)
        newest[prefix] = max(newest.get(prefix, 0.0), changed_at)
    before = database.now() - idle
    candidates = {
        prefix
        for prefix, changed_at in newest.items()
        if changed_at <= before.timestamp() and not _is_being_submitted(job_of(prefix), before)
    }
    ids = sorted({job_of(prefix) for prefix in candidates})
    for first in range(0, len(ids), ASKED_AT_ONCE):
        asked = ids[first : first + ASKED_AT_ONCE]
        candidates -= {f"{UPLOADS}/{job_id}" for job_id in jobs.with_files(database, asked)}
        candidates -= results.prefixes_in_use(database, asked)
    return candidates


def _prefix_of(key: str) -> str:
    """What goes at once: an upload, an attempt, or the pictures of it while it ran."""
    parts = key.split("/")
    count = PARTS_OF_A_PREFIX[parts[0]]
    return "/".join(parts[: count + (parts[count : count + 1] == [LIVE])])


def _is_being_submitted(job_id: str, before: datetime) -> bool:
    """Whether the job may yet get its record: a copy in a folder keeps the age of what it was copied from."""
    born_at = jobs.born_at(job_id)
    return born_at is not None and born_at > before


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
