"""What is left after the storm, counted: it must be what the callers were promised."""

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import boto3
import sqlalchemy as sa
from botocore.exceptions import ClientError

from storage import events, jobs, results
from storage.deliveries import DeliveryStatus, deliveries
from storage.jobs import TERMINAL, Job, Status
from storage.keys import RESULTS, UPLOADS, attempt_prefix
from tests.faults.clients import Accepted, Clients
from tests.faults.faults import Loss
from tests.faults.process_tree import strays
from tests.faults.receiver import Receiver
from tests.faults.stack import Stack
from tests.services.s3 import BUCKET
from tests.services.server import ROOT

ENDS = {events.type_of(status) for status in TERMINAL}


@dataclass
class Findings:
    """The figures of a campaign. Each list holds what should not be there, a line each."""

    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    deleted: int = 0
    attempts: int = 0
    events_owed: int = 0
    lost: list[str] = field(default_factory=list)
    two_outcomes: list[str] = field(default_factory=list)
    made_twice: list[str] = field(default_factory=list)
    events_missing: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    broken_results: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    again_seconds: list[float] = field(default_factory=list)

    @property
    def failures(self) -> dict[str, list[str]]:
        return {
            "accepted jobs lost": self.lost,
            "jobs with two outcomes": self.two_outcomes,
            "requests that made two jobs": self.made_twice,
            "webhook events missing": self.events_missing,
            "orphan objects": self.orphans,
            "results missing or changed": self.broken_results,
            "processes left behind": self.strays,
            "answers that no caller should get": self.complaints,
        }

    @property
    def again_median(self) -> float:
        return median(self.again_seconds) if self.again_seconds else 0.0


def unsettled(stack: Stack) -> int:
    """How many jobs have not ended, and deliveries are still owed."""
    with stack.database.read() as connection:
        waiting = sa.select(sa.func.count()).where(jobs.jobs.c.status.in_([Status.QUEUED, Status.RUNNING]))
        owed = sa.select(sa.func.count()).where(deliveries.c.status == DeliveryStatus.PENDING)
        return connection.execute(waiting).scalar_one() + connection.execute(owed).scalar_one()


def sweep(stack: Stack) -> None:
    """One pass, which takes what nobody refers to however new it is."""
    subprocess.run(
        [sys.executable, "-m", "worker.recovery"],
        cwd=ROOT,
        env={**os.environ, **stack.environment},
        check=True,
        capture_output=True,
    )


def audit(stack: Stack, clients: Clients, receiver: Receiver, losses: Sequence[Loss]) -> Findings:
    """Look at everything, once nothing moves any more and the sweep has passed."""
    found = Findings(complaints=list(clients.complaints))
    if receiver.forged:
        found.complaints.append(f"{receiver.forged} webhooks with a wrong signature")
    stored = {job.id: job for job in _all_jobs(stack)}
    told = _events(stack)
    made = _results(stack)
    for accepted in clients.accepted:
        _check_accepted(found, accepted, stored.get(accepted.job_id), receiver)
    for job in stored.values():
        _check_outcome(found, job, told[job.id], made.get(job.id, []), receiver)
        _check_webhooks(found, job, told[job.id], receiver)
        _check_results(found, stack, job, made.get(job.id, []))
    keys = Counter(job.options["metadata"].get("key") for job in stored.values())
    found.made_twice = [f"{key}: {number} jobs" for key, number in keys.items() if number > 1]
    found.orphans = _orphans(stack, stored, made)
    roots = [server.pid for server in stack.servers.values()]
    found.strays = strays(stack.environment["ROTOMILL_DATA_DIR"], roots)
    found.again_seconds = _again(stack, losses)
    return found


def _check_accepted(found: Findings, accepted: Accepted, job: Job | None, receiver: Receiver) -> None:
    if accepted.deleted:
        found.deleted += 1
        if job is not None:
            found.lost.append(f"{accepted.job_id}: deleted, and still there")
        if len(receiver.ends_heard(accepted.job_id)) != 1:
            found.events_missing.append(
                f"{accepted.job_id}: deleted; heard {receiver.heard[accepted.job_id]}"
            )
    elif job is None:
        found.lost.append(f"{accepted.job_id}: no record")
    elif job.status not in TERMINAL:
        found.lost.append(f"{job.id}: still {job.status}, attempt {job.attempt}")


def _check_outcome(
    found: Findings, job: Job, told: Sequence[str], made: Sequence[results.Result], receiver: Receiver
) -> None:
    found.statuses[job.status] += 1
    found.attempts += job.attempt
    if job.error_code:
        found.errors[job.error_code] += 1
    ends = [event for event in told if event in ENDS]
    if job.status in TERMINAL and ends != [told[-1]]:
        found.two_outcomes.append(f"{job.id}: {list(told)}")
    if len(receiver.ends_heard(job.id)) > 1:
        found.two_outcomes.append(f"{job.id}: the receiver heard {receiver.ends_heard(job.id)}")
    prefix = attempt_prefix(job.id, 0 if job.cached else job.attempt)
    if job.status is Status.SUCCEEDED:
        strangers = [result.object_key for result in made if not result.object_key.startswith(f"{prefix}/")]
    else:
        strangers = [result.object_key for result in made]
    if strangers:
        found.two_outcomes.append(f"{job.id}: {job.status}, attempt {job.attempt}, but has {strangers}")


def _check_webhooks(found: Findings, job: Job, told: Sequence[str], receiver: Receiver) -> None:
    for event in job.options["webhook"]["events"]:
        owed = told.count(event)
        heard = len(receiver.heard[job.id][event])
        found.events_owed += owed
        if heard != owed:
            found.events_missing.append(f"{job.id}: {owed} {event}, heard {heard}")


def _check_results(found: Findings, stack: Stack, job: Job, made: Sequence[results.Result]) -> None:
    if job.status is Status.SUCCEEDED and not made:
        found.broken_results.append(f"{job.id}: succeeded without results")
    for result in made:
        try:
            with stack.objects.open(result.object_key) as file:
                content = file.read()
        except Exception as error:
            found.broken_results.append(f"{result.object_key}: {error!r}")
            continue
        if hashlib.sha256(content).hexdigest() != result.sha256:
            found.broken_results.append(f"{result.object_key}: not what was recorded")


def _orphans(stack: Stack, stored: dict[str, Job], made: dict[str, list[results.Result]]) -> list[str]:
    """Objects that no record names, and uploads that were begun and neither ended nor given up."""
    named = {result.object_key for found in made.values() for result in found}
    for job in stored.values():
        named |= {job.video.key, *(mask.key for mask in job.masks)}
    orphans = [
        found.key
        for prefix in (UPLOADS, RESULTS)
        for found in stack.objects.list(prefix)
        if found.key not in named
    ]
    return orphans + [f"{upload['Key']} (unfinished)" for upload in unfinished_uploads(stack)]


def unfinished_uploads(stack: Stack) -> list[dict[str, Any]]:
    client = boto3.client("s3", endpoint_url=stack.environment["AWS_ENDPOINT_URL"])
    try:
        listed: list[dict[str, Any]] = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    except ClientError as error:
        # rclone's word for none
        if error.response["Error"]["Code"] != "NoSuchUpload":
            raise
        return []
    return listed


def _all_jobs(stack: Stack) -> list[Job]:
    with stack.database.read() as connection:
        return [jobs.from_row(row) for row in connection.execute(sa.select(jobs.jobs))]


def _events(stack: Stack) -> dict[str, list[str]]:
    """The types of each job's events, in order."""
    query = sa.select(events.events.c.job_id, events.events.c.type).order_by(
        events.events.c.job_id, events.events.c.number
    )
    found: dict[str, list[str]] = defaultdict(list)
    with stack.database.read() as connection:
        for job_id, kind in connection.execute(query):
            found[job_id].append(kind)
    return found


def _results(stack: Stack) -> dict[str, list[results.Result]]:
    with stack.database.read() as connection:
        ids = connection.execute(sa.select(results.results.c.job_id).distinct()).scalars().all()
        return {job_id: list(results.select(connection, job_id)) for job_id in ids}


def _again(stack: Stack, losses: Sequence[Loss]) -> list[float]:
    """Seconds from each loss until the next attempt ran. A job that ended instead, or was deleted, has none."""
    query = sa.select(events.events.c.snapshot, events.events.c.at).where(
        events.events.c.type == events.type_of(Status.RUNNING)
    )
    found = []
    with stack.database.read() as connection:
        for loss in losses:
            for snapshot, at in connection.execute(query.where(events.events.c.job_id == loss.job_id)):
                if snapshot["attempt"] == loss.attempt + 1:
                    found.append((at - loss.at).total_seconds())
    return sorted(found)
