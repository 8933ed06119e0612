"""The whole schema, and its migrations to the newest version."""

from pathlib import Path

import structlog
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

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

log = structlog.get_logger(__name__)


def migrate(database: Database, revision: str = "head") -> bool:
    """Bring the database to the newest version; safe to call again.

    False where it is at a later version than this code knows, as after a way back: that stays as it is.
    """
    with database.write() as connection:
        config = _config()
        if _is_later(connection, config):
            log.warning("the database is at a later version than this code; left as it is")
            return False
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return True


def _is_later(connection: Connection, config: Config) -> bool:
    """Whether the database has been to a revision after our last; their numbers rise."""
    known = ScriptDirectory.from_config(config).get_current_head() or ""
    return any(found > known for found in MigrationContext.configure(connection).get_current_heads())


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
