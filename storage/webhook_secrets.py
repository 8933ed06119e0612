"""What deliveries are signed with: a secret per owner, and for a while after a rotation the one before it."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from storage.database import Database, UtcDateTime, metadata
from storage.errors import TooManySecretsError
from storage.owners import OWNER_LENGTH

# Each makes every delivery's header longer; more than a few rotations within one overlap are a mistake.
MOST_VALID = 5

# Standard Webhooks asks for 24 to 64.
SECRET_BYTES = 32

webhook_secrets = sa.Table(
    "webhook_secrets",
    metadata,
    sa.Column("owner", sa.String(OWNER_LENGTH), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("secret", sa.String(128), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # until when it signs beside a newer one; none: it is the newest
    sa.Column("retires_at", UtcDateTime),
)


@dataclass(frozen=True)
class WebhookSecret:
    """One secret of an owner. The newest has the highest number, and no time at which it retires."""

    owner: str
    number: int
    secret: str
    created_at: datetime
    retires_at: datetime | None


def new_secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def valid(database: Database, owner: str) -> Sequence[WebhookSecret]:
    """The secrets that sign the owner's deliveries now, newest first. The first one is made at the first call."""
    with database.read() as connection:
        found = _valid(connection, database, owner)
    if found:
        return found
    try:
        with database.write() as connection:
            number = _next_number(connection, owner)
            found = _valid(connection, database, owner)
            return found or [_add(connection, database, owner, number, new_secret())]
    except IntegrityError:  # somebody else made it meanwhile
        with database.read() as connection:
            return _valid(connection, database, owner)


def rotate(database: Database, owner: str, *, overlap: timedelta) -> Sequence[WebhookSecret]:
    """The owner's secrets with a new one in front; the one before goes on to sign beside it for `overlap`.

    TooManySecretsError where several rotations overlap already.
    """
    valid(database, owner)  # so that whoever rotates first has something to rotate from
    try:
        with database.write() as connection:
            number = _next_number(connection, owner)
            if len(_valid(connection, database, owner)) >= MOST_VALID:
                raise TooManySecretsError(owner)
            _add(connection, database, owner, number, new_secret(), overlap)
            return _valid(connection, database, owner)
    except IntegrityError:  # somebody else rotates this second: theirs will do
        with database.read() as connection:
            return _valid(connection, database, owner)


def adopt(database: Database, owner: str, secret: str, *, overlap: timedelta) -> None:
    """Make this the owner's newest secret, unless it is known already, in use or retired.

    So a secret that comes from a setting rotates where the setting changes, once, however many processes have it.
    """
    known = sa.select(webhook_secrets.c.number).where(
        webhook_secrets.c.owner == owner, webhook_secrets.c.secret == secret
    )
    with database.read() as connection:
        if connection.execute(known).first():
            return
    # another process, with the same setting or another one, may take the next number first
    for _ in range(3):
        with suppress(IntegrityError), database.write() as connection:
            number = _next_number(connection, owner)
            if connection.execute(known).first() is None:
                _add(connection, database, owner, number, secret, overlap)
            return


def _next_number(connection: sa.Connection, owner: str) -> int:
    """The number that a new secret will have. Asked for before anything else is looked at: what others store
    after that has this number too, so that it is either seen by whoever looks, or met at the primary key.
    """
    newest = sa.select(sa.func.max(webhook_secrets.c.number)).where(webhook_secrets.c.owner == owner)
    return (connection.execute(newest).scalar_one() or 0) + 1


def _add(
    connection: sa.Connection,
    database: Database,
    owner: str,
    number: int,
    secret: str,
    overlap: timedelta = timedelta(0),
) -> WebhookSecret:
    """Store a secret under its number: of two that do so at once, the other meets the primary key."""
    now = database.now()
    mine = webhook_secrets.c.owner == owner
    connection.execute(
        sa.update(webhook_secrets)
        .where(mine, webhook_secrets.c.retires_at.is_(None))
        .values(retires_at=now + overlap)
    )
    row = connection.execute(
        sa.insert(webhook_secrets)
        .values(owner=owner, number=number, secret=secret, created_at=now)
        .returning(webhook_secrets)
    ).one()
    return _from_row(row)


def _valid(connection: sa.Connection, database: Database, owner: str) -> Sequence[WebhookSecret]:
    retires_at = webhook_secrets.c.retires_at
    query = (
        sa.select(webhook_secrets)
        .where(webhook_secrets.c.owner == owner, retires_at.is_(None) | (retires_at > database.now()))
        .order_by(webhook_secrets.c.number.desc())
    )
    return [_from_row(row) for row in connection.execute(query)]


def _from_row(row: sa.Row[Any]) -> WebhookSecret:
    return WebhookSecret(**row._mapping)
