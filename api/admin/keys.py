"""API keys: make, list, revoke."""

from typing import Annotated

import typer
from rich.console import Console

from api.admin import report
from api.admin.access import failed, opened
from api.admin.report import Json
from api.keyring import REMEMBERED_SECONDS
from storage import api_keys

app = typer.Typer(help="API keys of callers.", no_args_is_help=True)

COLUMNS = ("id", "owner", "name", "created_at", "last_used_at", "revoked_at")


@app.command()
def create(
    owner: Annotated[str, typer.Argument(help="Whose jobs it opens. Several keys may share an owner.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    as_json: Json = False,
) -> None:
    """Make a key, and print it: it is shown this once."""
    with opened() as database:
        key, text = api_keys.create(database, owner, name)
    if as_json:
        report.write_one(vars(key) | {"key": text}, as_json=True)
        return
    print(text)
    Console(stderr=True).print(
        f"The key {key.id} of {key.owner}. Only its hash is stored: keep it now.",
        highlight=False,
        soft_wrap=True,
    )


@app.command("list")
def list_(
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None, as_json: Json = False
) -> None:
    """List all keys, revoked ones too."""
    with opened() as database:
        found = api_keys.all_of(database, owner)
    report.write([vars(key) for key in found], COLUMNS, as_json=as_json)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")]) -> None:
    """Revoke a key; what is its owner's stays."""
    with opened() as database:
        key = api_keys.revoke(database, key_id)
    if key is None:
        raise failed(f"There is no key {key_id}; `keys list` shows those there are.")
    print(
        f"The key {key.id} of {key.owner} opens nothing any more, in {REMEMBERED_SECONDS:.0f} s at the latest."
    )
