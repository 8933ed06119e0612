"""The first API key of a service that is yet to be started."""

from pathlib import Path

from storage import api_keys, schema
from storage.database import Database


def first_key(data: Path, owner: str = "studio") -> str:
    """Make the database of the service with this data folder, and a key in it."""
    data.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{data / 'rotomill.db'}")
    schema.migrate(database)
    _, made = api_keys.create(database, owner)
    database.close()
    return made
