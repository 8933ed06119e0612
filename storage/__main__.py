"""`python -m storage migrate`: bring the database to the newest version."""

from typing import Annotated

import typer

from storage import schema
from storage.database import Database
from storage.settings import StorageSettings

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def migrate() -> None:
    """Bring the database to the newest version; safe to call again."""
    schema.migrate(Database(StorageSettings().database_address))
    typer.echo("The database is at the newest version.")


@app.command()
def revise(message: Annotated[str, typer.Argument(help="what changes, in a few words")]) -> None:
    """Write the next migration from the difference between the code and the database."""
    schema.revise(Database(StorageSettings().database_address), message)


if __name__ == "__main__":
    app()
