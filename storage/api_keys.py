"""API keys: what a caller proves itself with. Only a key's SHA-256 is stored."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from storage.database import Database, UtcDateTime, metadata
from storage.owners import OWNER_LENGTH

# `rm_` lets scanners of secrets find one that was published; 256 random bits follow
KEY: Final = re.compile(r"rm_[A-Za-z0-9_-]{43}")

OWNER: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@+-]{{0,{OWNER_LENGTH - 1}}}")

# Who asks once a second should not cost a write each time.
LAST_USED_EVERY: Final = timedelta(minutes=1)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(OWNER_LENGTH), nullable=False, index=True),
    sa.Column("name", sa.String(100), nullable=False),
    # a key has 256 random bits: nothing slower than SHA-256 would make it harder to guess
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
)


@dataclass(frozen=True)
class ApiKey:
    """A key as it is remembered. Its text was shown once, when it was made."""

    id: str
    owner: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


SHOWN = [column for column in api_keys.c if column.name != "sha256"]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def create(database: Database, owner: str, name: str = "") -> tuple[ApiKey, str]:
    """A new key of the owner and its text, which nobody can find out again. ValueError for a bad owner's name."""
    if not OWNER.fullmatch(owner):
        raise ValueError(
            f"An owner's name has 1 to {OWNER_LENGTH} letters, digits or ._@+-, a letter or digit first"
        )
    text = f"rm_{secrets.token_urlsafe(32)}"
    values = {
        "id": f"key_{secrets.token_hex(8)}",
        "owner": owner,
        "name": name[:100],
        "sha256": digest(text),
        "created_at": database.now(),
    }
    with database.write() as connection:
        row = connection.execute(sa.insert(api_keys).values(values).returning(*SHOWN)).one()
    return _from_row(row), text


def find(database: Database, text: str) -> ApiKey | None:
    """The key of this text, if it is one and not revoked."""
    if not KEY.fullmatch(text):
        return None
    query = sa.select(*SHOWN).where(api_keys.c.sha256 == digest(text), api_keys.c.revoked_at.is_(None))
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    return _from_row(row) if row else None


def note_used(database: Database, key: ApiKey) -> None:
    """Remember that the key was used now; at most once a minute."""
    now = database.now()
    before = now - LAST_USED_EVERY
    if key.last_used_at is not None and key.last_used_at > before:
        return
    stale = sa.or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= before)
    with database.write() as connection:
        connection.execute(sa.update(api_keys).where(api_keys.c.id == key.id, stale).values(last_used_at=now))


def revoke(database: Database, key_id: str) -> ApiKey | None:
    """The key, which opens nothing any more; None when there is none of that id."""
    change = (
        sa.update(api_keys)
        .where(api_keys.c.id == key_id)
        .values(revoked_at=sa.func.coalesce(api_keys.c.revoked_at, sa.literal(database.now(), UtcDateTime)))
        .returning(*SHOWN)
    )
    with database.write() as connection:
        row = connection.execute(change).one_or_none()
    return _from_row(row) if row else None


def all_of(database: Database, owner: str | None = None) -> Sequence[ApiKey]:
    """Every key (of one owner), oldest first, revoked ones included."""
    query = sa.select(*SHOWN).order_by(api_keys.c.created_at, api_keys.c.id)
    if owner is not None:
        query = query.where(api_keys.c.owner == owner)
    with database.read() as connection:
        return [_from_row(row) for row in connection.execute(query)]


def any_valid(database: Database) -> bool:
    """Whether anybody could call with a key."""
    query = sa.select(api_keys.c.id).where(api_keys.c.revoked_at.is_(None)).limit(1)
    with database.read() as connection:
        return connection.execute(query).first() is not None


def _from_row(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(**row._mapping)
