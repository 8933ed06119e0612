"""Whose turn it is: owners take turns, and each one's most urgent, then oldest job comes first.

An owner's turn comes before its jobs' priorities: a thousand jobs marked `high` delay another owner by one job.
"""

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


def queue_position(database: Database, job: Job) -> int | None:
    """1 for the next job to be claimed; None when the job does not wait.

    With k of its owner's jobs before it, each other owner is served k times first, and once more where its
    turn comes earlier, as far as it has jobs.
    """
    if job.status is not Status.QUEUED:
        return None
    waiting = jobs.c.status == Status.QUEUED
    sooner = sa.or_(
        jobs.c.priority > job.priority, sa.and_(jobs.c.priority == job.priority, jobs.c.id < job.id)
    )
    own = sa.select(sa.func.count()).where(waiting, jobs.c.owner == job.owner, sooner)
    served = sa.select(turns.c.owner, turns.c.served_at)
    others = sa.select(jobs.c.owner, sa.func.count()).where(waiting, jobs.c.owner != job.owner)
    with database.read() as connection:
        before: int = connection.execute(own).scalar_one()
        counts = connection.execute(others.group_by(jobs.c.owner)).all()
        served_at = {owner: at.timestamp() for owner, at in connection.execute(served)} if counts else {}
    mine = served_at.get(job.owner, 0.0)
    others_first = (min(count, before + (served_at.get(owner, 0.0) < mine)) for owner, count in counts)
    return 1 + before + int(sum(others_first))
