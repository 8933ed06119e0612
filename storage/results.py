"""The files a succeeded job has to give."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from storage.database import Database, metadata
from storage.jobs import Status, jobs
from storage.keys import attempt_prefix, live_prefix

results = sa.Table(
    "job_results",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("object_key", sa.String(300), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("media_type", sa.String(64), nullable=False),
)


@dataclass(frozen=True)
class Result:
    """A stored result: its public name, where it lies, its size in bytes, SHA-256 (hex) and media type."""

    name: str
    object_key: str
    bytes: int
    sha256: str
    media_type: str


def insert(connection: sa.Connection, job_id: str, found: Sequence[Result]) -> None:
    if found:
        connection.execute(sa.insert(results), [{"job_id": job_id, **vars(result)} for result in found])


def of(database: Database, job_id: str) -> Sequence[Result]:
    with database.read() as connection:
        return select(connection, job_id)


def select(connection: sa.Connection, job_id: str) -> Sequence[Result]:
    columns = (
        results.c.name,
        results.c.object_key,
        results.c.bytes,
        results.c.sha256,
        results.c.media_type,
    )
    query = sa.select(*columns).where(results.c.job_id == job_id).order_by(results.c.name)
    return [Result(*row) for row in connection.execute(query)]


def prefixes_in_use(database: Database, job_ids: Collection[str]) -> set[str]:
    """Of these jobs, the prefixes of attempts whose files are results, or may still become results.

    Pictures of running attempts have a prefix of their own: where one has succeeded, its results stay without them.
    """
    named = sa.select(results.c.object_key).where(results.c.job_id.in_(job_ids))
    running = sa.select(jobs.c.id, jobs.c.attempt).where(
        jobs.c.id.in_(job_ids), jobs.c.status == Status.RUNNING
    )
    with database.read() as connection:
        found = {key.rsplit("/", 1)[0] for key in connection.execute(named).scalars()}
        attempts = connection.execute(running).all()
    return found | {prefix(*row) for row in attempts for prefix in (attempt_prefix, live_prefix)}
