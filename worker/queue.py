"""The Celery app and its hints: a message only says that a row of the database may want attention."""

from datetime import timedelta
from typing import Any

from celery import Celery, beat, bootsteps, signals
from kombu.entity import Queue

from storage import logs, tracing
from storage.settings import StorageSettings
from storage.tracing import Kind
from worker.heartbeat import Heartbeat
from worker.settings import WorkerSettings, broker_address

JOBS_QUEUE = "jobs"
COURIER_QUEUE = "courier"

RUN_JOB = "rotomill.run_job"
DELIVER = "rotomill.deliver"
DELIVER_DUE = "rotomill.deliver_due"
RECOVER = "rotomill.recover"
SWEEP = "rotomill.sweep"

# Seconds. A lost worker is noticed within its lease and one of these; the first webhook retry is due after 5.
RECOVER_EVERY = 5.0
DELIVER_EVERY = 2.0
SWEEP_EVERY = 600.0

# A message says when it loses its worth by the sender's clock; the receiver's may be ahead.
CLOCK_SKEW_SECONDS = 60.0

# OpenTelemetry's names for what a hint is
SENDING = {
    "messaging.system": "celery",
    "messaging.operation.type": "send",
    "messaging.destination.name": JOBS_QUEUE,
}

# Until the recovery loop hints at a new job that nobody has claimed.
FIRST_HINT_LIFE = timedelta(seconds=30)


def create_app(worker: WorkerSettings, storage: StorageSettings) -> Celery:
    address, transport_options = broker_address(worker, storage)
    app = Celery("rotomill", broker=address, include=["worker.tasks"])
    app.conf.update(
        broker_transport_options=transport_options,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # a broker that is away for an hour is still our broker
        # a stale connection is tried once more; a broker that is away must not keep a caller waiting
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.05},
        task_ignore_result=True,  # the database has the outcome
        task_acks_late=False,  # leases recover jobs, so a message need not come twice
        worker_prefetch_multiplier=1,  # a waiting message should wait where an idle worker can take it
        worker_cancel_long_running_tasks_on_connection_loss=False,  # celery#7185
        worker_enable_remote_control=False,  # nobody asks; a solo broker need not carry it
        worker_hijack_root_logger=False,
        task_queues=[Queue(JOBS_QUEUE), Queue(COURIER_QUEUE)],
        task_default_queue=COURIER_QUEUE,
        task_routes={RUN_JOB: {"queue": JOBS_QUEUE}},
        beat_scheduler="worker.queue:Clock",
        beat_schedule={
            # while nobody takes them these messages must not pile up
            name: {"task": name, "schedule": every, "options": {"expires": every + CLOCK_SKEW_SECONDS}}
            for name, every in (
                (RECOVER, RECOVER_EVERY),
                (DELIVER_DUE, DELIVER_EVERY),
                (SWEEP, SWEEP_EVERY),
            )
        },
    )
    return app


settings = WorkerSettings()
storage_settings = StorageSettings()
app = create_app(settings, storage_settings)
heartbeat = Heartbeat(settings.heartbeat_file)


class SignOfLife(bootsteps.StartStopStep):  # type: ignore[misc] # untyped
    """The worker's part of the heartbeat: its event loop turns while it has a broker, and waits while it has none."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, consumer: Any) -> None:
        heartbeat.turn()
        self.timer = consumer.timer.call_repeatedly(1.0, heartbeat.turn)

    def stop(self, _consumer: Any) -> None:
        heartbeat.wait()


class Clock(beat.PersistentScheduler):  # type: ignore[misc] # untyped
    """Beat's own scheduler, with a heartbeat."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        heartbeat.turn()
        return super().tick(*args, **kwargs)

    def _ensure_connected(self) -> Any:
        heartbeat.wait()
        return super()._ensure_connected()


app.steps["consumer"].add(SignOfLife)


@signals.celeryd_init.connect
@signals.beat_init.connect
def _live(**_: Any) -> None:
    heartbeat.start()


def send_hint(job_id: str, *, until_next: timedelta = FIRST_HINT_LIFE) -> None:
    """Say that a job waits. Losing this message costs seconds, not the job.

    It loses its worth once the next hint at the same job has been sent, `until_next` from now.
    """
    with tracing.inner_span("send jobs", Kind.PRODUCER, attributes={"rotomill.job_id": job_id, **SENDING}):
        app.send_task(
            RUN_JOB,
            args=[job_id],
            queue=JOBS_QUEUE,
            expires=until_next.total_seconds() + CLOCK_SKEW_SECONDS,
        )


def send_delivery() -> None:
    """Say that some delivery is due."""
    app.send_task(DELIVER, queue=COURIER_QUEUE, expires=60)


def send_deliveries_due() -> None:
    """Say that some delivery has just become due."""
    app.send_task(DELIVER_DUE, queue=COURIER_QUEUE, expires=DELIVER_EVERY + CLOCK_SKEW_SECONDS)


@signals.setup_logging.connect
def _log_like_the_rest(**_: Any) -> None:
    logs.configure(as_json=settings.log_json, level=settings.log_level)


def check() -> None:
    """Raise if the broker cannot be reached."""
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=3)
