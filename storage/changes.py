"""The one way a job changes: a conditional UPDATE, its numbered event and its webhook, in one transaction."""

from typing import Any

import sqlalchemy as sa

from storage import deliveries, events
from storage.database import Database
from storage.jobs import TRANSITIONS, Job, Status, from_row, jobs


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
    match to:
        case Status.QUEUED:
            return idle | {"progress": 0.0, "next_hint_at": database.now()}
        case Status.SUCCEEDED:
            return idle | {"progress": 1.0, "finished_at": database.now()}
        case Status.FAILED | Status.CANCELED:
            return idle | {"finished_at": database.now()}
        case _:
            return {}
