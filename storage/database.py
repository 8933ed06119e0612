"""One engine for SQLite and PostgreSQL, with read and write transactions and an injected clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy import exc as sa_errors
from sqlalchemy.engine.interfaces import DBAPIConnection

from storage.errors import DatabaseUnavailableError

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Another process holds SQLite's write lock for milliseconds; thirty seconds means something is broken.
SQLITE_BUSY_TIMEOUT_MILLISECONDS = 30_000

# A database that does not take a connection for so long is away; a heartbeat must not wait longer.
CONNECT_TIMEOUT_SECONDS = 5


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A point in time, always UTC; SQLite has no time zones, so they are put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 — SQLAlchemy passes it
    ) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Database:
    """The job database: `with database.write() as connection:` is one transaction."""

    def __init__(self, address: str, clock: Callable[[], datetime] = utc_now) -> None:
        self.address = address
        self.now = clock
        self.engine = create_engine(address)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing. Raises DatabaseUnavailableError."""
        with _converted(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction, committed at the end of the block. Raises DatabaseUnavailableError."""
        # SQLite must take its write lock at BEGIN: a read that turns into a write later fails under load.
        with (
            _converted(),
            self.engine.connect().execution_options(takes_write_lock=True) as connection,
            connection.begin(),
        ):
            yield connection

    def check(self) -> None:
        """Raise if the database cannot be reached."""
        with self.read() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _converted() -> Iterator[None]:
    try:
        yield
    except (sa_errors.OperationalError, sa_errors.InterfaceError, sa_errors.TimeoutError) as error:
        raise DatabaseUnavailableError(f"{type(error).__name__}: {error}") from error


def create_engine(address: str) -> sa.Engine:
    url = sa.make_url(address)
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(
            url,
            pool_pre_ping=True,
            # the API answers from up to 40 threads; a worker uses two
            pool_size=10,
            max_overflow=30,
            pool_timeout=10,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "keepalives_idle": 30},
        )
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    driver: Any = connection  # sqlite3.Connection, whose own attribute the protocol does not name
    driver.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a 202 must survive a power cut, not only a crash
        f"busy_timeout={SQLITE_BUSY_TIMEOUT_MILLISECONDS}",
        "foreign_keys=ON",
    ):
        driver.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get("takes_write_lock", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
