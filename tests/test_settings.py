"""docs/settings.md lists every setting, as the code has it. `python -m tests.test_settings` rewrites it."""

from pathlib import Path

from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from storage.settings import StorageSettings
from worker.settings import WorkerSettings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

HEAD = """# Settings

Every setting is an environment variable, read once when a process starts; a `.env` file in the working folder
is read too. All have a default with which everything runs on one machine and needs no other server.

Object stores other than a local folder also read their own variables: `AWS_ENDPOINT`, `AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and the like for `s3://` addresses.
"""


def table(title: str, settings: type[BaseSettings]) -> str:
    rows = [
        f"| `ROTOMILL_{name.upper()}` | {default(field.default)} | {field.description} |"
        for name, field in settings.model_fields.items()
    ]
    return "\n".join([f"## {title}", "", "| setting | default | what it is |", "|---|---|---|", *rows, ""])


def default(value: object) -> str:
    return f"`{value}`" if value not in ("", None) else "empty"


def render() -> str:
    tables = (
        table("Storage", StorageSettings),
        table("API", ApiSettings),
        table("Workers", WorkerSettings),
    )
    return "\n".join([HEAD, *tables])


def test_the_page_lists_every_setting_as_the_code_has_it() -> None:
    assert PAGE.read_text() == render(), "run: python -m tests.test_settings"


def test_every_setting_says_what_it_is() -> None:
    for settings in (ApiSettings, StorageSettings, WorkerSettings):
        assert all(field.description for field in settings.model_fields.values())


if __name__ == "__main__":
    PAGE.write_text(render())
