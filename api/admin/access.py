"""How the commands reach the database, and how they end where something is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from storage import jobs
from storage.database import Database
from storage.errors import ObjectMissingError, UnavailableError
from storage.jobs import Job
from storage.settings import StorageSettings


@contextmanager
def opened() -> Iterator[Database]:
    """The installation's database; what goes wrong inside ends the command with one sentence and exit code 1."""
    database = Database(StorageSettings().database_address)
    try:
        yield database
    except UnavailableError as error:
        raise failed(f"The database cannot be used: {error}. Has `python -m storage migrate` run?") from error
    except ObjectMissingError as error:
        raise failed(f"A file that is needed is gone: {error}.") from error
    except ValueError as error:
        raise failed(f"{error}.") from error
    finally:
        database.close()


def existing(database: Database, job_id: str) -> Job:
    job = jobs.get(database, job_id)
    if job is None:
        raise failed(f"There is no job {job_id}.")
    return job


def failed(sentence: str) -> typer.Exit:
    """Say what is wrong; raise what comes back."""
    Console(stderr=True).print(sentence, style="red", soft_wrap=True, markup=False)
    return typer.Exit(1)
