"""The workers that are there, and what each segments with. They say so themselves, again and again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from storage.database import Database, UtcDateTime, metadata

GREETING_SECONDS: Final = 60.0
"""How often a worker says that it is there."""

SILENT_SECONDS: Final = 3 * GREETING_SECONDS
"""After so long without a word, a worker is taken to be gone. Nothing but what is shown depends on it."""

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("tier", sa.String(32), nullable=False),
    sa.Column("device", sa.String(64), nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True)
class WorkerGroup:
    """So many workers segment with one tier on one kind of device."""

    tier: str
    device: str
    count: int


def greet(database: Database, name: str, *, tier: str, device: str) -> None:
    """Note that the worker of that name is there; forget those that were silent for long."""
    now = database.now()
    with database.write() as connection:
        silent = workers.c.seen_at < now - timedelta(seconds=SILENT_SECONDS)
        connection.execute(sa.delete(workers).where(silent | (workers.c.name == name)))
        connection.execute(sa.insert(workers).values(name=name, tier=tier, device=device, seen_at=now))


def present(database: Database) -> list[WorkerGroup]:
    """The workers that were heard of lately, by tier and device."""
    heard = workers.c.seen_at >= database.now() - timedelta(seconds=SILENT_SECONDS)
    query = (
        sa.select(workers.c.tier, workers.c.device, sa.func.count())
        .where(heard)
        .group_by(workers.c.tier, workers.c.device)
        .order_by(workers.c.tier, workers.c.device)
    )
    with database.read() as connection:
        return [WorkerGroup(*row) for row in connection.execute(query)]
