"""Files that came before their jobs, whole or in parts."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from storage.database import Database, UtcDateTime, metadata
from storage.owners import OWNER_LENGTH


class UploadStatus(StrEnum):
    """`open → completing → complete`, back to `open` where parts were missing, and from each to `expired`."""

    OPEN = "open"
    """Parts arrive."""

    COMPLETING = "completing"
    """One request puts the parts together, and holds the upload meanwhile."""

    COMPLETE = "complete"
    """One object, of a known digest, which jobs may take copies of."""

    EXPIRED = "expired"
    """Its time has passed and its object is gone; the row is there to say so."""


# Whoever completes an upload and says nothing for so long is gone; another request may go on. One call to a store that
# is slow and repeated (storage.signing) says nothing for eight minutes.
HOLD = timedelta(minutes=10)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(OWNER_LENGTH), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("filename", sa.String(200), nullable=False),
    # as declared; held to when it is completed
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("object_key", sa.String(300), nullable=False),
    # of the object store's own multipart upload; none where the API takes the parts
    sa.Column("multipart_id", sa.String(1024)),
    sa.Column("part_bytes", sa.BigInteger, nullable=False),
    # the caller's, so that asking for the same upload again gets it
    sa.Column("idempotency_key", sa.String(255)),
    # which completion holds the upload, and until when
    sa.Column("completion", sa.Integer, nullable=False, server_default="0"),
    sa.Column("held_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index("ix_uploads_expires_at", "expires_at"),
    sa.UniqueConstraint("owner", "idempotency_key"),
)


@dataclass(frozen=True)
class StoredPart:
    """A part that has arrived: its number from 1, its bytes, and the store's tag for it."""

    number: int
    bytes: int
    tag: str = ""


@dataclass(frozen=True)
class Upload:
    """One file and how far it has come; sizes in bytes, `sha256` in hex."""

    id: str
    owner: str
    filename: str
    bytes: int
    part_bytes: int
    object_key: str
    created_at: datetime
    expires_at: datetime
    status: UploadStatus = UploadStatus.OPEN
    multipart_id: str | None = None
    idempotency_key: str | None = None
    sha256: str | None = None
    completion: int = 0
    held_until: datetime | None = None

    @property
    def part_count(self) -> int:
        return -(-self.bytes // self.part_bytes)

    def bytes_of_part(self, number: int) -> int:
        """How long a part has to be; all are equal but the last."""
        return min(self.part_bytes, self.bytes - (number - 1) * self.part_bytes)


def new_id() -> str:
    """An id that sorts by creation: 12 hex digits of milliseconds, then 80 random bits."""
    return f"upl_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def begin(
    database: Database, upload: Upload, admit: Callable[[sa.Connection], None] = lambda _connection: None
) -> bool:
    """Store a new upload; False where the owner's idempotency key has one already.

    `admit` is asked first, in the same transaction, and raises where there is no room for it.
    """
    try:
        with database.write() as connection:
            admit(connection)
            connection.execute(sa.insert(uploads).values(**asdict(upload)))
    except IntegrityError:
        return False
    return True


def get(database: Database, owner: str, upload_id: str) -> Upload | None:
    return _find(database, uploads.c.owner == owner, uploads.c.id == upload_id)


def with_key(database: Database, owner: str, key: str) -> Upload | None:
    """The upload that the owner began with an idempotency key."""
    return _find(database, uploads.c.owner == owner, uploads.c.idempotency_key == key)


def _find(database: Database, *conditions: sa.ColumnElement[bool]) -> Upload | None:
    with database.read() as connection:
        row = connection.execute(sa.select(uploads).where(*conditions)).one_or_none()
    return _from_row(row) if row else None


def hold(database: Database, upload: Upload) -> Upload | None:
    """Take an upload to complete it; None where another request has it, or it is complete or gone."""
    now = database.now()
    left = sa.and_(uploads.c.status == UploadStatus.COMPLETING, uploads.c.held_until < now)
    return _change(
        database,
        upload.id,
        sa.or_(uploads.c.status == UploadStatus.OPEN, left),
        uploads.c.expires_at > now,
        status=UploadStatus.COMPLETING,
        completion=uploads.c.completion + 1,
        held_until=now + HOLD,
    )


def renew(database: Database, held: Upload) -> bool:
    """Hold it for longer; False where it has been lost."""
    return _change(database, held.id, _is_held(held), held_until=database.now() + HOLD) is not None


def release(database: Database, held: Upload) -> bool:
    """Give it back: something is missing still."""
    return _change(database, held.id, _is_held(held), status=UploadStatus.OPEN, held_until=None) is not None


def complete(database: Database, held: Upload, sha256: str, kept: timedelta) -> Upload | None:
    """The complete upload, which stays for `kept` from now; None where it was lost, deleted or expired meanwhile."""
    return _change(
        database,
        held.id,
        _is_held(held),
        status=UploadStatus.COMPLETE,
        sha256=sha256,
        multipart_id=None,
        held_until=None,
        expires_at=database.now() + kept,
    )


def delete(database: Database, upload: Upload) -> bool:
    """Remove the record, in whichever status; its objects are the caller's to remove."""
    with database.write() as connection:
        return connection.execute(sa.delete(uploads).where(uploads.c.id == upload.id)).rowcount == 1


def delete_held(database: Database, held: Upload) -> bool:
    """Remove the record, as long as it is held; False where it has been lost, and what there is belongs to others."""
    with database.write() as connection:
        mine = sa.delete(uploads).where(uploads.c.id == held.id, _is_held(held))
        return connection.execute(mine).rowcount == 1


def expire_due(database: Database, limit: int = 100) -> Sequence[Upload]:
    """The uploads whose time has passed, expired now; their objects are the caller's to remove."""
    now = database.now()
    is_due = sa.and_(uploads.c.expires_at <= now, uploads.c.status != UploadStatus.EXPIRED)
    query = sa.select(uploads.c.id).where(is_due).order_by(uploads.c.expires_at).limit(limit)
    with database.read() as connection:
        ids = connection.execute(query).scalars().all()
    # its key may begin a new upload
    ended: dict[str, Any] = {"status": UploadStatus.EXPIRED, "idempotency_key": None, "held_until": None}
    expired = (_change(database, upload_id, is_due, **ended) for upload_id in ids)
    return [upload for upload in expired if upload]


def open_at_store(database: Database, after: str = "", limit: int = 100) -> Sequence[Upload]:
    """Open uploads whose parts go straight to the store, by their ids; those `after` one."""
    wanted = (
        uploads.c.status == UploadStatus.OPEN,
        uploads.c.multipart_id.is_not(None),
        uploads.c.id > after,
    )
    query = sa.select(uploads).where(*wanted).order_by(uploads.c.id).limit(limit)
    with database.read() as connection:
        return [_from_row(row) for row in connection.execute(query)]


def end(database: Database, upload: Upload) -> bool:
    """Expire an open upload before its time; False where it is not open any more."""
    ended: dict[str, Any] = {"status": UploadStatus.EXPIRED, "idempotency_key": None}
    return _change(database, upload.id, uploads.c.status == UploadStatus.OPEN, **ended) is not None


def forget(database: Database, kept: timedelta) -> int:
    """Delete the records of uploads that expired longer than `kept` ago; how many there were."""
    old = sa.and_(uploads.c.status == UploadStatus.EXPIRED, uploads.c.expires_at < database.now() - kept)
    with database.write() as connection:
        return connection.execute(sa.delete(uploads).where(old)).rowcount


def with_objects(database: Database, upload_ids: Sequence[str]) -> set[str]:
    """Those of the uploads that have a claim on what lies under their prefix."""
    found: set[str] = set()
    with database.read() as connection:
        for start in range(0, len(upload_ids), 500):
            some = uploads.c.id.in_(upload_ids[start : start + 500])
            query = sa.select(uploads.c.id).where(some, uploads.c.status != UploadStatus.EXPIRED)
            found.update(connection.execute(query).scalars())
    return found


def _is_held(held: Upload) -> sa.ColumnElement[bool]:
    return sa.and_(uploads.c.status == UploadStatus.COMPLETING, uploads.c.completion == held.completion)


def _change(
    database: Database, upload_id: str, *conditions: sa.ColumnElement[bool], **values: Any
) -> Upload | None:
    """The upload after the change; None where a condition did not hold."""
    with database.write() as connection:
        row = connection.execute(
            sa.update(uploads)
            .where(uploads.c.id == upload_id, *conditions)
            .values(**values)
            .returning(uploads)
        ).one_or_none()
    return _from_row(row) if row else None


def _from_row(row: sa.Row[Any]) -> Upload:
    values = dict(row._mapping)
    values["status"] = UploadStatus(values["status"])
    return Upload(**values)
