"""The one way a job changes: a conditional UPDATE, its numbered event and its webhook, in one transaction."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage import deliveries, events
from storage.database import Database
from storage.jobs import TERMINAL, TRANSITIONS, Job, Status, from_row, jobs


def move(
    connection: sa.Connection,
    database: Database,
    job_id: str,
    to: Status,
    *conditions: sa.ColumnElement[bool],
    source: Status,
    **values: Any,
) -> Job | None:
    """Change the status from `source` to `to` if the conditions hold; None, and no change, if they do not."""
    assert to in TRANSITIONS[source], f"{source} may not become {to}"  # noqa: S101 — a programming error
    values |= _status_values(database, to)
    if to in TERMINAL:
        values["expires_at"] = _expiry(connection, database, job_id)
    return touch(
        connection,
        database,
        job_id,
        jobs.c.status == source,
        *conditions,
        event=events.type_of(to),
        status=to,
        **values,
    )


def touch(
    connection: sa.Connection,
    database: Database,
    job_id: str,
    *conditions: sa.ColumnElement[bool],
    event: str,
    **values: Any,
) -> Job | None:
    """Change a job if the conditions hold, and number, record and owe the event that tells of it."""
    change = (
        sa.update(jobs)
        .where(jobs.c.id == job_id, *conditions)
        .values(events=jobs.c.events + 1, **values)
        .returning(jobs)
    )
    row = connection.execute(change).one_or_none()
    if row is None:
        return None
    job = from_row(row)
    announce(connection, database, job, event)
    return job


def announce(connection: sa.Connection, database: Database, job: Job, event: str) -> None:
    events.append(connection, database, job, event)
    deliveries.owe(connection, database, job, event)


def _status_values(database: Database, to: Status) -> dict[str, Any]:
    """What a status implies for the other columns."""
    idle: dict[str, Any] = {"lease_expires_at": None, "worker": None, "stage": None, "eta_seconds": None}
    ended = {"finished_at": database.now()}
    match to:
        case Status.QUEUED:
            return idle | {
                "progress": 0.0,
                "queued_at": database.now(),
                "hints": 0,
                "next_hint_at": database.now(),
            }
        case Status.SUCCEEDED:
            return idle | {"progress": 1.0} | ended
        case Status.FAILED | Status.CANCELED:
            return idle | ended
        case _:
            return {}


def _expiry(connection: sa.Connection, database: Database, job_id: str) -> datetime | None:
    """When the files of a job that ends now are to go; how long they are kept was settled at its submission."""
    query = sa.select(jobs.c.kept_seconds).where(jobs.c.id == job_id)
    kept_seconds: int | None = connection.execute(query).scalar_one_or_none()
    return None if kept_seconds is None else database.now() + timedelta(seconds=kept_seconds)
