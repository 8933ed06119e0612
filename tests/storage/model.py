"""The job state machine, written a second time and as plainly as it can be: what the database must do, by law.

Time is in seconds since the beginning. Each operation takes effect at once, one after the other.
"""

from dataclasses import dataclass, field

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELED = "queued", "running", "succeeded", "failed", "canceled"
ENDED = (SUCCEEDED, FAILED, CANCELED)

LEASE = 30.0
MAX_LOST_WORKERS = 3
FIRST_HINT_PATIENCE = 10.0
HINT_INTERVALS = (20.0, 40.0, 60.0)

LOST, GONE = "lease lost", "not there"


@dataclass
class Job:
    """What is known of one job. `told` holds its events in order, `owed` those that its webhook is to hear."""

    number: int
    owner: str
    priority: int
    webhook: tuple[str, ...] = ()
    deadline: float | None = None
    kept: int | None = None
    status: str = QUEUED
    attempt: int = 0
    lost_workers: int = 0
    cancel_requested: bool = False
    lease_until: float | None = None
    hints: int = 0
    next_hint: float | None = None
    expires: float | None = None
    expired: bool = False
    results: int = 0
    told: list[str] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)

    def tell(self, event: str) -> None:
        self.told.append(event)
        if event in self.webhook:
            self.owed.append(event)

    def become(self, status: str, now: float) -> None:
        self.status, self.lease_until = status, None
        if status == QUEUED:
            self.hints, self.next_hint = 0, now
        elif self.kept is not None:
            self.expires = now + self.kept
        self.tell(f"job.{status}")


@dataclass(frozen=True)
class Claim:
    """What a worker holds: which attempt at which job, and what it knew of the job when it claimed it."""

    number: int
    attempt: int
    lost_workers: int


@dataclass
class Model:
    """All jobs, by number, and when each owner was last served."""

    now: float = 0.0
    jobs: dict[int, Job] = field(default_factory=dict)
    served: dict[str, float] = field(default_factory=dict)

    # what callers do

    def submit(self, job: Job) -> None:
        job.next_hint = self.now + FIRST_HINT_PATIENCE
        self.jobs[job.number] = job
        job.tell("job.queued")

    def submit_known(self, job: Job) -> None:
        """A job that is answered at once with the result of an equal one."""
        self.jobs[job.number] = job
        job.results = 1
        job.become(SUCCEEDED, self.now)

    def request_cancel(self, number: int) -> str:
        job = self.jobs.get(number)
        if job is None:
            return GONE
        if job.status == QUEUED:
            job.become(CANCELED, self.now)
        elif job.status == RUNNING:
            job.cancel_requested = True
        return job.status

    def delete(self, number: int) -> bool:
        job = self.jobs.get(number)
        if job is None or job.status == RUNNING:
            return False
        del self.jobs[number]
        return True

    # what workers do

    def claim_next(self) -> Claim | None:
        waiting = [job for job in self.jobs.values() if self._waits(job)]
        if not waiting:
            return None
        return self.claim(min(waiting, key=self._turn).number)

    def claim(self, number: int) -> Claim | None:
        job = self.jobs.get(number)
        if job is None or not self._waits(job):
            return None
        job.status, job.lease_until, job.attempt = RUNNING, self.now + LEASE, job.attempt + 1
        job.tell("job.running")
        self.served[job.owner] = self.now
        return Claim(number, job.attempt, job.lost_workers)

    def _waits(self, job: Job) -> bool:
        return job.status == QUEUED and (job.deadline is None or job.deadline > self.now)

    def _turn(self, job: Job) -> tuple[float, int, int]:
        return self.served.get(job.owner, -1.0), -job.priority, job.number

    def beat(self, claim: Claim) -> bool | str:
        """Whether the caller wants to cancel."""
        job = self._owned(claim)
        if job is None:
            return LOST
        job.lease_until = self.now + LEASE
        return job.cancel_requested

    def report(self, claim: Claim) -> bool | str:
        job = self._owned(claim)
        if job is None:
            return LOST
        job.lease_until = self.now + LEASE
        job.tell("job.progress")
        return job.cancel_requested

    def succeed(self, claim: Claim) -> str:
        job = self._owned(claim)
        if job is not None:
            job.results = 1
        return self._end(claim, SUCCEEDED)

    def fail(self, claim: Claim) -> str:
        return self._end(claim, FAILED)

    def cancel(self, claim: Claim) -> str:
        return self._end(claim, CANCELED)

    def hand_back(self, claim: Claim) -> str:
        """The worker was told to stop. A cancel that it did not come to hear is carried out."""
        job = self._owned(claim)
        return self._end(claim, CANCELED if job is not None and job.cancel_requested else QUEUED)

    def stumble(self, claim: Claim) -> str:
        """A failure of ours: counts as a lost worker."""
        job = self._owned(claim)
        if job is not None:
            job.lost_workers = claim.lost_workers + 1
            if job.cancel_requested:
                return self._end(claim, CANCELED)
        return self._end(claim, FAILED if claim.lost_workers + 1 >= MAX_LOST_WORKERS else QUEUED)

    def _owned(self, claim: Claim) -> Job | None:
        job = self.jobs.get(claim.number)
        return job if job and job.status == RUNNING and job.attempt == claim.attempt else None

    def _end(self, claim: Claim, status: str) -> str:
        job = self._owned(claim)
        if job is not None:
            job.become(status, self.now)
            return status
        # said twice, since the first answer did not arrive
        found = self.jobs.get(claim.number)
        said_before = found is not None and found.attempt == claim.attempt and found.status == status
        return status if said_before else LOST

    # what the recovery loop does

    def lapsed(self) -> list[int]:
        """The jobs whose workers are silent."""
        return sorted(job.number for job in self.jobs.values() if self._has_lapsed(job))

    def expire_lease(self, number: int) -> bool:
        job = self.jobs.get(number)
        if job is None or not self._has_lapsed(job):
            return False
        job.lost_workers += 1
        if job.cancel_requested:
            job.become(CANCELED, self.now)
        else:
            job.become(FAILED if job.lost_workers >= MAX_LOST_WORKERS else QUEUED, self.now)
        return True

    def _has_lapsed(self, job: Job) -> bool:
        return job.status == RUNNING and job.lease_until is not None and job.lease_until < self.now

    def overdue(self) -> list[int]:
        return sorted(
            job.number
            for job in self.jobs.values()
            if job.status == QUEUED and job.deadline is not None and job.deadline <= self.now
        )

    def fail_overdue(self, number: int) -> bool:
        if number not in self.overdue():
            return False
        self.jobs[number].become(FAILED, self.now)
        return True

    def take_due_hints(self) -> list[int]:
        due = [
            job
            for job in sorted(self.jobs.values(), key=lambda job: job.number)
            if job.status == QUEUED and job.next_hint is not None and job.next_hint <= self.now
        ]
        for job in due:
            job.next_hint = self.now + HINT_INTERVALS[min(job.hints, len(HINT_INTERVALS) - 1)]
            job.hints += 1
        return [job.number for job in due]

    def expire_results(self) -> list[int]:
        """The jobs whose files go now."""
        due = [
            job
            for job in self.jobs.values()
            if job.status in ENDED and not job.expired and job.expires is not None and job.expires <= self.now
        ]
        for job in due:
            job.expired, job.results = True, 0
        return sorted(job.number for job in due)
