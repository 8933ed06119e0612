"""Corrections of a job, and words to find a job by."""

import json
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A job's JSON may be some kilobytes.
BATCH = 500


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch:
        batch.add_column(sa.Column("refines", sa.String(length=40), nullable=True))
        batch.add_column(sa.Column("starts_from", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("searchable", sa.Text(), nullable=False, server_default=""))
        batch.create_index("ix_jobs_refines", ["refines"])
        batch.create_index("ix_jobs_starts_from", ["starts_from"])
    _make_searchable()


def _make_searchable() -> None:
    """The words of the jobs that are there already."""
    connection = op.get_bind()
    jobs = sa.table("jobs", *(sa.column(name) for name in ("id", "video", "options", "searchable")))
    last = ""
    while True:
        query = sa.select(jobs.c.id, jobs.c.video, jobs.c.options).where(jobs.c.id > last)
        rows = connection.execute(query.order_by(jobs.c.id).limit(BATCH)).all()
        if not rows:
            return
        for row in rows:
            video, options = (json.loads(value) if isinstance(value, str) else value for value in row[1:])
            words = [video.get("filename", ""), *options.get("metadata", {}).values()]
            text = "\n".join(word for word in words if word).lower()
            # what JSON may hold and no database takes as text
            text = text.replace("\0", "").encode(errors="ignore").decode()
            text = unicodedata.normalize("NFC", text)
            connection.execute(sa.update(jobs).where(jobs.c.id == row.id).values(searchable=text))
        last = rows[-1].id
