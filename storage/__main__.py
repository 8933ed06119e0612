"""`python -m storage migrate`: bring the database to the newest version, and make the bucket."""

import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from storage import schema
from storage.database import Database
from storage.objects import Objects
from storage.settings import StorageSettings

RETRY_SECONDS = 2.0

Answer = TypeVar("Answer")

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def migrate(
    wait: Annotated[float, typer.Option(help="seconds to wait for the database and the object store")] = 0.0,
) -> None:
    """Bring the database to the newest version and make the bucket where it is missing; safe to call again."""
    settings = StorageSettings()
    database = Database(settings.database_address)
    deadline = time.monotonic() + wait
    _once_reached("database", database.check, deadline)
    if schema.migrate(database):
        typer.echo("The database is at the newest version.")
    else:
        typer.echo("The database is at a later version than this code, and was left as it is.")
    if _once_reached("object store", Objects(settings.objects_address).prepare, deadline):
        typer.echo(f"Made the bucket of {settings.objects_address}.")


def _once_reached(name: str, ask: Callable[[], Answer], deadline: float) -> Answer:
    """The answer, once there is one; the last failure where the deadline passes first."""
    while True:
        try:
            return ask()
        except Exception as error:
            if time.monotonic() > deadline:
                raise
            reason = str(error).splitlines()[0]
            typer.echo(f"Waiting for the {name}: {reason}", err=True)
        time.sleep(RETRY_SECONDS)


@app.command()
def revise(message: Annotated[str, typer.Argument(help="what changes, in a few words")]) -> None:
    """Write the next migration from the difference between the code and the database."""
    schema.revise(Database(StorageSettings().database_address), message)


if __name__ == "__main__":
    app()
