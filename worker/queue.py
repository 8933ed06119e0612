"""The Celery app and its hints: a message only says that a row of the database may want attention."""

from typing import Any

from celery import Celery, signals
from kombu.entity import Queue

from storage import logs
from storage.settings import StorageSettings
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


def create_app(worker: WorkerSettings, storage: StorageSettings) -> Celery:
    address, transport_options = broker_address(worker, storage)
    app = Celery("rotomill", broker=address, include=["worker.tasks"])
    app.conf.update(
        broker_transport_options=transport_options,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # a broker that is away for an hour is still our broker
        task_ignore_result=True,  # the database has the outcome
        task_acks_late=False,  # leases recover jobs, so a message need not come twice
        worker_prefetch_multiplier=1,  # a waiting message should wait where an idle worker can take it
        worker_cancel_long_running_tasks_on_connection_loss=False,  # celery#7185
        worker_enable_remote_control=False,  # nobody asks; a solo broker need not carry it
        worker_hijack_root_logger=False,
        task_queues=[Queue(JOBS_QUEUE), Queue(COURIER_QUEUE)],
        task_default_queue=COURIER_QUEUE,
        task_routes={RUN_JOB: {"queue": JOBS_QUEUE}},
        beat_schedule={
            # a message that was not taken before the next one is due has no worth
            name: {"task": name, "schedule": every, "options": {"expires": every}}
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


def send_hint(job_id: str) -> None:
    """Say that a job waits. Losing this message costs seconds, not the job."""
    app.send_task(RUN_JOB, args=[job_id], queue=JOBS_QUEUE)


def send_delivery(delivery_id: str) -> None:
    """Say that a delivery is due."""
    app.send_task(DELIVER, args=[delivery_id], queue=COURIER_QUEUE, expires=60)


def send_deliveries_due() -> None:
    """Say that some delivery has just become due."""
    app.send_task(DELIVER_DUE, queue=COURIER_QUEUE, expires=DELIVER_EVERY)


@signals.setup_logging.connect
def _log_like_the_rest(**_: Any) -> None:
    logs.configure(as_json=settings.log_json, level=settings.log_level)


def check() -> None:
    """Raise if the broker cannot be reached."""
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=3)
