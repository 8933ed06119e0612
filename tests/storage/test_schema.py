from pathlib import Path

from storage import schema
from storage.database import Database


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    assert schema.difference(database) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    schema.migrate(database)
    assert schema.difference(database) == []


def test_a_database_is_made_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'jobs.db'}")
    schema.migrate(database)
    database.check()
