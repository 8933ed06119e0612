"""API keys: what a caller proves itself with. Only a key's SHA-256 is stored."""

import sqlalchemy as sa

from storage.database import UtcDateTime, metadata
from storage.owners import OWNER_LENGTH

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
