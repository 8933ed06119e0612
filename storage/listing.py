"""Lists of jobs, a page at a time."""

from collections.abc import Sequence

import sqlalchemy as sa

from storage.database import Database
from storage.jobs import Job, Status, from_row, jobs
from storage.searching import matches


def page(
    database: Database,
    *,
    owner: str | None = None,
    status: Status | None = None,
    search: str | None = None,
    refines: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Sequence[Job]:
    """Jobs (of one owner), newest first; `before` is the id of the last job of the page before."""
    query = sa.select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(jobs.c.owner == owner)
    if status is not None:
        query = query.where(jobs.c.status == status)
    if search is not None:
        query = query.where(matches(search))
    if refines is not None:
        query = query.where(jobs.c.refines == refines)
    if before is not None:
        query = query.where(jobs.c.id < before)
    with database.read() as connection:
        return [from_row(row) for row in connection.execute(query)]
