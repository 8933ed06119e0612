"""Owners, turns, priorities and expiry; API keys, webhook secrets and uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _extend_jobs()
    _own_idempotency_keys()
    _extend_deliveries()
    op.create_table(
        "owner_turns",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_owner_turns")),
    )
    op.create_table(
        "owner_days",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_owner_days")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_index(op.f("ix_api_keys_owner"), "api_keys", ["owner"])
    op.create_table(
        "webhook_secrets",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("owner", "number", name=op.f("pk_webhook_secrets")),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("object_key", sa.String(length=300), nullable=False),
        sa.Column("multipart_id", sa.String(length=1024), nullable=True),
        sa.Column("part_bytes", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("completion", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("owner", "idempotency_key", name=op.f("uq_uploads_owner_idempotency_key")),
    )
    op.create_index(op.f("ix_uploads_owner"), "uploads", ["owner"])
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])


def _extend_jobs() -> None:
    with op.batch_alter_table("jobs") as batch:
        # jobs of a time without keys belong to the keyless owner
        batch.add_column(sa.Column("owner", sa.String(length=64), nullable=False, server_default="local"))
        batch.add_column(sa.Column("priority", sa.SmallInteger(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("kept_seconds", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("stored_bytes", sa.BigInteger(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("trace", sa.String(length=64), nullable=True))
        batch.create_index("ix_jobs_status_owner_priority_id", ["status", "owner", "priority", "id"])
        batch.create_index("ix_jobs_owner_id", ["owner", "id"])
        batch.create_index("ix_jobs_owner_stored_bytes", ["owner", "stored_bytes"])
        batch.create_index("ix_jobs_expires_at", ["expires_at"])
        batch.create_index("ix_jobs_expired_at", ["expired_at"])


def _extend_deliveries() -> None:
    with op.batch_alter_table("deliveries") as batch:
        batch.add_column(sa.Column("owner", sa.String(length=64), nullable=False, server_default="local"))
        batch.add_column(sa.Column("receiver", sa.String(length=255), nullable=True))
        batch.create_index(
            "ix_deliveries_turns", ["status", "owner", "receiver", "next_attempt_at", "claimed_until"]
        )


def _own_idempotency_keys() -> None:
    """The key's owner joins the primary key: copied into a new table, since SQLite cannot alter that."""
    op.rename_table("idempotency_keys", "idempotency_keys_before")
    if op.get_bind().dialect.name == "postgresql":
        # there an index keeps its name when its table gets another
        op.execute("ALTER INDEX pk_idempotency_keys RENAME TO pk_idempotency_keys_before")
    op.create_table(
        "idempotency_keys",
        # an API of the version before, still running during an upgrade, names no owner
        sa.Column("owner", sa.String(length=64), nullable=False, server_default="local"),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("owner_token", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("job_id", sa.String(length=40), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency_keys")),
    )
    names = "key, owner_token, fingerprint, job_id, locked_until, created_at"
    op.execute(
        f"INSERT INTO idempotency_keys (owner, {names}) SELECT 'local', {names} FROM idempotency_keys_before"  # noqa: S608 — constants
    )
    op.drop_table("idempotency_keys_before")
