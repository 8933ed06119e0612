"""`python -m api.admin`: what operators do, straight in the database."""

from dataclasses import asdict

import typer

from api.admin import jobs, keys, report
from api.admin.access import opened
from api.admin.report import Json
from storage import logs
from storage import workers as present_workers

app = typer.Typer(
    help="What operators of Rotomill do, straight in its database.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(keys.app, name="keys")
app.add_typer(jobs.app, name="jobs")


@app.callback()
def prepare() -> None:
    """What operators of Rotomill do, straight in its database."""
    logs.configure(level="WARNING")


@app.command()
def workers(as_json: Json = False) -> None:
    """Show the workers that are there: how many segment with which tier on what."""
    with opened() as database:
        groups = present_workers.present(database)
    report.write([asdict(group) for group in groups], ("count", "tier", "device"), as_json=as_json)


if __name__ == "__main__":
    app(prog_name="rotomill admin")
