"""Files that came before their jobs, whole or in parts."""

import sqlalchemy as sa

from storage.database import UtcDateTime, metadata
from storage.owners import OWNER_LENGTH

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(OWNER_LENGTH), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("filename", sa.String(200), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("object_key", sa.String(300), nullable=False),
    # of the object store's own multipart upload, while it goes on
    sa.Column("multipart_id", sa.String(1024)),
    sa.Column("part_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index("ix_uploads_expires_at", "expires_at"),
)
