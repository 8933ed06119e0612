"""Whose turn it is: owners take turns, and each one's most urgent, then oldest job comes first.

An owner's turn comes before its jobs' priorities: a thousand jobs marked `high` delay another owner by one job.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.database import Database, UtcDateTime, metadata
from storage.jobs import Job, Status, jobs
from storage.owners import OWNER_LENGTH

turns = sa.Table(
    "owner_turns",
    metadata,
    sa.Column("owner", sa.String(OWNER_LENGTH), primary_key=True),
    # when a job of this owner was last claimed; who was served longest ago is next
    sa.Column("served_at", UtcDateTime, nullable=False),
)


def next_in_turn(connection: sa.Connection, database: Database) -> str | None:
    """The id of the waiting job whose turn it is, its row locked; None when none waits.

    On PostgreSQL a job that another worker is claiming just now is passed over, not waited for.
    """
    in_time = sa.or_(jobs.c.deadline_at.is_(None), jobs.c.deadline_at > database.now())
    query = (
        sa.select(jobs.c.id)
        .select_from(jobs.outerjoin(turns, turns.c.owner == jobs.c.owner))
        .where(jobs.c.status == Status.QUEUED, in_time)
        .order_by(turns.c.served_at.asc().nulls_first(), jobs.c.priority.desc(), jobs.c.id)
        .limit(1)
        .with_for_update(of=jobs, skip_locked=True)
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def note_served(connection: sa.Connection, database: Database, owner: str) -> None:
    """Put the owner at the end of the line."""
    now = database.now()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    served = insert(turns).values(owner=owner, served_at=now)
    connection.execute(served.on_conflict_do_update(index_elements=["owner"], set_={"served_at": now}))


def forget(database: Database, kept: timedelta) -> None:
    """Forget when owners were served longer than `kept` ago: whoever is unknown comes first."""
    with database.write() as connection:
        connection.execute(sa.delete(turns).where(turns.c.served_at < database.now() - kept))


def queue_position(database: Database, job: Job) -> int | None:
    """1 for the next job to be claimed; None when the job does not wait."""
    return queue_positions(database, [job]).get(job.id)


def queue_positions(database: Database, found: Sequence[Job]) -> dict[str, int]:
    """The positions of those that wait, by id, in two queries however many they are.

    With k of its owner's jobs before it, each other owner is served k times first, and once more where its
    turn comes earlier, as far as it has jobs.
    """
    asked = [job for job in found if job.status is Status.QUEUED]
    if not asked:
        return {}
    with database.read() as connection:
        before = connection.execute(_own_jobs_before(asked)).all()
        rows = connection.execute(_OWNERS_WAITING).all()
    line = [(owner, count, at.timestamp() if at else 0.0) for owner, count, at in rows]
    served = {owner: served_at for owner, _, served_at in line}
    positions = {}
    for job_id, own, owner in before:
        others = (min(n, own + (at < served[owner])) for name, n, at in line if name != owner)
        positions[job_id] = 1 + own + sum(others)
    return positions


_OWNERS_WAITING: sa.Select[Any] = (
    sa.select(jobs.c.owner, sa.func.count(), sa.func.max(turns.c.served_at, type_=UtcDateTime()))
    .select_from(jobs.outerjoin(turns, turns.c.owner == jobs.c.owner))
    .where(jobs.c.status == Status.QUEUED)
    .group_by(jobs.c.owner)
)


def _own_jobs_before(asked: Sequence[Job]) -> sa.Select[Any]:
    """For each of these jobs that still waits, how many of its owner's are to be claimed before it."""
    place = sa.func.row_number().over(
        partition_by=jobs.c.owner, order_by=(jobs.c.priority.desc(), jobs.c.id.asc())
    )
    owners = {job.owner for job in asked}
    waiting = (
        sa.select(jobs.c.id, (place - 1).label("before"), jobs.c.owner)
        .where(jobs.c.status == Status.QUEUED, jobs.c.owner.in_(owners))
        .subquery()
    )
    return sa.select(waiting.c.id, waiting.c.before, waiting.c.owner).where(
        waiting.c.id.in_([job.id for job in asked])
    )
