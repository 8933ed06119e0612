from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import schema
from storage.database import Database
from tests.services.cluster import Cluster

# as a service of the version before owners and keys left them
ROWS_OF_0002 = (
    """INSERT INTO jobs (id, status, progress, attempt, lost_workers, cancel_requested, hints, options, clip, objects,
         video, masks, results_key, network_key, cached, timings, events, created_at)
       VALUES ('job_1', 'succeeded', 1, 2, 1, FALSE, 3, '{"preset": "fast"}', '{"frames": 12}', 1,
         '{"filename": "Shot-12.MP4"}', '[]', 'results', 'network', FALSE, '{}', 4, '2026-01-02 03:04:05')""",
    """INSERT INTO idempotency_keys (key, owner_token, fingerprint, job_id, locked_until, created_at)
       VALUES ('shot-12', 'token', 'print', 'job_1', '2026-01-02 03:04:05', '2026-01-02 03:04:05')""",
    """INSERT INTO deliveries (id, job_id, number, event, url, body, status, attempts, tries, created_at)
       VALUES ('msg_1', 'job_1', 1, 'job.succeeded', 'https://example.com/hook', '{}', 'pending', '[]', 0,
         '2026-01-02 03:04:05')""",
)


@pytest.fixture
def before(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if database_kind == "sqlite":
        found = Database(f"sqlite:///{tmp_path / 'before.db'}")
        yield found
        found.close()
        return
    cluster: Cluster = request.getfixturevalue("postgresql_cluster")
    cluster.connection.execute("CREATE DATABASE before")
    found = Database(
        sa.make_url(cluster.address).set(database="before").render_as_string(hide_password=False)
    )
    yield found
    found.close()
    cluster.connection.execute("DROP DATABASE before")


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    assert schema.difference(database) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert schema.migrate(database)
    assert schema.difference(database) == []


def test_what_was_recorded_before_there_were_owners_is_kept(before: Database) -> None:
    schema.migrate(before, "0002")
    with before.write() as connection:
        for insertion in ROWS_OF_0002:
            # no text(): it would read the colons of the JSON as parameters
            connection.exec_driver_sql(insertion)
        kept = {
            table: dict(connection.exec_driver_sql(f"SELECT * FROM {table}").mappings().one())
            for table in ("jobs", "idempotency_keys", "deliveries")
        }
    schema.migrate(before)
    assert schema.difference(before) == []
    with before.read() as connection:
        for table, was in kept.items():
            row = dict(connection.exec_driver_sql(f"SELECT * FROM {table}").mappings().one())
            assert row.items() >= was.items()
            assert row["owner"] == "local"
        assert connection.exec_driver_sql("SELECT searchable FROM jobs").scalar_one() == "shot-12.mp4"


def test_a_database_of_a_later_version_is_left_as_it_is(before: Database) -> None:
    schema.migrate(before)
    with before.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert not schema.migrate(before)
    with before.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "9999"
    assert schema.difference(before) == []


def test_a_database_is_made_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'jobs.db'}")
    schema.migrate(database)
    database.check()
