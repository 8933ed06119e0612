"""Alembic's entry: runs the migrations on the connection that `storage.schema` hands it."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from storage.database import UtcDateTime
from storage.schema import metadata


def render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """A migration must not depend on code that changes: write our type as the plain one it is stored as."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
# SQLite alters a table by copying it, which Alembic calls a batch
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, render_item=render)
with context.begin_transaction():
    context.run_migrations()
