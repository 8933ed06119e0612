"""The whole schema, and its migrations to the newest version."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from storage import (  # noqa: F401 — they register their tables
    api_keys,
    deliveries,
    events,
    idempotency,
    jobs,
    results,
    turns,
    uploads,
    usage,
    webhook_secrets,
    workers,
)
from storage.database import Database, metadata

__all__ = ["difference", "metadata", "migrate", "revise"]


def migrate(database: Database) -> None:
    """Bring the database to the newest version; safe to call again."""
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def difference(database: Database) -> list[object]:
    """What the migrated database lacks or has too much of, against the tables in the code."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def revise(database: Database, message: str) -> None:
    """Write the next migration from the difference (for developers)."""
    with database.read() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
