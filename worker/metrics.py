"""What workers and couriers count and time. docs/operations.md says what each is for."""

# the first import: it decides whether prometheus_client keeps its values in files
from worker.exposition import FOLDER  # isort: skip
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from storage.deliveries import DeliveryStatus
from storage.jobs import TERMINAL, Job, Stage, Status

__all__ = ["FOLDER", "REGISTRY", "Counter"]

REGISTRY = CollectorRegistry()

# From a cached network on a GPU to the best preset on a long clip.
LONG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)
# From a claim by an idle worker to a queue of hours.
WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 14400)

STAGE_DURATION = Histogram(
    "rotomill_stage_duration_seconds",
    "How long stages took that were finished.",
    ["stage", "preset", "tier"],
    buckets=LONG,
    registry=REGISTRY,
)
JOB_DURATION = Histogram(
    "rotomill_job_duration_seconds",
    "From the submission of a job to its success.",
    ["preset"],
    buckets=LONG,
    registry=REGISTRY,
)
CLAIM_WAIT = Histogram(
    "rotomill_claim_wait_seconds",
    "From a job's (latest) queueing to its claim.",
    buckets=WAITS,
    registry=REGISTRY,
)
ATTEMPTS = Counter(
    "rotomill_attempts",
    "Attempts, by how they ended.",
    ["ending"],
    registry=REGISTRY,
)
JOBS_ENDED = Counter(
    "rotomill_jobs_ended",
    "Jobs that workers and recovery ended; `code` says why one failed.",
    ["status", "code"],
    registry=REGISTRY,
)
FRAMES = Counter("rotomill_frames_segmented", "Frames that were segmented.", registry=REGISTRY)
STEPS = Counter("rotomill_fine_tuning_steps", "Optimiser updates of fine-tuning.", registry=REGISTRY)
GPU_MEMORY = Gauge(
    "rotomill_gpu_memory_bytes",
    "Of the worker's GPU: what its tensors take, what it has reserved, and the device's free and total; 0 without one.",
    ["kind"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
RESIDENT_MEMORY = Gauge(
    "rotomill_worker_resident_memory_bytes",
    "Main memory of the process that does the work.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
DISK_FREE = Gauge(
    "rotomill_disk_free_bytes",
    "Free bytes where running jobs keep their files.",
    ["place"],
    multiprocess_mode="livemax",
    registry=REGISTRY,
)
DISK_SIZE = Gauge(
    "rotomill_disk_size_bytes",
    "Size of that disk.",
    ["place"],
    multiprocess_mode="livemax",
    registry=REGISTRY,
)
LOST_WORKERS = Counter("rotomill_workers_lost", "Leases that ran out under a worker.", registry=REGISTRY)
HINTS_REPEATED = Counter(
    "rotomill_hints_repeated", "Hints that the recovery loop sent again.", registry=REGISTRY
)
JOBS_EXPIRED = Counter(
    "rotomill_jobs_expired", "Jobs whose files were removed at their time.", registry=REGISTRY
)
PREFIXES_SWEPT = Counter(
    "rotomill_prefixes_swept", "Folders of objects that no job referred to.", registry=REGISTRY
)
DELIVERY_ATTEMPTS = Counter(
    "rotomill_delivery_attempts",
    "Attempts to deliver a webhook, by where the delivery stands after it.",
    ["outcome"],
    registry=REGISTRY,
)
DELIVERY_DURATION = Histogram(
    "rotomill_delivery_duration_seconds",
    "How long attempts to deliver a webhook took.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
    registry=REGISTRY,
)
TASKS = Counter("rotomill_tasks", "Celery tasks, by how they ended.", ["task", "state"], registry=REGISTRY)
TASK_DURATION = Histogram(
    "rotomill_task_duration_seconds",
    "How long Celery tasks took.",
    ["task"],
    buckets=LONG,
    registry=REGISTRY,
)
TASK_SUCCEEDED_AT = Gauge(
    "rotomill_task_last_success_timestamp_seconds",
    "When a Celery task last succeeded.",
    ["task"],
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)

ENDINGS = ("succeeded", "failed", "canceled", "handed_back", "stumbled", "lease_lost")
GPU_KINDS = ("allocated", "reserved", "free", "total")

# A rate sees the first event only where it has seen a 0 before.
for _ending in ENDINGS:
    ATTEMPTS.labels(_ending)
for _status in (Status.SUCCEEDED, Status.CANCELED):
    JOBS_ENDED.labels(_status.value, "")
for _code in ("internal_error", "worker_lost", "deadline_exceeded"):
    JOBS_ENDED.labels(Status.FAILED.value, _code)
for _outcome in DeliveryStatus:
    DELIVERY_ATTEMPTS.labels(_outcome.value)


def job_ended(job: Job) -> None:
    """Count a job that has just come to its end."""
    JOBS_ENDED.labels(job.status.value, job.error_code or "").inc()


def worker_lost(job: Job) -> None:
    """Count a worker whose job was taken from it, and the job where that was its end."""
    LOST_WORKERS.inc()
    if job.status in TERMINAL:
        job_ended(job)


def stage_ended(stage: Stage, seconds: float, *, preset: str, tier: str) -> None:
    STAGE_DURATION.labels(stage.value, preset, tier).observe(seconds)
